"""A conversation as Markdown, for people: what was said, calls with their results, sources."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.core.exchange.snapshot import Snapshot
from app.core.exchange.transcript import Answered, Asked, Called, Sources, transcript
from app.core.rendering.notebook_export import code_of, plain
from backends.messages import Document, Picture
from tools.base import ToolCall, ToolResult, for_user
from tools.documents.readers.layout.fences import fenced

MAX_RESULT_CHARS = 20_000
"""Characters of one result that are written."""


def markdown(taken: Snapshot) -> str:
    """The branch as Markdown. What was said stands as it was written; files are named."""
    return "\n\n".join(_blocks(taken)) + "\n"


def heading(taken: Snapshot) -> str:
    """The mode and the day on which the conversation began (UTC)."""
    day = time.strftime("%Y-%m-%d", time.gmtime(max(0.0, taken.entry.created)))
    return f"{taken.entry.mode.capitalize()} · {day}"


def _blocks(taken: Snapshot) -> Iterator[str]:
    yield f"# {plain(' '.join(taken.entry.title.split())) or 'Untitled'}"
    yield f"*{heading(taken)}*"
    for item in transcript(taken.messages, taken.citations):
        match item:
            case Asked(text, attached):
                yield "## You"
                if attached:
                    yield _files(attached)
                if text.strip():
                    yield text.strip()
            case Answered(text, reasoning, trouble, begins):
                if begins:
                    yield "## Assistant"
                if reasoning:
                    yield "\n".join(f"> {line}".rstrip() for line in reasoning.splitlines())
                if text:
                    yield text
                if trouble:
                    yield f"*{plain(trouble)}*"
            case Called(call, result):
                yield from _call(call, result)
            case Sources(entries):
                lines = (f"{number}. {plain(title)} {url}" for number, title, url in entries)
                yield "\n".join(["Sources:", "", *(line.rstrip() for line in lines)])


def _call(call: ToolCall, result: ToolResult | None) -> Iterator[str]:
    yield f"**{plain(call.name)}**"
    if call.name == "python":
        yield fenced(code_of(call), "python")
    else:
        yield fenced(call.input)
    if result is not None:
        if result.text.strip():
            yield fenced(result.text[:MAX_RESULT_CHARS].rstrip())
        if made := for_user(result):
            yield "*Files: " + ", ".join(plain(each.name) for each in made) + "*"


def _files(attached: Sequence[Picture | Document]) -> str:
    names = (plain(each.name or Path(each.path).name) for each in attached)
    return "*Files: " + ", ".join(names) + "*"
