"""The tools of a session, and the execution of their calls.

Every call runs in its own daemon thread. When the user presses Stop, or a function's timeout
expires, `run` returns at once and the thread's later result is discarded. A stateful tool stays
locked until its thread has ended, so that the next call never overlaps with an abandoned one.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TypeVar

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

T = TypeVar("T")

MAX_CONCURRENT_CALLS = 8
"""Threads that run the calls of one answer at the same time."""

FUNCTION_SECONDS = 60.0
"""Timeout of a user's function in seconds, unless a setting or the function itself sets one."""

_FUNCTION_GRACE_S = 0.85
"""Seconds that a function has to end by itself after Stop; Stop takes at most one in all."""

_BUILT_IN_GRACE_S = 3.0
"""The same for a built-in tool, which ends within a second by itself unless the machine is busy;
its partial result is worth the longer wait."""

_POLL_INTERVAL_S = 0.05
"""Seconds between two checks of Stop and of the timeout."""

_MAX_ERROR_CHARS = 2_000
"""Characters of an exception's message that the model reads."""

_logger = logging.getLogger(__name__)


class Registry:
    """The tools of one session; safe to use from several threads.

    The page switches tools on and off while a turn runs; the turn's next request to the model
    and its next call see the change. `refused` has a sentence for each tool that is not offered
    because its name was already taken.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        disabled: Collection[str] = (),
        function_seconds: float = FUNCTION_SECONDS,
    ) -> None:
        """`disabled` are the names of tools that are switched off; unknown names are allowed.

        `function_seconds` is the timeout of functions that set none themselves.
        """
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
        """The functions of all tools that are switched on, or of those among them in `only`."""
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

    def has_side_effects(self, call: ToolCall) -> bool:
        """Whether the call changes something outside the conversation."""
        tool = self.tool_for(call.name)
        return tool is not None and tool.has_side_effects(call.name)

    def is_tainted(self, results: Iterable[ToolResult]) -> bool:
        """Whether any of a conversation's results is text of third parties: that of a tool that
        `taints`. Failed calls don't count, for their results contain no such text."""
        names = {
            spec.name
            for tool in self.tools
            if tool.taints
            for native in (False, True)
            for spec in tool.specs(native)
        }
        return any(result.name in names and result.error is None for result in results)

    def run(self, call: ToolCall, context: ToolContext, native: bool = False) -> ToolResult:
        """Runs one call and never raises; `id` and `name` of the result are the call's own.

        After `context.cancel` is set, a function's call returns within a second, a built-in
        tool's within `_BUILT_IN_GRACE_S`. `native` is the face that the model was shown; the
        error about an unknown function lists the names of that face.
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
            result = _failure(_exception_text(error))
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

        `instead` is called before each call and may block, for example until the user decides on
        an approval. A result that it returns replaces the call; None lets the call run.

        Calls of one stateful tool run one after the other in their order, all others at the
        same time. `on_start` and `on_finish` are called from the threads that run the calls,
        never two at once. What they or `context_for` raise is raised here.
        """
        results: dict[int, ToolResult] = {}
        callback_lock = threading.Lock()
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
                            with callback_lock:
                                context = context_for(call)
                                on_start(call)
                            result = self.run(call, context, native)
                        results[index] = result
                        with callback_lock:
                            on_finish(result)

        threads = [in_background(work) for _ in range(min(MAX_CONCURRENT_CALLS, lanes.qsize()))]
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
        """The indices of the calls; those that must run one after the other share a list."""
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

        call_context = replace(context, cancel=stop, progress=progress)
        running = in_background(lambda: self._call(tool, call, call_context))
        seconds = self._seconds(tool)
        deadline = None if seconds is None else time.monotonic() + seconds
        while not wait([running], _POLL_INTERVAL_S).done:
            if context.cancel.is_set():
                stop.set()
                grace = _FUNCTION_GRACE_S if isinstance(tool, FunctionTool) else _BUILT_IN_GRACE_S
                if not wait([running], grace).done:
                    error = f"{call.name} was stopped by the user."
                    text = f"{error} The last it told: {last}" if last else error
                    return ToolResult(call.id, call.name, text, error=error)
            elif deadline is not None and time.monotonic() >= deadline:
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
        if not isinstance(result, ToolResult):  # other authors' tools may break the protocol
            raise TypeError(f"{call.name} gave {type(result).__name__} instead of a result")
        return result

    def _seconds(self, tool: Tool) -> float | None:
        if not isinstance(tool, FunctionTool):
            return None  # a built-in tool has its own timeouts
        return self._function_seconds if tool.seconds is None else tool.seconds


def _failure(text: str) -> ToolResult:
    return ToolResult("", "", text, one_line(text))


def _exception_text(error: BaseException) -> str:
    """An exception as text for the model: class and message, without paths of this machine."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a message that can't be made is none
        message = ""
    kind = type(error).__name__
    message = without_paths(cut_middle(message, _MAX_ERROR_CHARS)).strip()
    return f"{kind}: {message}" if message else kind


def in_background(work: Callable[[], T], name: str | None = None) -> Future[T]:
    """Starts `work` in a daemon thread named `name`, which does not delay the exit of the process.
    Returns the future of its result."""
    future: Future[T] = Future()

    def go() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is read
            future.set_exception(error)

    threading.Thread(target=go, name=name, daemon=True).start()
    return future
