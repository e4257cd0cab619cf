"""A request sent again with other settings, beside the conversation: its calls are not run, and
nothing of it is stored."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.core.agent.events import Event, TurnFinished
from app.core.agent.loop import INTERNAL_ERROR, Slot
from app.core.models.host import Model
from backends.base import GenerationConfig
from backends.errors import BackendError
from backends.events import (
    AnswerFinished,
    Notice,
    ReasoningDelta,
    TextDelta,
    TextWasReasoning,
    ToolCallDelta,
    ToolCallReady,
)
from backends.messages import Usage
from backends.sent_request import SentRequest
from tools.base import ToolCall

if TYPE_CHECKING:
    from app.core.people.meter import Meter, MeteredTurn

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replayed:
    """A replay so far: what was said, and once `done` its figures, or why it failed. `notice` is
    what a user waits for."""

    text: str
    reasoning: str
    calls: tuple[ToolCall, ...]
    notice: str
    usage: Usage | None
    error: str | None
    done: bool


class Replay:
    """One replay, on a thread of its own. `slot` has it wait for its turn as the visitor's other
    answers do."""

    def __init__(
        self, request: SentRequest, generation: GenerationConfig, model: Model, slot: Slot
    ) -> None:
        self.request, self.generation = request, generation
        self._model, self._slot = model, slot
        self._cancel = threading.Event()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []
        self._notice = ""
        self._usage: Usage | None = None
        self._error: str | None = None
        self._done = threading.Event()

    def start(self, meter: Meter | None = None, metered: MeteredTurn | None = None) -> None:
        """Begins; the tokens count among the person's."""
        arguments = (meter, metered)
        threading.Thread(target=self._run, args=arguments, name="replay", daemon=True).start()

    def stop(self) -> None:
        """Ends the answer; what was said stays."""
        self._cancel.set()

    def wait(self, seconds: float) -> bool:
        """Waits for the end; returns whether it came."""
        return self._done.wait(seconds)

    def view(self) -> Replayed:
        done = self._done.is_set()
        text, reasoning = "".join(self._text), "".join(self._reasoning)
        calls = tuple(self._calls)
        return Replayed(text, reasoning, calls, self._notice, self._usage, self._error, done)

    def _run(self, meter: Meter | None, metered: MeteredTurn | None) -> None:
        ended = TurnFinished("error", Usage(), INTERNAL_ERROR)
        try:
            for event in self._slot(self._events(), self._cancel):
                if isinstance(event, TurnFinished):
                    ended = event
                else:
                    self._heard(event)
        finally:
            self._usage, self._error = ended.usage, ended.error
            if meter is not None and metered is not None:
                metered.add(ended.usage)
                meter.end(metered, ended)
            self._done.set()

    def _heard(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                self._text.append(text)
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case TextWasReasoning():
                self._reasoning.extend(self._text)
                self._text = []
            case ToolCallReady(call):
                self._calls.append(call)
            case Notice(text):
                self._notice = text

    def _events(self) -> Iterator[Event]:
        began = time.monotonic()
        first: float | None = None
        finished = AnswerFinished("cancelled", Usage())
        error: str | None = None
        try:
            backend = self._model.wait(self._cancel)
            if backend is not None:
                asked = (self.request.messages, self.request.tools, self.generation, self._cancel)
                for event in backend.generate(*asked):
                    if first is None and isinstance(
                        event, TextDelta | ReasoningDelta | ToolCallDelta
                    ):
                        first = time.monotonic() - began
                    if isinstance(event, AnswerFinished):
                        finished = event
                    else:
                        yield event
        except BackendError as failure:
            error = str(failure)
        except Exception:
            log.exception("a replay failed")
            error = INTERNAL_ERROR
        usage = replace(finished.usage, first_token=first, seconds=time.monotonic() - began)
        yield TurnFinished("error" if error else finished.finish, usage, error)


def settings_of(request: SentRequest) -> GenerationConfig:
    """The settings that a request was sent with, from its options; each has several names."""
    body, plain = request.body, GenerationConfig()

    def number(*names: str) -> float | None:
        found = (body.get(name) for name in names)
        return next((float(each) for each in found if isinstance(each, int | float)), None)

    temperature, top_p = number("temperature"), number("top_p")
    tokens = number("max_tokens", "max_completion_tokens", "max_new_tokens")
    penalty, seed = number("repeat_penalty", "repetition_penalty"), number("seed")
    return replace(
        plain,
        temperature=plain.temperature if temperature is None else temperature,
        top_p=plain.top_p if top_p is None else top_p,
        max_tokens=plain.max_tokens if tokens is None else int(tokens),
        repetition_penalty=plain.repetition_penalty if penalty is None else penalty,
        seed=None if seed is None else int(seed),
    )
