"""Documents that are too long for the window, read in parts, one after another.

The model takes notes on each part; notes that are too long together are put together in groups,
and the answer is given from them. The notes are shown as the model's thinking.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil

from app.core.document_qa.answering.instructions import Wording, wording
from app.core.document_qa.retrieval.chunking import Chunk, render_chunks
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.token_counter import TokenCounter, estimate_tokens
from backends.base import Backend, GenerationConfig
from backends.events import AnswerFinished, ModelEvent, Notice, ReasoningDelta, TextDelta
from backends.messages import Finish, Message, Text, user

MAX_PART_TOKENS = 24_000
"""Tokens of one part, in however large a window: of longer ones models miss the middle."""
MAX_NOTE_TOKENS = 800
"""Tokens of the notes on one part, at most; a sixteenth of a small window."""

_LABEL_TOKENS = 40  # tokens of the line above a note
_FILL_RATIO = 0.95  # of a call's room: parts are as full as a guess allows
_OVERHEAD_TOKENS = 200  # tokens of a call beside the text, the question and the notes


@dataclass(frozen=True)
class Part:
    """A stretch of the documents; `title` says of which pages it is."""

    title: str
    text: str


@dataclass(frozen=True)
class Plan:
    """How documents are read in parts. Tokens: `room` for the text of one call, `note` for the
    notes that it brings."""

    parts: tuple[Part, ...]
    question: Message
    talk: tuple[Message, ...]
    text_tokens: int
    note: int
    wording: Wording

    @property
    def calls(self) -> int:
        """How often the model is asked, at most."""
        notes = calls = len(self.parts)
        if notes <= 1:
            return 1
        while notes > self.together:
            notes = ceil(notes / self.together)
            calls += notes
        return calls + 1

    @property
    def together(self) -> int:
        """Notes that one call can read, however long they are."""
        return max(2, self.text_tokens // (self.note + _LABEL_TOKENS))


def plan(
    corpus: Corpus, question: Message, talk: Sequence[Message], counter: TokenCounter, answer: int
) -> Plan:
    """The documents in parts that fit, all about as long. What was said before stands in the last
    call, where it takes no more than a quarter of the window."""
    window, scale = counter.window, counter.scale(corpus.whole)
    note = max(64, min(MAX_NOTE_TOKENS, window // 16))
    said = counter.prompt(talk).count if talk else 0
    said, talk = (0, ()) if said > window // 4 else (said, talk)
    text_tokens = min(
        MAX_PART_TOKENS,
        window - max(note, answer) - counter.text(question.text).count - said - _OVERHEAD_TOKENS,
    )
    text_tokens = max(text_tokens, window // 4)
    costs = [estimate_tokens(f"{each.page.head}\n{each.text}") * scale for each in corpus.chunks]
    even = sum(costs) / max(1, ceil(sum(costs) / (_FILL_RATIO * text_tokens))) + max(
        costs, default=0
    )
    parts = (_part(corpus.chunks[a:b]) for a, b in _packed(costs, min(even, text_tokens)))
    return Plan(
        tuple(parts), question, tuple(talk), text_tokens, note, wording(counter.profile, window)
    )


def read(
    plan: Plan, backend: Backend, config: GenerationConfig, cancel: threading.Event
) -> Generator[ModelEvent, None, tuple[Message, ...] | None]:
    """The messages that are answered from the notes, once these are taken: progress as notices, the
    notes as thinking, and an `AnswerFinished` for each. None when the last of them did not end
    well. Raises `BackendError`."""
    calls = _Calls(plan, backend, replace(config, tool_choice=None), cancel)
    texts = [part.text for part in plan.parts]
    if len(texts) > 1:
        for index, part in enumerate(plan.parts):
            label = f"Reading part {index + 1} of {len(texts)}: {part.title}"
            note = yield from calls.note(label, plan.wording.part, part.text)
            if note is None:
                return None
            texts[index] = f"Notes on {part.title}:\n{note}"
    while len(texts) > plan.together and sum(map(estimate_tokens, texts)) > plan.text_tokens:
        notes, texts = texts, []
        firsts = range(0, len(notes), plan.together)
        for first in firsts:
            label = f"Putting notes together: {len(texts) + 1} of {len(firsts)}"
            text = "\n\n".join(notes[first : first + plan.together])
            note = yield from calls.note(label, plan.wording.join, text)
            if note is None:
                return None
            texts.append(note)
    several = len(plan.parts) > 1
    yield Notice("Answering from the notes" if several else "")
    rules = plan.wording.notes if several else plan.wording.pages
    shown = tuple(part for part in plan.question.parts if not isinstance(part, Text))
    text = "\n\n".join([*texts, plan.question.text])
    return (_system(rules), *plan.talk, replace(plan.question, parts=(*shown, Text(text))))


class _Calls:
    """The calls on the way to one answer."""

    def __init__(
        self, plan: Plan, backend: Backend, config: GenerationConfig, cancel: threading.Event
    ) -> None:
        self._plan, self._backend, self._config, self._cancel = plan, backend, config, cancel

    def note(self, label: str, rules: str, text: str) -> Generator[ModelEvent, None, str | None]:
        """Notes on a text; None when the answer has ended with it."""
        yield Notice(label)
        yield ReasoningDelta(f"**{label}**\n\n")
        config = replace(self._config, max_tokens=self._plan.note)
        asked = user(f"{text}\n\nRequest: {self._plan.question.text}")
        said: list[str] = []
        finish: Finish = "error"
        for event in self._backend.generate([_system(rules), asked], (), config, self._cancel):
            match event:
                case TextDelta(piece):
                    said.append(piece)
                    yield ReasoningDelta(piece)
                case Notice(waiting):
                    yield Notice(f"{label} · {waiting}" if waiting else label)
                case AnswerFinished(finish):
                    yield ReasoningDelta("\n\n")
                    yield event
        return None if finish in ("cancelled", "error") else "".join(said).strip()


def _part(chunks: Sequence[Chunk]) -> Part:
    """Consecutive passages as one part."""
    titles = []
    for _, group in groupby(chunks, key=lambda each: each.page.first):
        pages = [each.page for each in group]
        one, last = pages[0], pages[-1]
        more = f"-{last.page.number}" if last is not one else ""
        titles.append(f"{one.name}, {one.unit}{'s' if more else ''} {one.page.number}{more}")
    return Part("; ".join(titles), render_chunks(chunks))


def _packed(costs: Sequence[float], most: float) -> list[tuple[int, int]]:
    """Neighbours in groups that cost no more than `most`: from which to which, the end not in."""
    groups: list[tuple[int, int]] = []
    first, held = 0, 0.0
    for index, cost in enumerate(costs):
        if index > first and held + cost > most:
            groups.append((first, index))
            first, held = index, 0.0
        held += cost
    return [*groups, (first, len(costs))] if costs else []


def _system(text: str) -> Message:
    return Message("system", (Text(text),))
