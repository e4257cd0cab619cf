"""The agent loop: one turn as a generator of events, run on a session's thread or on a caller's.

Each round asks the model, runs the calls of its answer and appends their results, until an answer
has no call or the round limit is reached. Independent calls of one answer run concurrently; their
results are appended in the order of the calls.

Guarantees: every call in a conversation is followed by its result, also after a failure; calls of
an interrupted answer are never run; the text of an interrupted answer is kept, with how it ended;
the third identical call in a row is not run; a result too long for the model's window is shortened
in the request.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from app.core.agent.approvals import Approve, allow, not_run, refuse
from app.core.agent.compaction import CompactionMode, Request
from app.core.agent.context import DocumentSource, TurnContext
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
from app.core.conversation import Conversation
from app.core.models.host import Model
from backends.base import Backend, GenerationConfig
from backends.errors import BackendError, ContextExceeded, PromptTooLong
from backends.events import (
    AnswerFinished,
    ModelEvent,
    Notice,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    ToolCallDelta,
    ToolCallReady,
)
from backends.messages import ContextUsed, Finish, Message, Text, Usage, identified
from tools.base import ToolCall, ToolContext, ToolResult
from tools.registry import Registry
from tools.repair import repaired

log = logging.getLogger(__name__)

MAX_REPEATS = 3
INTERNAL_ERROR = (
    "A fault in the app itself ended this answer; it was logged. Your messages are kept."
)


Prepare = Callable[[Conversation, threading.Event], Generator[Notice, None, Conversation]]
"""A step before the first request: returns the changed conversation, yields its progress, and ends
early when the event is set. Raises `BackendError` with a message for the user."""

Slot = Callable[[Iterator[Event], threading.Event], Iterator[Event]]
"""Delays a turn's events until a slot is free, see `Visitor.in_turn`."""


@dataclass(frozen=True)
class TurnConfig:
    """The settings of a turn: generation, the system prompt, the maximum of rounds, the enabled
    tools by name (None for all), the approval of calls with side effects in a tainted
    conversation, and what becomes of a conversation that is too long for the model."""

    generation: GenerationConfig = field(default_factory=GenerationConfig)
    system: str = ""
    max_rounds: int = 30
    tools: frozenset[str] | None = frozenset()
    approve: Approve = refuse
    compaction: CompactionMode = "off"


class Turn:
    """A running turn: its registry, settings, cancel event, workspace and documents, and the
    conversation so far."""

    def __init__(
        self,
        conversation: Conversation,
        registry: Registry,
        config: TurnConfig,
        cancel: threading.Event,
        workspace: Path,
        documents: DocumentSource | None = None,
    ) -> None:
        self.conversation = conversation
        self.registry, self.config, self.cancel = registry, config, cancel
        self.workspace, self.documents = workspace, documents

    def finished(self, message: Message) -> MessageFinished:
        """Appends a complete message to the conversation; the only place that does."""
        message = identified(message)
        self.conversation = self.conversation.append(message)
        return MessageFinished(message)


def run(
    turn: Turn, model: Model, prepare: Prepare | None = None, slot: Slot | None = None
) -> Iterator[Event]:
    """The events of a turn, up to `TurnFinished`; loads the model first where necessary. After
    each `MessageFinished` the turn's conversation contains the message. Failures are events, not
    exceptions."""
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
    """The events of a turn that ended before the first request."""
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


def run_turn(turn: Turn, backend: Backend) -> Iterator[Event]:
    """The rounds of a turn, up to `TurnFinished`. Failures of the backend and of tools are events,
    not exceptions."""
    began = time.monotonic()
    total = Usage()
    repeats = _RepeatGuard()
    reason: TurnReason = "tool_limit"
    error: str | None = None
    native = backend.capabilities.native_tools
    registry, config, cancel = turn.registry, turn.config, turn.cancel
    generation = config.generation
    context = TurnContext(
        backend,
        registry,
        turn.workspace,
        config.system,
        config.tools,
        turn.documents,
        config.compaction,
    )
    for _ in range(config.max_rounds):
        answer = _Answer()
        try:
            yield from answer.ask(backend, context, turn.conversation, generation, cancel)
        except BackendError as failure:
            error = str(failure)
        except Exception:
            log.exception("the turn failed")
            error = INTERNAL_ERROR
        message = answer.message(error)
        total = _sum(total, answer.usage)
        yield turn.finished(message)
        if message.finish != "stop" or not message.calls:
            reason, error = message.finish, message.error
            break
        # Results of this answer's own calls don't count: the answer was written before them.
        read = [each.result for each in turn.conversation.messages if each.result is not None]
        approve = config.approve if registry.is_tainted(read) else allow
        blank = ToolContext(turn.workspace, cancel, owner=generation.owner)
        results = yield from _run_calls(message.calls, registry, native, repeats, blank, approve)
        for result in results:
            yield turn.finished(Message("tool", result=result))
        if cancel.is_set():
            reason = "cancelled"
            break
        # A tool that the user asked for is forced once; then the model must be free to answer.
        generation = replace(generation, tool_choice=None)
    yield TurnFinished(reason, replace(total, seconds=time.monotonic() - began), error)


