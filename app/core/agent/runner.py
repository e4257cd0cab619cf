"""A turn from its first word to its last, for whoever runs it: a session's thread, or a caller's.

What goes wrong on the way, here as in the loop, becomes an event.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Literal

from app.core.agent.events import Event, MessageFinished, TurnFinished
from app.core.agent.loop import INTERNAL_ERROR, Turn, run_turn
from app.core.conversation import Conversation
from app.core.models.host import Model
from backends.base import Backend
from backends.errors import BackendError
from backends.events import Notice
from backends.messages import Message, Usage

log = logging.getLogger(__name__)

Prepare = Callable[[Conversation, threading.Event], Generator[Notice, None, Conversation]]
"""What is done before the model is asked: it changes the conversation, hears Stop, and says how
far it is. Raises `BackendError` with what the user should know."""

Slot = Callable[[Iterator[Event], threading.Event], Iterator[Event]]
"""Holds events back until their turn may run."""


def run(
    turn: Turn, model: Model, prepare: Prepare | None = None, slot: Slot | None = None
) -> Iterator[Event]:
    """A turn with a model that may have to be loaded first, to its `TurnFinished`; after each
    `MessageFinished` the turn's conversation holds the message. Raises nothing on purpose."""
    events = _events(turn, model, prepare)
    try:
        yield from events if slot is None else slot(events, turn.cancel)
    except BackendError as error:
        yield from _failed(turn, "error", str(error))
    except Exception:
        log.exception("the turn ended in a fault")
        yield from _failed(turn, "error", INTERNAL_ERROR)


def failed_turn(
    reason: Literal["error", "cancelled"], error: str | None
) -> tuple[MessageFinished, TurnFinished]:
    """The events of a turn that ended before there was a model to ask."""
    message = Message("assistant", finish=reason, error=error)
    return MessageFinished(message), TurnFinished(reason, Usage(), error)


def _events(turn: Turn, model: Model, prepare: Prepare | None) -> Iterator[Event]:
    backend: Backend | None = None
    if prepare is not None:
        turn.conversation = yield from prepare(turn.conversation, turn.cancel)
    if prepare is None or not turn.cancel.is_set():
        if model.state != "ready":
            yield Notice("Loading the model")
        backend = model.wait(turn.cancel)
    if backend is None:
        yield from _failed(turn, "cancelled", None)
        return
    yield Notice("")
    yield from run_turn(turn, backend)


def _failed(
    turn: Turn, reason: Literal["error", "cancelled"], error: str | None
) -> Iterator[Event]:
    finished, end = failed_turn(reason, error)
    yield turn.finished(finished.message)
    yield end
