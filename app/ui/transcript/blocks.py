"""Converts a conversation to a flat list of blocks to draw. Pure functions.

Blocks are frozen and comparable: a page that watches a turn redraws only those that changed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.core.rendering.citations import MARK, CitationLookup, Cited, numbered
from app.core.sessions.live_turn import CallState, TurnSnapshot
from app.core.sessions.session import View
from app.ui.elements.markdown import Mark, split_blocks
from backends.messages import Message, Usage
from tools.base import ToolCall, ToolResult

STOPPED = "Stopped. What was said so far is kept."
INTERRUPTED = (
    "Interrupted: the server stopped in the middle of this answer. What was said so far is kept."
)
UNANSWERED = "Interrupted: there is no answer yet. Continue goes on from here."


@dataclass(frozen=True)
class TextBlock:
    """A piece of an answer; its text has placeholders for the citations in `marks`."""

    text: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class SourcesBlock:
    """The citations of an answer. `scope` distinguishes its anchors from those of others."""

    citations: tuple[Cited, ...]
    scope: str


@dataclass(frozen=True)
class ThinkingBlock:
    """A model's reasoning; `done` once the answer follows."""

    text: str
    done: bool


@dataclass(frozen=True)
class CallBlock:
    """A tool call.

    Attributes:
        call: the call.
        state: its state.
        seconds: the time that it has been running; 0 in other states.
        progress: text on its progress while it runs.
        result: its result once it is done.
        asked: number of the request for approval, for `Approvals.decide`; 0 unless `asking`.
    """

    call: ToolCall
    state: CallState
    seconds: int = 0
    progress: str = ""
    result: ToolResult | None = None
    asked: int = 0


@dataclass(frozen=True)
class NoteBlock:
    """A note on an answer that ended early."""

    kind: Literal["error", "stopped", "interrupted", "length", "tool_limit"]
    text: str


@dataclass(frozen=True)
class CompactedBlock:
    """From this answer on the model no longer reads the conversation's first `messages`; a
    `summary` stands in their place, unless it is empty."""

    messages: int
    summary: str


@dataclass(frozen=True)
class WaitBlock:
    """A wait for the answer's first tokens, with a notice and the seconds so far."""

    text: str
    seconds: int


Block = (
    TextBlock | SourcesBlock | ThinkingBlock | CallBlock | CompactedBlock | NoteBlock | WaitBlock
)


class CitationCollector:
    """Collects the citations of one answer while its texts are converted in order.

    Arguments:
        lookup: finds cited sources; None: nothing can be cited, and brackets are unchanged.
        scope: see `SourcesBlock`.
    """

    def __init__(self, lookup: CitationLookup | None = None, scope: str = "") -> None:
        self._lookup, self._scope = lookup, scope
        self._citations: tuple[Cited, ...] = ()

    def blocks(self, text: str, growing: bool = False) -> list[Block]:
        """Convert a text to blocks; a `growing` one may end within a citation."""
        marks: tuple[Mark, ...] = ()
        if self._lookup is not None:
            answer = numbered(text, self._lookup, self._citations, growing)
            text, self._citations = answer.text, answer.citations
            marks = tuple(
                Mark(each.label, anchor(self._scope, index), each.trouble)
                for index, each in enumerate(self._citations)
            )
        if not text.strip():
            return []
        return [
            TextBlock(piece, marks if MARK.search(piece) else ()) for piece in split_blocks(text)
        ]

    def sources(self) -> list[Block]:
        """The block of sources, or nothing if the answer cites none."""
        return [SourcesBlock(self._citations, self._scope)] if self._citations else []


def anchor(scope: str, index: int) -> str:
    """The id of the element with the passage of the citation at `index`."""
    return f"cited-{scope}-{index + 1}"


@dataclass(frozen=True)
class Exchange:
    """A user's message, its `index` in the conversation, and the messages that answer it.

    `question` is None at the beginning of a conversation that the model begins; `number` counts
    exchanges from 1, 0 where they were not counted.
    """

    index: int
    question: Message | None
    answers: tuple[Message, ...]
    number: int = 0


def starts(messages: Sequence[Message]) -> list[int]:
    """The indices at which exchanges begin: the user's messages, and the first message."""
    return [index for index, message in enumerate(messages) if message.role == "user" or index == 0]


def exchanges(messages: Sequence[Message], part: slice = slice(None)) -> list[Exchange]:
    """The exchanges of a conversation, or a `part` of them, to save time in long conversations."""
    begins = starts(messages)
    ends = [*begins, len(messages)][1:]
    numbers = range(1, len(begins) + 1)[part]
    cuts = zip(begins[part], ends[part], numbers, strict=True)
    return [replace(_exchange(messages, start, end), number=number) for start, end, number in cuts]


