"""A turn that is brought to its end, whatever becomes of the loop that takes its events."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

from app.core.agent.events import Event


def to_its_end(events: Iterator[Event], cancel: threading.Event) -> Iterator[Event]:
    """The events of a turn that `cancel` stops.

    A caller that leaves its loop early stops the turn. So does Ctrl-C: the turn ends as a stopped
    one does, with a result for every call that was made, and then `KeyboardInterrupt` is raised; a
    second Ctrl-C raises it at once.
    """
    interrupt = _Interrupt(cancel)
    try:
        while True:
            with interrupt:
                event = next(events, None)
            if event is None:
                break
            yield event
    except BaseException:
        cancel.set()
        # Nothing comes of events that raised this themselves.
        for _ in events:
            pass
        raise
    if interrupt.pressed:
        raise KeyboardInterrupt


class _Interrupt:
    """Within the block the first Ctrl-C sets `cancel` in place of raising `KeyboardInterrupt`,
    where the program has no handler of its own. `pressed` says whether it came."""

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel
        self._ours = False
        self.pressed = False

    def __enter__(self) -> None:
        self._ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._ours:
            signal.signal(signal.SIGINT, self._hear)

    def __exit__(self, *_: object) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
        self._cancel.set()
