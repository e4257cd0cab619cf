"""A conversation as a flat list of blocks to draw, pure.

A block is frozen: one that equals what stands on the page already is not drawn again. So the
page can watch a turn at many looks a second and send only what changed.
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


@dataclass(frozen=True)
class TextBlock:
    """A piece of an answer; `marks` are its citations by their offsets."""

    text: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class SourcesBlock:
    """What an answer has cited. `scope` is the answer's own part of the names of places."""

    citations: tuple[Cited, ...]
    scope: str


@dataclass(frozen=True)
class ThinkingBlock:
    text: str
    done: bool


@dataclass(frozen=True)
class CallBlock:
    """A tool call. `seconds` grows while the call runs; `asked` is the number for
    `Approvals.decide` while the state is `asking`."""

    call: ToolCall
    state: CallState
    seconds: int = 0
    progress: str = ""
    result: ToolResult | None = None
    asked: int = 0


@dataclass(frozen=True)
class NoteBlock:
    """How an answer ended, where it did not end well."""

    kind: Literal["error", "stopped", "length", "tool_limit"]
    text: str


@dataclass(frozen=True)
class WaitBlock:
    """Nothing of the answer has arrived yet."""

    text: str
    seconds: int


Block = TextBlock | SourcesBlock | ThinkingBlock | CallBlock | NoteBlock | WaitBlock


class Citing:
    """Collects the citations of one answer while its texts are converted in order. Without a
    `lookup` there is nothing to cite, and brackets stay as they are."""

    def __init__(self, lookup: CitationLookup | None = None, scope: str = "") -> None:
        self._lookup, self._scope = lookup, scope
        self._citations: tuple[Cited, ...] = ()

    def blocks(self, text: str, growing: bool = False) -> list[Block]:
        """A text in pieces."""
        marks: tuple[Mark, ...] = ()
        if self._lookup is not None:
            answer = numbered(text, self._lookup, self._citations, growing)
            text, self._citations = answer.text, answer.citations
            marks = tuple(
                Mark(each.label, anchor(self._scope, at), each.trouble)
                for at, each in enumerate(self._citations)
            )
        if not text.strip():
            return []
        return [
            TextBlock(piece, marks if MARK.search(piece) else ()) for piece in split_blocks(text)
        ]

    def sources(self) -> list[Block]:
        """The block of sources, if anything was cited."""
        return [SourcesBlock(self._citations, self._scope)] if self._citations else []


def anchor(scope: str, at: int) -> str:
    """The name of the place on the page where a citation's passage stands."""
    return f"cited-{scope}-{at + 1}"


@dataclass(frozen=True)
class Exchange:
    """A user's message with its index in the conversation, and the messages that answered it."""

    at: int
    question: Message | None
    answers: tuple[Message, ...]


def starts(messages: Sequence[Message]) -> list[int]:
    """The indices at which exchanges begin: the user's messages, and the first message."""
    return [at for at, message in enumerate(messages) if message.role == "user" or at == 0]


def exchanges(messages: Sequence[Message], part: slice = slice(None)) -> list[Exchange]:
    """The conversation cut at the user's messages; of a long one only a `part` of the exchanges is
    made."""
    begins = starts(messages)
    ends = [*begins, len(messages)][1:]
    return [_exchange(messages, *at) for at in zip(begins[part], ends[part], strict=True)]


def latest(messages: Sequence[Message]) -> Exchange | None:
    """The last exchange, None in an empty conversation. Its cost does not grow with the
    conversation."""
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "user" or at == 0:
            return _exchange(messages, at, len(messages))
    return None


def _exchange(messages: Sequence[Message], at: int, end: int) -> Exchange:
    question = messages[at] if messages[at].role == "user" else None
    return Exchange(at, question, tuple(messages[at + (question is not None) : end]))


def answer_blocks(
    answers: Sequence[Message], lookup: CitationLookup | None = None, at: int = 0
) -> list[Block]:
    """The blocks of what answered one message, which stands at `at` in the conversation."""
    citing = Citing(lookup, str(at))
    blocks = _answer_blocks(answers, citing)
    return [*blocks, *citing.sources()]


def _answer_blocks(answers: Sequence[Message], citing: Citing) -> list[Block]:
    results: dict[str, list[ToolResult]] = {}
    for message in answers:
        if message.result is not None:
            results.setdefault(message.result.call_id, []).append(message.result)
    blocks: list[Block] = []
    for message in answers:
        if message.role != "assistant":
            continue
        if message.reasoning:
            blocks.append(ThinkingBlock(message.reasoning, done=True))
        blocks += citing.blocks(message.text)
        for call in message.calls:
            waiting = results.get(call.id)
            if waiting:
                blocks.append(CallBlock(call, "done", result=waiting.pop(0)))
        if message.error:
            blocks.append(NoteBlock("error", message.error))
        elif message.finish == "cancelled":
            blocks.append(NoteBlock("stopped", STOPPED if message.text else "Stopped."))
        elif message.finish == "length":
            blocks.append(NoteBlock("length", _cut(message.usage)))
    return blocks


def live_blocks(live: TurnSnapshot, began: float, citing: Citing | None = None) -> list[Block]:
    """The blocks of the part of a turn that is not in the conversation yet."""
    blocks: list[Block] = []
    if live.reasoning:
        blocks.append(ThinkingBlock(live.reasoning, done=bool(live.text or live.calls)))
    blocks += (citing or Citing()).blocks(live.text, growing=True)
    for item in live.calls:
        seconds = int(time.monotonic() - item.started) if item.state == "running" else 0
        progress = item.progress if item.state == "running" else ""
        asked = item.asked if item.state == "asking" else 0
        blocks.append(CallBlock(item.call, item.state, seconds, progress, item.result, asked))
    if live.notice or not blocks:
        blocks.append(WaitBlock(live.notice, int(time.monotonic() - began)))
    return blocks


def latest_blocks(
    view: View, answers: Sequence[Message], lookup: CitationLookup | None = None, at: int = 0
) -> list[Block]:
    """The blocks of the last exchange, running or not; with its sources once it has ended."""
    citing = Citing(lookup, str(at))
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
    return blocks


def tick(blocks: Sequence[Block]) -> bool:
    """Whether one of the blocks shows a running clock."""
    return any(
        isinstance(block, WaitBlock) or (isinstance(block, CallBlock) and block.state == "running")
        for block in blocks
    )


def usage_of(answers: Sequence[Message]) -> Usage | None:
    """The answer's figures: the last message's speed, the first one's wait."""
    said = [message.usage for message in answers if message.usage]
    return said[-1] if said else None


def _cut(usage: Usage | None) -> str:
    tokens = f" at {usage.completion_tokens:,} tokens" if usage else ""
    return f"The answer was cut{tokens}, the longest that is set. Raise the limit, or go on."
