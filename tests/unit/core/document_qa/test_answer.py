"""A question asked where the model's window is not known: what is sent, and what is said of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.core.agent.events import Event, MessageFinished, TurnFinished
from app.core.agent.loop import Turn, TurnConfig, run_turn
from app.core.conversation import Conversation
from app.core.document_qa.answering.prompt import ReadingMode, forecast
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.status_text import pages_read
from backends.base import Backend
from backends.errors import AnswerBroken, ContextExceeded, PromptTooLong
from backends.events import Notice
from backends.messages import ContextUsed, Message, Text, user
from tests.support.document_scene import Read, Scripted, filler, sheets
from tools.registry import Registry

TOO_LONG = ContextExceeded(6_000, 8_192)
QUESTION = user("What is the name of the zebra?")


@pytest.fixture
def corpus() -> Corpus:
    texts = [filler(seed, 600) for seed in range(20)]
    texts[12] += "\n\nThe name of the zebra is Otto."
    return Corpus(sheets(*texts))


def events_of(
    corpus: Corpus,
    backend: Backend,
    mode: ReadingMode,
    history: Sequence[Message] = (),
    cancel: threading.Event | None = None,
) -> list[Event]:
    conversation = Conversation((*history, QUESTION))
    turn = Turn(
        conversation,
        Registry(()),
        TurnConfig(),
        cancel or threading.Event(),
        Path("nowhere"),
        Read(corpus, mode),
    )
    return list(run_turn(turn, backend))


def answer(events: Sequence[Event]) -> Message:
    (message,) = (event.message for event in events if isinstance(event, MessageFinished))
    return message


def asked(
    corpus: Corpus, backend: Scripted, *history: Message, mode: ReadingMode = "auto"
) -> tuple[str, list[str], ContextUsed]:
    """What came of the question: the text, the notices, and what it was given from."""
    events = events_of(corpus, backend, mode, history)
    message = answer(events)
    assert message.context is not None and message.error is None
    told = [event for event in events if isinstance(event, ContextUsed)]
    assert told[-1] == message.context
    notices = [event.text for event in events if isinstance(event, Notice)]
    return message.text, notices, message.context


def failed(corpus: Corpus, backend: Scripted, mode: ReadingMode = "auto") -> str:
    """Why there was no answer."""
    *_, end = events = events_of(corpus, backend, mode)
    assert isinstance(end, TurnFinished) and end.reason == "error" and end.error
    assert answer(events).error == end.error
    return end.error


def test_a_server_that_says_no_numbers_is_asked_by_passages_too(corpus: Corpus) -> None:
    backend = Scripted(PromptTooLong("Too long."), "It is Otto.", window=None, counts=False)
    text, _, used = asked(corpus, backend)
    assert text == "It is Otto." and used.mode == "passages" and used.refused
    assert len(backend.asked) == 2


@pytest.mark.parametrize("mode", ["auto", "whole"])
def test_what_the_model_finds_too_long_is_asked_again_by_passages(
    corpus: Corpus, mode: ReadingMode
) -> None:
    backend = Scripted(TOO_LONG, "It is Otto.", window=None, counts=False)
    text, notices, used = asked(corpus, backend, mode=mode)
    assert text == "It is Otto." and len(backend.asked) == 2
    assert "The documents do not fit: choosing passages" in notices and notices[-1] == ""
    whole, passages = ("".join(m.text for m in messages) for messages, _ in backend.asked)
    assert len(passages) < len(whole) / 2 and "Otto" in passages
    assert used.refused and used.excess > 0
    said = pages_read(used)
    assert (
        said.startswith("The whole did not fit; passages read: report.pdf, page") and "13" in said
    )
    # The window is known from now on: nothing is sent that does not fit.
    history = (QUESTION, Message("assistant", (Text(text),)))
    assert forecast(corpus, history, mode, backend, 500).mode == "passages"
    _, _, used = asked(corpus, backend, *history, mode=mode)
    assert len(backend.asked) == 3 and not used.refused
    assert pages_read(used).startswith("Passages read")


def test_it_is_tried_once_more_and_not_again(corpus: Corpus) -> None:
    backend = Scripted(TOO_LONG, window=None, counts=False)
    assert failed(corpus, backend) == str(TOO_LONG)
    assert len(backend.asked) == 2
    assert failed(corpus, backend, mode="passages") == str(TOO_LONG)
    assert len(backend.asked) == 3


def test_without_documents_a_long_talk_is_not_tried_again() -> None:
    backend = Scripted(TOO_LONG, window=None, counts=False)
    assert failed(Corpus(), backend) == str(TOO_LONG)
    assert len(backend.asked) == 1


@pytest.mark.parametrize("mode", ["whole", "passages", "parts"])
def test_nothing_was_read_for_an_answer_that_never_came(corpus: Corpus, mode: ReadingMode) -> None:
    backend = Scripted(AnswerBroken("The server is gone."), window=32_768)
    message = answer(events_of(corpus, backend, mode))
    assert backend.asked and message.error == "The server is gone." and message.context is None


def test_nothing_was_read_for_parts_that_were_stopped(corpus: Corpus) -> None:
    cancel = threading.Event()
    cancel.set()
    message = answer(events_of(corpus, Scripted("notes", window=32_768), "parts", cancel=cancel))
    assert message.finish == "cancelled" and message.context is None
