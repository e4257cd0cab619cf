"""Documents read part by part: every page is read once, and everything is said while it goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.agent.events import Event, MessageFinished, TurnFinished
from app.core.agent.loop import Turn, TurnConfig, run_turn
from app.core.conversation import Conversation
from app.core.document_qa.answering import map_reduce
from app.core.document_qa.answering.prompt import compose
from app.core.document_qa.retrieval.corpus import Corpus
from backends.base import GenerationConfig
from backends.errors import AnswerBroken
from backends.events import Notice, ReasoningDelta, TextDelta
from backends.messages import Message, Text, user
from tests.support.document_scene import Read, Scripted, corpus, filler, question, sheets
from tools.registry import Registry

CONFIG = GenerationConfig(max_tokens=300, tool_choice="x")
QUESTION = "Summarise the report."


@pytest.fixture(scope="module")
def long() -> Corpus:
    return Corpus([*sheets(*(f"Page {at}. {filler(at, 1000)}" for at in range(10))),
                   *sheets("The last words.", name="b.txt", first=40)])  # fmt: skip


def planned(pages: Corpus, backend: Scripted, *history: Message) -> map_reduce.Plan:
    prompt = compose(pages, question(QUESTION, history, backend, CONFIG), "parts")
    assert prompt.mode == "parts" and prompt.pages == pages.pages and prompt.plan is not None
    return prompt.plan


def turn(
    pages: Corpus, backend: Scripted, cancel: threading.Event, *history: Message
) -> Iterator[Event]:
    talk = Conversation((*history, user(QUESTION)))
    config, nowhere = TurnConfig(CONFIG), Path("nowhere")
    return run_turn(
        Turn(talk, Registry(()), config, cancel, nowhere, Read(pages, "parts")), backend
    )


def read(pages: Corpus, backend: Scripted, *history: Message) -> list:
    return list(turn(pages, backend, threading.Event(), *history))


def answer(events: list) -> Message:
    (message,) = (event.message for event in events if isinstance(event, MessageFinished))
    return message


def texts(events: list, kind: type) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


def test_every_page_is_read_once_and_the_answer_comes_from_the_notes(long):
    backend = Scripted(*(f"Note {at}【{at}†Page】." for at in range(1, 9)))
    plan = planned(long, backend)
    events = read(long, backend)
    assert len(plan.parts) == 2 and plan.calls == len(backend.asked) == 3
    asked = [messages[-1].text for messages, _ in backend.asked]
    for sheet in long.pages:
        assert sum(text.count(f"{sheet.head}\n{sheet.text[:40]}") for text in asked) == 1
    whole = "".join("".join(asked[:2]).split())
    assert all("".join(each.text.split()) in whole for each in long.chunks)
    assert all(text.endswith(f"Request: {QUESTION}") for text in asked[:2])
    assert asked[2].startswith("Notes on report.pdf, pages 1-6:\nNote 1【1†Page】.\n\n")
    assert "report.pdf, pages 6-10; b.txt, page 1:\nNote 2" in asked[2]
    assert asked[2].endswith(QUESTION) and texts(events, TextDelta) == "Note 3【3†Page】."
    assert all(f"Note {at}【" in texts(events, ReasoningDelta) for at in (1, 2))
    said = answer(events)
    assert said.finish == "stop" and said.context is not None and said.context.mode == "parts"
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (300, 15)
    *_, end = events
    assert (end.reason, end.usage.prompt_tokens, end.usage.completion_tokens) == ("stop", 300, 15)


def test_progress_is_said_and_cleared_when_the_answer_begins(long):
    backend = Scripted("Note.")
    events = read(long, backend)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert notices[:2] == ["Looking through the documents", ""]
    notices = notices[2:]
    assert notices[0] == "Reading part 1 of 2: report.pdf, pages 1-6"
    assert notices[1] == f"{notices[0]} · Waiting for the model: place 1 in the queue"
    assert notices[2] == notices[0]
    first = next(at for at, event in enumerate(events) if isinstance(event, TextDelta))
    assert [each.text for each in events[:first] if isinstance(each, Notice)][-1] == ""


def test_every_call_fits_and_notes_too_long_together_are_put_together_first():
    backend = Scripted(filler(1, 60), window=1500)
    pages = corpus(*(filler(at, 1000) for at in range(24)))
    plan = planned(pages, backend)
    read(pages, backend)
    assert len(plan.parts) > 20 and len(plan.parts) + 1 < len(backend.asked) <= plan.calls
    for messages, config in backend.asked:
        count = backend.count_tokens(messages, ())
        assert count is not None and count + config.max_tokens <= 1500
    assert {config.tool_choice for _, config in backend.asked[:-1]} == {None}
    assert {config.max_tokens for _, config in backend.asked[:-1]} == {plan.note}
    assert backend.asked[-1][1].max_tokens == 300


def test_what_fits_one_call_is_answered_in_one():
    backend = Scripted("It is so.")
    pages = corpus("A short page.")
    plan = planned(pages, backend)
    events = read(pages, backend)
    assert plan.calls == len(backend.asked) == 1
    assert "A short page." in backend.asked[0][0][-1].text
    assert not texts(events, ReasoningDelta) and texts(events, TextDelta) == "It is so."


def test_what_was_said_stands_in_the_last_call_unless_it_is_long(long):
    history = (user("Hello"), Message("assistant", (Text("Hi."),)))
    backend = Scripted("Note.")
    read(long, backend, *history)
    assert [message.text for message in backend.asked[-1][0][1:3]] == ["Hello", "Hi."]
    assert len(backend.asked[0][0]) == 2
    assert planned(long, backend, user(filler(1, 4000))).talk == ()


def test_stop_ends_it_in_a_part_with_what_was_used(long):
    cancel = threading.Event()
    backend = Scripted("One two three.")
    events = []
    for event in turn(long, backend, cancel):
        events.append(event)
        if isinstance(event, ReasoningDelta) and "two" in event.text and len(backend.asked) == 2:
            cancel.set()
    assert isinstance(events[-1], TurnFinished) and events[-1].reason == "cancelled"
    assert len(backend.asked) == 2 and not texts(events, TextDelta)
    assert answer(events).finish == "cancelled" and answer(events).usage.prompt_tokens == 110
    assert events[-1].usage.prompt_tokens == 110


def test_a_failure_passes_through(long):
    backend = Scripted("Note.", AnswerBroken("The connection was lost."))
    assert answer(read(long, backend)).error == "The connection was lost."
    assert len(backend.asked) == 2


@pytest.mark.parametrize("size", [50, 900, 5000, 20_000])
def test_the_estimate_is_never_too_low(size):
    backend = Scripted(filler(2, 90), window=2000)
    pages = corpus(filler(1, size))
    plan = planned(pages, backend)
    read(pages, backend)
    assert len(backend.asked) <= plan.calls