def latest(messages: Sequence[Message]) -> Exchange | None:
    """The last exchange; None in an empty conversation.

    The time it takes doesn't depend on the length of the conversation.
    """
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user" or index == 0:
            return _exchange(messages, index, len(messages))
    return None


def _exchange(messages: Sequence[Message], start: int, end: int) -> Exchange:
    question = messages[start] if messages[start].role == "user" else None
    return Exchange(start, question, tuple(messages[start + (question is not None) : end]))


def answer_blocks(
    answers: Sequence[Message], lookup: CitationLookup | None = None, index: int = 0
) -> list[Block]:
    """The blocks of the messages that answer the user's message at `index`."""
    citing = CitationCollector(lookup, str(index))
    blocks = _answer_blocks(answers, citing)
    return [*blocks, *citing.sources()]


def _answer_blocks(answers: Sequence[Message], citing: CitationCollector) -> list[Block]:
    results: dict[str, list[ToolResult]] = {}
    for message in answers:
        if message.result is not None:
            results.setdefault(message.result.call_id, []).append(message.result)
    blocks: list[Block] = []
    for message in answers:
        if message.role != "assistant":
            continue
        compacted = message.context.compacted if message.context is not None else None
        if compacted is not None:
            blocks.append(CompactedBlock(compacted.messages, compacted.summary))
        if message.reasoning:
            blocks.append(ThinkingBlock(message.reasoning, done=True))
        blocks += citing.blocks(message.text)
        for call in message.calls:
            remaining = results.get(call.id)
            if remaining:
                blocks.append(CallBlock(call, "done", result=remaining.pop(0)))
        if message.error:
            blocks.append(NoteBlock("error", message.error))
        elif message.finish == "cancelled":
            blocks.append(NoteBlock("stopped", STOPPED if message.text else "Stopped."))
        elif message.finish == "interrupted":
            blocks.append(NoteBlock("interrupted", INTERRUPTED))
        elif message.finish == "length":
            blocks.append(NoteBlock("length", _cut(message.usage)))
    return blocks


def live_blocks(
    live: TurnSnapshot, began: float, citing: CitationCollector | None = None
) -> list[Block]:
    """The blocks of the part of a turn that is not in the conversation yet.

    `began`: when the turn began, on the clock of `time.monotonic`.
    """
    blocks: list[Block] = []
    if live.reasoning:
        blocks.append(ThinkingBlock(live.reasoning, done=bool(live.text or live.calls)))
    blocks += (citing or CitationCollector()).blocks(live.text, growing=True)
    for item in live.calls:
        seconds = int(time.monotonic() - item.started) if item.state == "running" else 0
        progress = item.progress if item.state == "running" else ""
        asked = item.asked if item.state == "asking" else 0
        blocks.append(CallBlock(item.call, item.state, seconds, progress, item.result, asked))
    if live.notice or not blocks:
        blocks.append(WaitBlock(live.notice, int(time.monotonic() - began)))
    return blocks


def latest_blocks(
    view: View, answers: Sequence[Message], lookup: CitationLookup | None = None, index: int = 0
) -> list[Block]:
    """The blocks of the last exchange, running or not; with its sources once it has ended.

    Arguments:
        view: the session's state.
        answers: the messages of the exchange after the user's.
        lookup: finds cited sources.
        index: index of the user's message in the conversation.
    """
    citing = CitationCollector(lookup, str(index))
    blocks = _answer_blocks(answers, citing)
    if view.live is not None:
        drawn = {id(message.result) for message in answers if message.result}
        calls = tuple(call for call in view.live.calls if id(call.result) not in drawn)
        return blocks + live_blocks(replace(view.live, calls=calls), view.began, citing)
    blocks += citing.sources()
    if view.ended is not None:
        if view.ended.reason == "tool_limit":
            blocks.append(
                NoteBlock("tool_limit", "The limit of tool rounds is reached. Continue goes on.")
            )
        elif view.ended.reason == "cancelled" and answers and answers[-1].role == "tool":
            blocks.append(NoteBlock("stopped", STOPPED))
    elif not answers or answers[-1].role == "tool":
        blocks.append(NoteBlock("interrupted", UNANSWERED))
    return blocks


def has_clock(blocks: Sequence[Block]) -> bool:
    """Whether a block shows a running clock, which changes every second."""
    return any(
        isinstance(block, WaitBlock) or (isinstance(block, CallBlock) and block.state == "running")
        for block in blocks
    )


def usage_of(answers: Sequence[Message]) -> Usage | None:
    """The token counts and times of an exchange's last message that has any; else None."""
    usages = [message.usage for message in answers if message.usage]
    return usages[-1] if usages else None


def _cut(usage: Usage | None) -> str:
    tokens = f" at {usage.completion_tokens:,} tokens" if usage else ""
    return f"The answer was cut{tokens}, the limit that is set. Raise the limit, or continue."
