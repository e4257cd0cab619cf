"""Which tools a session has, and how their calls are run.

Every call runs in a thread of its own that nobody has to wait for: when the user presses Stop,
or a function's time is over, `run` answers at once and what the thread still brings is thrown
away. A stateful tool is locked until its thread is really through, so that the next call never
meets one that was given up.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import wait
from dataclasses import replace
from queue import Empty, SimpleQueue

from tools.background import in_background
from tools.base import (
    Tool,
    ToolCall,
    ToolCancelled,
    ToolContext,
    ToolError,
    ToolResult,
    ToolSpec,
)
from tools.functions.decorator import FunctionTool
from tools.text import cut_middle, encodable, one_line, without_paths

CALLS_AT_ONCE = 8
"""Threads that run the calls of one answer."""

FUNCTION_SECONDS = 60.0
"""How long a user's function may take, unless a setting or the function itself says otherwise."""

_GRACE = 0.85
"""Seconds that a function has to end by itself after Stop; the user is promised one in all."""

_GRACE_OF_OWN = 3.0
"""The same for a built-in tool. They end within a second by themselves; where the machine is too
busy for that, their result is worth the wait."""

_POLL_INTERVAL_S = 0.05
"""Seconds between two looks at Stop and the clock."""

_MAX_ERROR_CHARS = 2_000
"""Characters of an exception's message that the model reads."""

_logger = logging.getLogger(__name__)


