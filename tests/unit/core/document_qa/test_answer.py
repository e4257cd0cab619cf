"""A question asked where the model's window is not known: what is sent, and what is said of it."""

from __future__ import annotations

import threading

import pytest

from app.core.document_qa.answering.answer import ask, outlook
from app.core.document_qa.answering.prompt import Prompt
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.status_text import pages_read
from backends.base import GenerationConfig
from backends.errors import AnswerBroken, BackendError, ContextExceeded, PromptTooLong
from backends.events import AnswerFinished, Notice, TextDelta
from backends.messages import Message, Text, user
from tests.support.document_scene import Scripted, filler, sheets

TOO_LONG = ContextExceeded(6_000, 8_192)
QUESTION = user("What is the name of the zebra?")


@pytest.fixture
def corpus() -> Corpus:
    texts = [filler(seed, 600) for seed in range(20)]
    texts[12] += "\n\nThe name of the zebra is Otto."
    return Corpus(sheets(*texts))


def asked(corpus: Corpus, backend: Scripted, *history: Message, way: str = "auto") -> tuple:
    """What came of the question: the texts, the notices, and what it was given from."""
    prompts: list[Prompt] = []
    messages, cancel = (*history, QUESTION), threading.Event()
    events = list(
        ask(
            corpus,
            messages,
            len(history),
            way,
            backend,
            GenerationConfig(),
            cancel,
            prompts.append,
        )
    )
    texts = "".join(event.text for event in events if isinstance(event, TextDelta))
    return texts, [event.text for event in events if isinstance(event, Notice)], prompts


def test_a_server_that_says_no_numbers_is_asked_by_passages_too(corpus: Corpus) -> None:
    backend = Scripted(PromptTooLong("Too long."), "It is Otto.", window=None, counts=False)
    text, _, (prompt,) = asked(corpus, backend)
    assert text == "It is Otto." and prompt.way == "passages" and prompt.refused
    assert len(backend.asked) == 2


@pytest.mark.parametrize("way", ["auto", "whole"])
def test_what_the_model_finds_too_long_is_asked_again_by_passages(corpus: Corpus, way: str) -> None:
    backend = Scripted(TOO_LONG, "It is Otto.", window=None, counts=False)
    text, notices, (prompt,) = asked(corpus, backend, way=way)
    assert text == "It is Otto." and len(backend.asked) == 2
    assert "The documents do not fit: choosing passages" in notices and notices[-1] == ""
    whole, passages = ("".join(m.text for m in messages) for messages, _ in backend.asked)
    assert len(passages) < len(whole) / 2 and "Otto" in passages
    assert prompt.refused and prompt.excess > 0
    said = pages_read(prompt)
    assert (
        said.startswith("The whole did not fit; passages read: report.pdf, page") and "13" in said
    )
    # The window is known from now on: nothing is sent that does not fit.
    history = (QUESTION, Message("assistant", (Text(text),)))
    assert outlook(corpus, history, way, backend, 500).way == "passages"
    _, _, (prompt,) = asked(corpus, backend, *history, way=way)
    assert len(backend.asked) == 3 and not prompt.refused
    assert pages_read(prompt).startswith("Passages read")


def test_it_is_tried_once_more_and_not_again(corpus: Corpus) -> None:
    backend = Scripted(TOO_LONG, window=None, counts=False)
    with pytest.raises(ContextExceeded):
        asked(corpus, backend)
    assert len(backend.asked) == 2
    with pytest.raises(ContextExceeded):
        asked(corpus, backend, way="passages")
    assert len(backend.asked) == 3


def test_without_documents_a_long_talk_is_not_tried_again() -> None:
    backend = Scripted(TOO_LONG, window=None, counts=False)
    with pytest.raises(ContextExceeded):
        asked(Corpus(), backend)
    assert len(backend.asked) == 1


@pytest.mark.parametrize("way", ["whole", "passages", "parts"])
def test_nothing_was_read_for_an_answer_that_never_came(corpus: Corpus, way: str) -> None:
    backend = Scripted(AnswerBroken("The server is gone."), window=32_768)
    given: list[Prompt] = []
    with pytest.raises(BackendError):
        for _ in ask(
            corpus, [QUESTION], 0, way, backend, GenerationConfig(), threading.Event(), given.append
        ):
            pass
    assert backend.asked and given == []


def test_nothing_was_read_for_parts_that_were_stopped(corpus: Corpus) -> None:
    cancel = threading.Event()
    cancel.set()
    given: list[Prompt] = []
    backend = Scripted("notes", window=32_768)
    events = list(
        ask(corpus, [QUESTION], 0, "parts", backend, GenerationConfig(), cancel, given.append)
    )
    assert isinstance(events[-1], AnswerFinished) and events[-1].finish == "cancelled"
    assert given == []
