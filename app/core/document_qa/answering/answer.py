"""A question asked with documents before it: its prompt is sent, and where the model says that it
is too long, once more by passages.

`Informed` is a model with documents before it, which the agent loop takes for any other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from app.core.document_qa.answering import map_reduce
from app.core.document_qa.answering.prompt import MOST, Outlook, Prompt, Way, compose
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.token_counter import learn, window_of
from app.core.models.host import LoadState, Model
from backends.base import Backend, GenerationConfig
from backends.errors import ContextExceeded, PromptTooLong
from backends.events import ModelEvent, Notice, TextDelta
from backends.messages import Message
from backends.wrapper import WrapperBackend
from tools.base import ToolSpec

Given = Callable[[Prompt], None]
"""Told what an answer is given from, as soon as some of it came."""

Answer = Callable[
    [Backend, Sequence[Message], GenerationConfig, threading.Event], Iterator[ModelEvent]
]
"""An answer to the last question of the messages, in the way of `Backend.generate`."""


def ask(
    corpus: Corpus,
    messages: Sequence[Message],
    at: int,
    way: Way,
    backend: Backend,
    config: GenerationConfig,
    cancel: threading.Event,
    given: Given,
) -> Iterator[ModelEvent]:
    """An answer to the question that stands at that place in the messages; what stands behind it
    is an answer that goes on where it was cut. Ends as `Backend.generate` does, and raises what it
    raises."""
    history, question, begun = messages[:at], messages[at].text, tuple(messages[at + 1 :])
    way = "passages" if begun and way == "parts" else way
    yield Notice("Looking through the documents")
    prompt = _prompt(corpus, question, history, way, backend, config)
    came = False

    def sent() -> Iterator[ModelEvent]:
        nonlocal came
        if prompt.plan is not None:
            events = map_reduce.read(prompt.plan, backend, config, cancel)
        else:
            events = backend.generate((*prompt.messages, *begun), (), config, cancel)
        for event in events:
            if not came and isinstance(event, TextDelta):
                came = True
                given(prompt)
            yield event

    yield Notice("")
    try:
        yield from sent()
    except (ContextExceeded, PromptTooLong) as said:
        if isinstance(said, ContextExceeded):
            learn(backend, said)
        if came or prompt.way != "whole" or not prompt.pages:
            raise
        yield Notice("The documents do not fit: choosing passages")
        prompt = compose(corpus, question, history, "passages", backend, config)
        prompt = replace(prompt, refused=True)
        yield Notice("")
        yield from sent()


def outlook(
    corpus: Corpus, history: tuple[Message, ...], way: Way, backend: Backend, answer: int
) -> Outlook:
    """What a question would meet now, whose answer has so many tokens at most."""
    config = GenerationConfig(max_tokens=answer)
    # The question is not known yet: no passages are chosen, only room is kept for them.
    first = compose(corpus, "", history, "parts" if way == "parts" else "whole", backend, config)
    known = window_of(backend) is not None
    found = Outlook(first.way, first.room, first.excess, 0, known)
    if first.plan is not None:
        return replace(found, calls=first.plan.calls)
    if way == "passages" or (first.excess and (known or way == "auto")):
        free = first.room.window - first.room.answer
        kept = min(first.room.documents, MOST, free // 4)
        return replace(found, way="passages", room=replace(first.room, documents=kept))
    return found


def _prompt(
    corpus: Corpus,
    question: str,
    history: Sequence[Message],
    way: Way,
    backend: Backend,
    config: GenerationConfig,
) -> Prompt:
    """The prompt in the way that was chosen; by passages where the whole does not fit a window
    that is known."""
    prompt = compose(corpus, question, history, way, backend, config)
    if prompt.way == "whole" and prompt.excess and window_of(backend) is not None:
        return compose(corpus, question, history, "passages", backend, config)
    return prompt


class Informed:
    """A model that is asked with documents before it."""

    def __init__(self, model: Model, answer: Answer) -> None:
        self._model, self._answer = model, answer

    @property
    def state(self) -> LoadState:
        return self._model.state

    def wait(self, cancel: threading.Event | None = None) -> Backend | None:
        backend = self._model.wait(cancel)
        return None if backend is None else _Backend(backend, self._answer)


class _Backend(WrapperBackend):
    """A backend whose prompts hold the documents."""

    def __init__(self, backend: Backend, answer: Answer) -> None:
        super().__init__(backend)
        self._answer = answer

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        return self._answer(self._backend, messages, config, cancel)

    def close(self) -> None:
        """The model is the host's to close."""
