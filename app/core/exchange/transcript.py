"""What is written of a conversation in Markdown and in HTML, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from app.core.rendering.citations import MARK, CitationLookup, Cited, numbered
from app.core.rendering.notebook_export import CallResults
from backends.messages import Document, Message, Picture
from tools.base import ToolCall, ToolResult


@dataclass(frozen=True)
class Asked:
    """What the user wrote, and the files that came with it."""

    text: str
    attached: tuple[Picture | Document, ...]


@dataclass(frozen=True)
class Answered:
    """What the model wrote, with its sources' numbers in brackets; `trouble` is why it broke off,
    empty for a normal end. `begins` says that this is the first one after a question."""

    text: str
    reasoning: str
    trouble: str
    begins: bool


@dataclass(frozen=True)
class Called:
    """A call, and what came of it; None where that is not known."""

    call: ToolCall
    result: ToolResult | None


@dataclass(frozen=True)
class Sources:
    """The sources of an answer: number, title and web address, which may be empty."""

    entries: tuple[tuple[int, str, str], ...]


_ENDINGS = {
    "cancelled": "The answer was stopped.",
    "interrupted": "The server stopped while this was written.",
    "length": "The answer ends here: it reached its longest length.",
}

Item = Asked | Answered | Called | Sources


def transcript(messages: Sequence[Message], look: CitationLookup) -> Iterator[Item]:
    """The items of a conversation; `look` finds what its citations quote."""
    results = CallResults(messages)
    cited: tuple[Cited, ...] = ()
    begins = True
    for message in messages:
        if message.role == "user":
            yield from _sources(cited)
            cited, begins = (), True
            yield Asked(message.text, message.attached)
        elif message.role == "assistant":
            answer = numbered(message.text, look, cited)
            cited = answer.citations
            text = MARK.sub(partial(_label, cited), answer.text)
            yield Answered(
                text.strip(),
                message.reasoning.strip(),
                message.error or _ENDINGS.get(message.finish, ""),
                begins,
            )
            begins = False
            for call in message.calls:
                yield Called(call, results.of(call))
    yield from _sources(cited)


def _label(cited: Sequence[Cited], mark: re.Match[str]) -> str:
    return f"[{cited[int(mark[1])].label}]"


def _sources(cited: Sequence[Cited]) -> Iterator[Sources]:
    known = {each.number: each.source for each in cited if each.source is not None}
    if known:
        yield Sources(tuple((number, s.title, s.url) for number, s in sorted(known.items())))
