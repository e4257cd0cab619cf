"""The Python calls of a conversation, run once more in a kernel that has lost its variables."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.agent.events import (
    Event,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnFinished,
)
from app.core.sessions.cut_off import BROKEN
from backends.events import Notice, ToolCallReady
from backends.messages import Message, Usage
from tools.base import ToolCall, ToolContext, ToolResult
from tools.registry import Registry

_UNFINISHED = re.compile(rf"^{BROKEN}$|^Stopped|not run", re.IGNORECASE)
"""Errors of calls that did not run to their end."""

VARIABLES_LOST = (
    "Python was started anew since its last call: variables and imports are gone, files are there."
)
"""What the model is told after a conversation was opened again."""


@dataclass(frozen=True)
class Cell:
    """A Python call that ran; `failed` says that it ended in an error then."""

    call: ToolCall
    failed: bool


def cells_of(messages: Sequence[Message]) -> list[Cell]:
    """The Python calls of a branch that ran to their end, in their order. Those that were not run,
    stopped or interrupted are none."""
    cells: list[Cell] = []
    calls: list[ToolCall] = []
    for message in messages:
        if message.role == "assistant":
            calls = list(message.calls)
        if (result := message.result) is None:
            continue
        call = next((each for each in calls if each.id == result.call_id), None)
        if call is None:
            continue
        calls.remove(call)  # some servers give two calls of one answer the same id
        if call.name == "python" and not _UNFINISHED.search(result.error or ""):
            cells.append(Cell(call, result.error is not None))
    return cells


def run_cells(
    cells: Sequence[Cell],
    registry: Registry,
    workspace: Path,
    cancel: threading.Event,
    owner: str = "",
) -> Iterator[Event]:
    """Runs the cells until one fails that did not fail before.

    The last event is `TurnFinished`, whose `error` says which cell failed, None where all ran.
    """
    for number, cell in enumerate(cells, 1):
        yield Notice(f"Running cell {number} of {len(cells)} again")
        # Ids of different answers may be alike.
        call = replace(cell.call, id=f"again-{number}")
        yield ToolCallReady(call)
        yield ToolStarted(call)
        result = yield from _run(call, registry, ToolContext(workspace, cancel, owner=owner))
        yield ToolFinished(result)
        if cancel.is_set():
            yield TurnFinished("cancelled", Usage(), f"Stopped at cell {number} of {len(cells)}.")
            return
        if result.error is not None and not cell.failed:
            error = f"Cell {number} of {len(cells)} failed when it was run again: {result.error}"
            yield TurnFinished("error", Usage(), error)
            return
    yield TurnFinished("stop", Usage())


def _run(
    call: ToolCall, registry: Registry, context: ToolContext
) -> Generator[ToolProgress, None, ToolResult]:
    """Runs a call on a thread of its own; yields its progress, returns its result."""
    events: queue.SimpleQueue[ToolProgress | ToolResult] = queue.SimpleQueue()

    def work() -> None:
        watched = replace(context, progress=lambda text: events.put(ToolProgress(call.id, text)))
        events.put(registry.run(call, watched, native=call.raw is not None))

    threading.Thread(target=work, name="cell", daemon=True).start()
    while isinstance(event := events.get(), ToolProgress):
        yield event
    return event
