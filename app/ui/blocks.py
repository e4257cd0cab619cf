"""A conversation as a flat list of blocks to draw, pure.

A block is frozen: one that equals what stands on the page already is not drawn again. So the
page can watch a turn at many looks a second and send only what changed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.core.live import CallState, Live
from app.core.session import View
from app.ui.markdown import split_blocks
from backends.base import Message, Usage
from tools.base import ToolCall, ToolResult


@dataclass(frozen=True)
class TextBlock:
    text: str


@dataclass(frozen=True)
class ThinkingBlock:
    text: str
    done: bool


@dataclass(frozen=True)
class CallBlock:
    """A tool call. `seconds` runs while the call does."""

    call: ToolCall
    state: CallState
    seconds: int = 0
    progress: str = ""
    result: ToolResult | None = None


@dataclass(frozen=True)
class NoteBlock:
    """How an answer ended, where it did not end well."""

    kind: Literal["error", "stopped", "length", "tool_limit"]
    text: str


@dataclass(frozen=True)
class WaitBlock:
    """Nothing has come yet."""

    text: str
    seconds: int


Block = TextBlock | ThinkingBlock | CallBlock | NoteBlock | WaitBlock


@dataclass(frozen=True)
class Exchange:
    """A user's message, where it stands, and everything that answered it."""

    at: int
    question: Message | None
    answers: tuple[Message, ...]


def exchanges(messages: Sequence[Message]) -> list[Exchange]:
    """The conversation cut at the user's messages."""
    cut: list[Exchange] = []
    start = 0
    for at in range(len(messages) + 1):
        if at == len(messages) or (messages[at].role == "user" and at > start):
            if at > start:
                first = messages[start]
                question = first if first.role == "user" else None
                rest = messages[start + 1 : at] if question else messages[start:at]
                cut.append(Exchange(start, question, tuple(rest)))
            start = at
    return cut


def answer_blocks(answers: Sequence[Message]) -> list[Block]:
    """The blocks of what answered one message, as far as it is in the conversation."""
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
        blocks += _text(message.text)
        for call in message.calls:
            waiting = results.get(call.id)
            if waiting:
                blocks.append(CallBlock(call, "done", result=waiting.pop(0)))
        if message.error:
            blocks.append(NoteBlock("error", message.error))
        elif message.finish == "cancelled":
            blocks.append(NoteBlock("stopped", "Stopped. What was said so far is kept."))
        elif message.finish == "length":
            blocks.append(NoteBlock("length", _cut(message.usage)))
    return blocks


def live_blocks(live: Live, began: float) -> list[Block]:
    """The blocks of the part of a turn that is not in the conversation yet."""
    blocks: list[Block] = []
    if live.reasoning:
        blocks.append(ThinkingBlock(live.reasoning, done=bool(live.text or live.calls)))
    blocks += _text(live.text)
    for item in live.calls:
        seconds = int(time.monotonic() - item.started) if item.state == "running" else 0
        progress = item.progress if item.state == "running" else ""
        blocks.append(CallBlock(item.call, item.state, seconds, progress, item.result))
    if live.notice or not blocks:
        blocks.append(WaitBlock(live.notice, int(time.monotonic() - began)))
    return blocks


def latest_blocks(view: View, answers: Sequence[Message]) -> list[Block]:
    """The blocks of the last exchange, running or not."""
    blocks = answer_blocks(answers)
    if view.live is not None:
        drawn = {id(message.result) for message in answers if message.result}
        calls = tuple(call for call in view.live.calls if id(call.result) not in drawn)
        blocks += live_blocks(replace(view.live, calls=calls), view.began)
    elif view.ended is not None:
        if view.ended.reason == "tool_limit":
            blocks.append(
                NoteBlock("tool_limit", "The limit of tool rounds is reached. Continue goes on.")
            )
        elif view.ended.reason == "cancelled" and answers and answers[-1].role == "tool":
            blocks.append(NoteBlock("stopped", "Stopped. What was said so far is kept."))
    return blocks


def usage_of(answers: Sequence[Message]) -> Usage | None:
    """The answer's figures: the last message's speed, the first one's wait."""
    said = [message.usage for message in answers if message.usage]
    return said[-1] if said else None


def _text(text: str) -> list[Block]:
    return [TextBlock(piece) for piece in split_blocks(text)] if text.strip() else []


def _cut(usage: Usage | None) -> str:
    tokens = f" at {usage.completion_tokens:,} tokens" if usage else ""
    return f"The answer was cut{tokens}, the longest that is set. Raise the limit, or go on."
