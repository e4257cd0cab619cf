"""The agent loop: one turn as a generator of events.

The model is asked, its calls are run, their results appended, and it is asked again, until an
answer has no call or the round limit is reached. All calls of one answer run, the independent
ones at the same time, and their results stand in the order of the calls.

What is guaranteed: every call in a conversation has a result after it, whatever went wrong; a
call of an answer that broke off is never run; text that was said is kept, marked with how it
ended; a third identical call in a row is not run; a result too long for the model's window is
shortened for the model.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from app.core.agent.approvals import Approve, acts, allow, has_read_strangers, not_run, refuse
from app.core.agent.context_window import fitting
from app.core.agent.events import (
    Event,
    MessageFinished,
    ToolAsked,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnFinished,
    TurnReason,
)
from app.core.agent.visible_images import visible
from app.core.conversation import Conversation
from app.core.models.host import Model
from backends.base import Backend, GenerationConfig
from backends.errors import BackendError
from backends.events import (
    AnswerFinished,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
)
from backends.messages import Finish, Message, Text, Usage
from tools.base import ToolCall, ToolContext, ToolResult, ToolSpec
from tools.registry import Registry

log = logging.getLogger(__name__)

REPEATS = 3
OWN_FAULT = "A fault in the app itself ended this answer; it was logged. Your messages are kept."


@dataclass(frozen=True)
class TurnConfig:
    """How a turn is run: generation settings, the round limit, who the assistant is, which
    tools are on (None for all), and who allows calls that act after a page was read."""

    generation: GenerationConfig = field(default_factory=GenerationConfig)
    system: str = ""
    max_rounds: int = 30
    tools: frozenset[str] | None = frozenset()
    approve: Approve = refuse


def run_turn(
    conversation: Conversation,
    backend: Backend,
    registry: Registry,
    config: TurnConfig,
    cancel: threading.Event,
    workspace: Path,
) -> Iterator[Event]:
    """One turn, to its `TurnFinished`. Raises nothing on purpose: failures are events."""
    began = time.monotonic()
    total = Usage()
    repeats = _Repeats()
    reason: TurnReason = "tool_limit"
    error: str | None = None
    native = backend.capabilities.native_tools
    generation = config.generation
    for _ in range(config.max_rounds):
        answer = _Answer()
        specs: Sequence[ToolSpec] = registry.specs(native, config.tools)
        wish = _wish(backend, generation)
        try:
            asked, specs = _forced(generation, specs, registry, native)
            prompt = visible(_prompt(config, conversation, wish), backend, workspace)
            prompt = fitting(prompt, specs, backend, asked.max_tokens)
            yield from answer.stream(backend, prompt, specs, asked, cancel)
        except BackendError as failure:
            error = str(failure)
        except Exception:
            log.exception("the turn failed")
            error = OWN_FAULT
        message = answer.message(error)
        total = _sum(total, answer.usage)
        conversation = conversation.append(message)
        yield MessageFinished(message)
        if message.finish != "stop" or not message.calls:
            reason, error = message.finish, message.error
            break
        # Written before this answer's pages are read, its calls are not of their making.
        approve = config.approve if has_read_strangers(conversation.messages, registry) else allow
        calls = message.calls
        blank = ToolContext(workspace, cancel, owner=generation.owner)
        for event in _run_calls(calls, registry, native, repeats, blank, approve):
            if isinstance(event, MessageFinished):
                conversation = conversation.append(event.message)
            yield event
        if cancel.is_set():
            reason = "cancelled"
            break
        # A tool that the user asked for is forced once; then the model must be free to answer.
        generation = replace(generation, tool_choice=None)
    yield TurnFinished(reason, replace(total, seconds=time.monotonic() - began), error)


def run_turn_on(
    model: Model,
    conversation: Conversation,
    registry: Registry,
    config: TurnConfig,
    cancel: threading.Event,
    workspace: Path,
) -> Iterator[Event]:
    """`run_turn` with a model that may have to be loaded first; a failure there is an event too."""
    try:
        if model.state != "ready":
            yield Notice("Loading the model")
        backend = model.wait(cancel)
    except BackendError as error:
        yield from failed_turn("error", str(error))
        return
    if backend is None:
        yield from failed_turn("cancelled", None)
        return
    yield Notice("")
    yield from run_turn(conversation, backend, registry, config, cancel, workspace)


def failed_turn(reason: Literal["error", "cancelled"], error: str | None) -> Iterator[Event]:
    """A turn that ended before there was a model to ask."""
    yield MessageFinished(Message("assistant", finish=reason, error=error))
    yield TurnFinished(reason, Usage(), error)


def _prompt(config: TurnConfig, conversation: Conversation, wish: str) -> Sequence[Message]:
    text = "\n\n".join(part for part in (config.system, wish) if part)
    system = (Message("system", (Text(text),)),) if text else ()
    return (*system, *conversation.messages)


def _wish(backend: Backend, generation: GenerationConfig) -> str:
    """The user's choice of a tool in words, for a model that can't be held to it."""
    if generation.tool_choice is None or backend.capabilities.forced_tool:
        return ""
    return f"Use the tool {generation.tool_choice} for the next answer."


def _forced(
    generation: GenerationConfig, specs: Sequence[ToolSpec], registry: Registry, native: bool
) -> tuple[GenerationConfig, Sequence[ToolSpec]]:
    """The user's choice of a tool as one of its functions; a tool of several functions can't be
    called by its own name, so that they alone are on offer."""
    choice = generation.tool_choice
    if choice is None or any(spec.name == choice for spec in specs):
        return generation, specs
    own = registry.specs(native, {choice})
    return (replace(generation, tool_choice=None), own) if own else (generation, specs)


class _Answer:
    """One answer of the model while it arrives."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []
        self._finish: Finish = "error"
        self.usage = Usage()

    def stream(
        self,
        backend: Backend,
        messages: Sequence[Message],
        specs: Sequence[ToolSpec],
        generation: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[Event]:
        began = time.monotonic()
        first: float | None = None
        for event in backend.generate(messages, specs, generation, cancel):
            if first is None and isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
                first = time.monotonic() - began
            match event:
                case TextDelta(text):
                    self._text.append(text)
                case ReasoningDelta(text):
                    self._reasoning.append(text)
                case ToolCallReady(call):
                    self._calls.append(call)
                case AnswerFinished(finish, usage):
                    self._finish = finish
                    seconds = time.monotonic() - began
                    self.usage = replace(usage, first_token=first, seconds=seconds)
                    continue
            yield event

    def message(self, error: str | None) -> Message:
        """The answer as a message; without its calls when it did not end well."""
        text = "".join(self._text)
        finish: Finish = "error" if error else self._finish
        nothing = not (text.strip() or self._calls or error)
        if finish == "stop" and nothing:
            finish, error = "error", "The model gave no answer. Retry, or word it differently."
        if finish == "error" and not error:  # a backend that neither finished nor said why
            error = OWN_FAULT
        return Message(
            "assistant",
            (Text(text),) if text else (),
            reasoning="".join(self._reasoning),
            calls=tuple(self._calls) if finish == "stop" else (),
            finish=finish,
            error=error,
            usage=self.usage,
        )


class _Repeats:
    """Counts identical calls in a row."""

    def __init__(self) -> None:
        self._last: tuple[str, str] | None = None
        self._times = 0

    def too_many(self, call: ToolCall) -> bool:
        key = (call.name, call.input.strip())
        self._times = self._times + 1 if key == self._last else 1
        self._last = key
        return self._times >= REPEATS


def _run_calls(
    calls: Sequence[ToolCall],
    registry: Registry,
    native: bool,
    repeats: _Repeats,
    blank: ToolContext,
    approve: Approve,
) -> Iterator[Event]:
    """Runs the calls of one answer; their results as messages, in the order of the calls. Their
    contexts are the `blank` one but for the progress."""
    # By place, not by id: some servers give two calls of one answer the same id.
    results = {at: _repeated(call) for at, call in enumerate(calls) if repeats.too_many(call)}
    refused = frozenset(results)
    to_run = [at for at in range(len(calls)) if at not in refused]
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

    def context(call: ToolCall) -> ToolContext:
        return replace(blank, progress=lambda text: events.put(ToolProgress(call.id, text)))

    def instead(call: ToolCall) -> ToolResult | None:
        if not acts(call, registry):
            return None
        why = approve(call, blank.cancel, lambda number: events.put(ToolAsked(call, number)))
        return None if why is None else not_run(call, why)

    def work() -> None:
        try:
            ran = registry.run_all(
                [calls[at] for at in to_run],
                context,
                on_start=lambda call: events.put(ToolStarted(call)),
                on_finish=lambda result: events.put(ToolFinished(result)),
                native=native,
                instead=instead,
            )
            results.update(zip(to_run, ran, strict=True))
        except Exception:
            log.exception("running the calls failed")
        finally:
            events.put(None)

    threading.Thread(target=work, name="tool-calls", daemon=True).start()
    while (event := events.get()) is not None:
        yield event
    for at, call in enumerate(calls):
        result = results.get(at) or ToolResult(call.id, call.name, OWN_FAULT, error=OWN_FAULT)
        if at in refused or at not in results:
            yield ToolFinished(result)
        yield MessageFinished(Message("tool", result=result))


def _repeated(call: ToolCall) -> ToolResult:
    return ToolResult(
        call.id,
        call.name,
        "This same call was made several times in a row, so it was not run again. "
        "Use the result that you have, change the call, or answer.",
        error="The same call again; not run",
    )


def _sum(total: Usage, usage: Usage) -> Usage:
    """The whole turn's usage: the first token is the first answer's."""
    return Usage(
        prompt_tokens=usage.prompt_tokens or total.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=total.completion_tokens + usage.completion_tokens,
        first_token=total.first_token if total.first_token is not None else usage.first_token,
    )
