"""Turns that were cut off: what was said so far, and a result for each call that has none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from app.core.conversation import Conversation
from app.core.history.stored import RunningRow
from app.core.sessions.live_turn import LiveCall
from backends.messages import Message, Text, identified
from tools.base import ToolResult

UNKNOWN_CALL = (
    "The server stopped before this call ended: it is not known how far it came, and it was not "
    "run again."
)

UNBEGUN_CALL = "The server stopped before this call began: it was not run."
BROKEN = "Interrupted"
"""What a page says of such a call."""


def interrupted(conversation: Conversation, text: str, reasoning: str) -> Conversation:
    """The conversation with what had been written of an answer whose process has ended."""
    if not (text or reasoning):
        return conversation
    parts = (Text(text),) if text else ()
    return conversation.append(Message("assistant", parts, reasoning, finish="interrupted"))


def said_so_far(running: RunningRow | None, conversation: Conversation) -> tuple[str, str]:
    """Text and reasoning of an answer to the conversation's last message, as they were stored."""
    last = conversation.messages[-1].id if conversation.messages else None
    if running is None or running.parent != last:
        return "", ""
    try:
        body = json.loads(running.body)
        return str(body.get("text") or ""), str(body.get("reasoning") or "")
    except (ValueError, AttributeError):
        return "", ""


def with_missing_results(conversation: Conversation, live: Sequence[LiveCall] = ()) -> Conversation:
    """The conversation with a result for each call whose process ended while it ran: a model is
    shown no call without one, and none is run again by itself. `live` says how far the last calls
    came, where that is known."""
    messages: list[Message] = []
    for message in conversation.messages:
        if message.role != "tool":
            messages += _missing(messages)
        messages.append(message)
    messages += _missing(messages, live)
    return Conversation(tuple(map(identified, messages)))


def _missing(messages: list[Message], live: Sequence[LiveCall] = ()) -> Iterator[Message]:
    asked = next((at for at in reversed(range(len(messages))) if messages[at].role != "tool"), None)
    if asked is None:
        return
    results = [m.result for m in messages[asked + 1 :] if m.result is not None]
    open_ids = [result.call_id for result in results]
    known = {each.call.id: each for each in live}
    for call in messages[asked].calls:
        if call.id in open_ids:
            open_ids.remove(call.id)
            continue
        state = known.get(call.id)
        if state is not None and state.result is not None:
            yield identified(Message("tool", result=state.result))
            continue
        begun = state is None or state.state not in ("waiting", "asking")
        text = UNKNOWN_CALL if begun else UNBEGUN_CALL
        yield identified(Message("tool", result=ToolResult(call.id, call.name, text, error=BROKEN)))
