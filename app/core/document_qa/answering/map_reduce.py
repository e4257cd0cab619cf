"""Map-reduce over documents that are too long for the window.

The model takes notes on one part after another. While the notes together are too long for one
call, the model merges them in groups; then it answers from them. The notes are shown as the
model's thinking.
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
"""Tokens of one part, also in a larger window: models miss the middle of a longer text."""
MAX_NOTE_TOKENS = 800
"""Tokens of the notes on one part, at most; in a small window a sixteenth of it."""

_LABEL_TOKENS = 40  # tokens of the line above a note
_FILL_RATIO = 0.95  # of a call's text budget: leaves a margin for the error of estimates
_OVERHEAD_TOKENS = 200  # tokens of a call beside the text, the question and the notes


@dataclass(frozen=True)
class Part:
    """A stretch of the documents; `title` names its pages."""

    title: str
    text: str


@dataclass(frozen=True)
class Plan:
    """How documents are read in parts: `text_tokens` is the budget for the text of one call,
    `note` for the notes that the call returns, in tokens. `talk` are the earlier messages."""

    parts: tuple[Part, ...]
    question: Message
    talk: tuple[Message, ...]
    text_tokens: int
    note: int
    wording: Wording

    @property
    def calls(self) -> int:
        """The number of the model's calls, at most."""
        notes = calls = len(self.parts)
        if notes <= 1:
            return 1
        while notes > self.together:
            notes = ceil(notes / self.together)
            calls += notes
        return calls + 1

    @property
    def together(self) -> int:
        """How many notes of full length one call can merge; at least two."""
        return max(2, self.text_tokens // (self.note + _LABEL_TOKENS))


def plan(
    corpus: Corpus, question: Message, talk: Sequence[Message], counter: TokenCounter, answer: int
) -> Plan:
    """The documents in parts of about the same length that fit the window. The last call contains
    the earlier messages, `talk`, unless they take more than a quarter of the window. `answer` is
    the answer's budget in tokens."""
    window, scale = counter.window, counter.scale(corpus.whole)
    note = max(64, min(MAX_NOTE_TOKENS, window // 16))
    talk_tokens = counter.prompt(talk).count if talk else 0
    talk_tokens, talk = (0, ()) if talk_tokens > window // 4 else (talk_tokens, talk)
    text_tokens = min(
        MAX_PART_TOKENS,
        window
        - max(note, answer)
        - counter.text(question.text).count
        - talk_tokens
        - _OVERHEAD_TOKENS,
    )
    text_tokens = max(text_tokens, window // 4)
    costs = [estimate_tokens(f"{each.page.head}\n{each.text}") * scale for each in corpus.chunks]
    target_tokens = sum(costs) / max(1, ceil(sum(costs) / (_FILL_RATIO * text_tokens))) + max(
        costs, default=0
    )
    parts = (_part(corpus.chunks[a:b]) for a, b in _packed(costs, min(target_tokens, text_tokens)))
    return Plan(
        tuple(parts), question, tuple(talk), text_tokens, note, wording(counter.profile, window)
    )


def read(
    plan: Plan, backend: Backend, config: GenerationConfig, cancel: threading.Event
) -> Generator[ModelEvent, None, tuple[Message, ...] | None]:
    """Takes the notes, and returns the messages of the final request.

    Yields progress as notices, the notes as thinking, and an `AnswerFinished` for each call.
    Returns None when a call was cancelled or failed, with its `AnswerFinished` as the last event.
    Raises `BackendError`.
    """
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
    read = Text("".join(f"{text}\n\n" for text in texts), "documents")
    asked = replace(plan.question, parts=(*shown, read, Text(plan.question.text)))
    return (_system(rules), *plan.talk, asked)


class _Calls:
    """The calls that take and merge notes for one answer."""

    def __init__(
        self, plan: Plan, backend: Backend, config: GenerationConfig, cancel: threading.Event
    ) -> None:
        self._plan, self._backend, self._config, self._cancel = plan, backend, config, cancel

    def note(self, label: str, rules: str, text: str) -> Generator[ModelEvent, None, str | None]:
        """The model's notes on a text; None when the call was cancelled or failed."""
        yield Notice(label)
        yield ReasoningDelta(f"**{label}**\n\n")
        config = replace(self._config, max_tokens=self._plan.note)
        asked = user(f"{text}\n\nRequest: {self._plan.question.text}")
        pieces: list[str] = []
        finish: Finish = "error"
        for event in self._backend.generate([_system(rules), asked], (), config, self._cancel):
            match event:
                case TextDelta(piece):
                    pieces.append(piece)
                    yield ReasoningDelta(piece)
                case Notice(waiting):
                    yield Notice(f"{label} · {waiting}" if waiting else label)
                case AnswerFinished(finish):
                    yield ReasoningDelta("\n\n")
                    yield event
        return None if finish in ("cancelled", "error") else "".join(pieces).strip()


def _part(chunks: Sequence[Chunk]) -> Part:
    """Consecutive chunks as one part."""
    titles = []
    for _, group in groupby(chunks, key=lambda each: each.page.first):
        pages = [each.page for each in group]
        one, last = pages[0], pages[-1]
        more = f"-{last.page.number}" if last is not one else ""
        titles.append(f"{one.name}, {one.unit}{'s' if more else ''} {one.page.number}{more}")
    return Part("; ".join(titles), render_chunks(chunks))


def _packed(costs: Sequence[float], max_cost: float) -> list[tuple[int, int]]:
    """Neighbours in groups whose costs sum up to `max_cost` at most, as half-open index ranges. A
    single item above the maximum is a group of its own."""
    groups: list[tuple[int, int]] = []
    first, cost_so_far = 0, 0.0
    for index, cost in enumerate(costs):
        if index > first and cost_so_far + cost > max_cost:
            groups.append((first, index))
            first, cost_so_far = index, 0.0
        cost_so_far += cost
    return [*groups, (first, len(costs))] if costs else []


def _system(text: str) -> Message:
    return Message("system", (Text(text),))