class Registry:
    """The tools of one session; safe to use from several threads.

    The page switches tools on and off while a turn runs; the turn sees that at its next look.
    `refused` has a sentence for each tool whose name was already taken.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        disabled: Collection[str] = (),
        function_seconds: float = FUNCTION_SECONDS,
    ) -> None:
        """`disabled` are names of tools that are switched off, unknown ones among them too."""
        kept: list[Tool] = []
        refused: list[str] = []
        taken: set[str] = set()
        for tool in tools:
            names = {tool.name} | {spec.name for face in (False, True) for spec in tool.specs(face)}
            if clash := sorted(names & taken):
                refused.append(
                    f"The name {clash[0]} is already taken, so a second {tool.name} is not offered."
                )
                continue
            taken |= names
            kept.append(tool)
        self.tools: tuple[Tool, ...] = tuple(kept)
        self.refused: tuple[str, ...] = tuple(refused)
        self._disabled = frozenset(disabled)
        self._function_seconds = function_seconds
        self._locks = {tool.name: threading.Lock() for tool in kept if tool.stateful}

    def enabled(self, name: str) -> bool:
        """Whether the tool of this name is switched on."""
        return name not in self._disabled

    def switch(self, name: str, on: bool) -> None:
        """Switches a tool on or off."""
        self._disabled = self._disabled - {name} if on else self._disabled | {name}

    def specs(self, native: bool, only: Collection[str] | None = None) -> tuple[ToolSpec, ...]:
        """The functions on offer: of all tools that are on, or of the tools in `only` alone."""
        return tuple(
            spec
            for tool in self.tools
            if self.enabled(tool.name) and (only is None or tool.name in only)
            for spec in tool.specs(native)
        )

    def tool_for(self, function: str) -> Tool | None:
        """The tool, on or off, that offers a function of this name, in either face."""
        for tool in self.tools:
            if any(spec.name == function for face in (False, True) for spec in tool.specs(face)):
                return tool
        return None

    def run(self, call: ToolCall, context: ToolContext, native: bool = False) -> ToolResult:
        """Runs one call and never raises; `id` and `name` of the result are the call's own.

        Returns within a second after `context.cancel` is set, of a built-in tool as soon as that
        ends, which is given three. `native` says which face the
        model was shown, for the names it is told when it calls one that isn't there.
        """
        started = time.monotonic()
        try:
            result = self._run(call, context, native)
        except ToolCancelled as error:
            result = _failure(str(error) or f"{call.name} was stopped by the user.")
        except ToolError as error:
            result = _failure(str(error) or f"{call.name} failed and did not say why.")
        except BaseException as error:  # SystemExit in a tool ends the call, not the server
            _logger.warning("The tool %r failed.", call.name, exc_info=error)
            result = _failure(_told(error))
        return replace(
            result,
            call_id=call.id,
            name=call.name,
            text=encodable(result.text),
            error=None if result.error is None else encodable(result.error),
            seconds=time.monotonic() - started,
        )

    def run_all(
        self,
        calls: Sequence[ToolCall],
        context_for: Callable[[ToolCall], ToolContext],
        on_start: Callable[[ToolCall], None] = lambda _: None,
        on_finish: Callable[[ToolResult], None] = lambda _: None,
        native: bool = False,
        instead: Callable[[ToolCall], ToolResult | None] = lambda _: None,
    ) -> list[ToolResult]:
        """Runs the calls of one answer and returns their results in the order of the calls.

        `instead` is asked before a call runs, and may take its time: its result stands in for a
        call that may not run.

        Calls of one stateful tool run one after the other in their order, all others at the
        same time. `on_start` and `on_finish` are called from the threads that run the calls,
        never two at once. What they or `context_for` raise is raised here.
        """
        results: dict[int, ToolResult] = {}
        telling = threading.Lock()
        lanes: SimpleQueue[list[int]] = SimpleQueue()
        for lane in self._lanes(calls):
            lanes.put(lane)

        def work() -> None:
            with contextlib.suppress(Empty):
                while True:
                    for index in lanes.get_nowait():
                        call = calls[index]
                        result = instead(call)
                        if result is None:
                            with telling:
                                context = context_for(call)
                                on_start(call)
                            result = self.run(call, context, native)
                        results[index] = result
                        with telling:
                            on_finish(result)

        threads = [in_background(work) for _ in range(min(CALLS_AT_ONCE, lanes.qsize()))]
        wait(threads)
        for thread in threads:
            thread.result()
        return [results[index] for index in range(len(calls))]

    def close(self) -> None:
        """Closes all tools; one that fails to close does not keep the others open."""
        for tool in self.tools:
            try:
                tool.close()
            except Exception:
                _logger.exception("The tool %r did not close.", tool.name)

    def _lanes(self, calls: Sequence[ToolCall]) -> list[list[int]]:
        """The places of the calls, those that must follow one another in one list."""
        lanes: dict[object, list[int]] = {}
        for index, call in enumerate(calls):
            tool = self.tool_for(call.name)
            lane: object = tool.name if tool is not None and tool.stateful else index
            lanes.setdefault(lane, []).append(index)
        return list(lanes.values())

    def _run(self, call: ToolCall, context: ToolContext, native: bool) -> ToolResult:
        if context.cancel.is_set():
            raise ToolCancelled
        tool = self.tool_for(call.name)
        if tool is None or not self.enabled(tool.name):
            offered = ", ".join(spec.name for spec in self.specs(native))
            raise ToolError(
                f"There is no tool named {one_line(call.name, 80)}. "
                + (f"The tools on offer: {offered}." if offered else "No tool is on offer.")
            )
        stop = threading.Event()
        last = ""

        def progress(text: str) -> None:
            nonlocal last
            if not stop.is_set():
                last = text
                context.progress(text)

        own = replace(context, cancel=stop, progress=progress)
        running = in_background(lambda: self._call(tool, call, own))
        seconds = self._seconds(tool)
        ends = None if seconds is None else time.monotonic() + seconds
        while not wait([running], _POLL_INTERVAL_S).done:
            if context.cancel.is_set():
                stop.set()
                grace = _GRACE if isinstance(tool, FunctionTool) else _GRACE_OF_OWN
                if not wait([running], grace).done:
                    said = f"{call.name} was stopped by the user."
                    known = f"{said} The last it told: {last}" if last else said
                    return ToolResult(call.id, call.name, known, error=said)
            elif ends is not None and time.monotonic() >= ends:
                stop.set()
                raise ToolError(
                    f"{call.name} did not finish within {seconds:g} seconds and was given up."
                )
        return running.result()

    def _call(self, tool: Tool, call: ToolCall, context: ToolContext) -> ToolResult:
        with self._locks.get(tool.name) or contextlib.nullcontext():
            if context.cancel.is_set():
                raise ToolCancelled
            result = tool.run(call, context)
        if not isinstance(result, ToolResult):  # a tool from elsewhere is not held to its types
            raise TypeError(f"{call.name} gave {type(result).__name__} instead of a result")
        return result

    def _seconds(self, tool: Tool) -> float | None:
        if not isinstance(tool, FunctionTool):
            return None  # a built-in tool keeps its own time
        return self._function_seconds if tool.seconds is None else tool.seconds


def _failure(text: str) -> ToolResult:
    return ToolResult("", "", text, one_line(text))


def _told(error: BaseException) -> str:
    """An exception as the model reads it: class and message, no path of this machine."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a message that can't be made is none
        message = ""
    kind = type(error).__name__
    message = without_paths(cut_middle(message, _MAX_ERROR_CHARS)).strip()
    return f"{kind}: {message}" if message else kind