class _Answer:
    """One answer of the model while it arrives."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []
        self._first: float | None = None
        self._context: ContextUsed | None = None
        self._finish: Finish = "error"
        self._notice = ""
        self.usage = Usage()

    def ask(
        self,
        backend: Backend,
        context: TurnContext,
        conversation: Conversation,
        generation: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[Event]:
        """Asks with the context that the turn has; once more with a narrower one where the model
        finds that too long. Raises `BackendError`."""
        while True:
            try:
                request = yield from self._prepared(
                    context.request(conversation, generation, cancel)
                )
                if request is not None:
                    self._finish = "error"  # until the backend says otherwise
                    for event in backend.generate(
                        request.messages, request.tools, request.generation, cancel
                    ):
                        if isinstance(event, ToolCallReady):
                            names = {spec.name for spec in request.tools}
                            event = ToolCallReady(repaired(event.call, names))
                        yield from self._heard(event)
                return
            except (ContextExceeded, PromptTooLong) as error:
                if not context.narrow(error) or self._text:
                    raise

    def _prepared(
        self, events: Generator[ModelEvent | ContextUsed, None, Request | None]
    ) -> Generator[Event, None, Request | None]:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                request: Request | None = end.value
                return request
            yield from self._heard(event)

    def _heard(self, event: ModelEvent | ContextUsed) -> Iterator[Event]:
        """Keeps what belongs to the answer, and passes on what is to be seen of it."""
        if self._first is None and isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
            self._first = time.monotonic() - self._began
        match event:
            case TextDelta(text):
                self._text.append(text)
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case TextWasReasoning():
                self._reasoning.extend(self._text)
                self._text.clear()
            case ToolCallReady(call):
                self._calls.append(call)
            case Notice(text):
                self._notice = text
            case ContextUsed():
                self._context = event
            case AnswerFinished(finish, usage):
                self._finish = finish
                seconds = time.monotonic() - self._began
                self.usage = replace(
                    self.usage.plus(usage), first_token=self._first, seconds=seconds
                )
                return
        if self._notice and isinstance(event, TextDelta | ToolCallDelta):
            self._notice = ""
            yield Notice("")
        yield event

    def message(self, error: str | None) -> Message:
        """The answer as a message; without its calls when it did not end well."""
        text = "".join(self._text)
        finish: Finish = "error" if error else self._finish
        nothing = not (text.strip() or self._calls or error)
        if finish == "stop" and nothing:
            finish, error = "error", "The model gave no answer. Retry, or word it differently."
        if finish == "error" and not error:  # a backend that neither finished nor said why
            error = INTERNAL_ERROR
        return Message(
            "assistant",
            (Text(text),) if text else (),
            reasoning="".join(self._reasoning),
            calls=tuple(self._calls) if finish == "stop" else (),
            finish=finish,
            error=error,
            usage=self.usage,
            context=self._context if text or self._calls else None,
        )


class _RepeatGuard:
    """Counts identical calls in a row."""

    def __init__(self) -> None:
        self._last: tuple[str, str] | None = None
        self._times = 0

    def too_many(self, call: ToolCall) -> bool:
        key = (call.name, call.input.strip())
        self._times = self._times + 1 if key == self._last else 1
        self._last = key
        return self._times >= MAX_REPEATS


def _run_calls(
    calls: Sequence[ToolCall],
    registry: Registry,
    native: bool,
    repeats: _RepeatGuard,
    blank: ToolContext,
    approve: Approve,
) -> Generator[Event, None, list[ToolResult]]:
    """Runs the calls of one answer; returns their results in the order of the calls. Each call
    gets the context `blank` with a progress callback of its own."""
    # By index, not by id: some servers give two calls of one answer the same id.
    results = {index: _repeated(call) for index, call in enumerate(calls) if repeats.too_many(call)}
    refused = frozenset(results)
    to_run = [index for index in range(len(calls)) if index not in refused]
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

    def context(call: ToolCall) -> ToolContext:
        return replace(blank, progress=lambda text: events.put(ToolProgress(call.id, text)))

    def instead(call: ToolCall) -> ToolResult | None:
        if not registry.has_side_effects(call):
            return None
        why = approve(call, blank.cancel, lambda number: events.put(ToolAsked(call, number)))
        return None if why is None else not_run(call, why)

    def work() -> None:
        try:
            ran = registry.run_all(
                [calls[index] for index in to_run],
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
    for index, call in enumerate(calls):
        if index not in results:
            failed = ToolResult(call.id, call.name, INTERNAL_ERROR, error=INTERNAL_ERROR)
            results[index] = failed
            yield ToolFinished(failed)
        elif index in refused:
            yield ToolFinished(results[index])
    return [results[index] for index in range(len(calls))]


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
