"""The transcript as it is drawn: a long one begins with its end, and is never drawn whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from app.ui.transcript import blocks, transcript
from app.ui.transcript.blocks import latest
from app.ui.transcript.transcript import EARLIER_EXCHANGES, LATEST_EXCHANGES
from backends.messages import Message, Text, user

EARLIER = 3
LONG = 1000  # exchanges: 2,000 messages


def page(turns: int) -> None:
    import streamlit as st

    from app.core.conversation import Conversation
    from app.core.sessions.session import View
    from app.ui.transcript.transcript import draw_history
    from backends.messages import Message, Text, user

    turns = st.session_state.get("turns", turns)
    said = [(user(f"message {at}"), Message("assistant", (Text(f"answer {at}"),)))
            for at in range(turns)]  # fmt: skip
    view = View(1, Conversation(tuple(message for turn in said for message in turn)))
    last = draw_history("chat", view, None, lambda _: None)
    if last is None:
        st.text("nothing")


def drawn(turns: int) -> AppTest:
    shown = AppTest.from_function(page, kwargs={"turns": turns}, default_timeout=60).run()
    assert not shown.exception
    return shown


def numbers(shown: AppTest) -> list[int]:
    """The messages on the page, by their numbers."""
    return [
        int(found[1]) for text in shown.text if (found := re.match(r"message (\d+)", text.value))
    ]


def click(shown: AppTest, label: str) -> None:
    (button,) = (each for each in shown.button if each.label.startswith(label))
    button.click().run()
    assert not shown.exception


def test_a_long_conversation_shows_its_end() -> None:
    shown = drawn(LATEST_EXCHANGES + EARLIER)
    assert len(shown.chat_message) == 2 * (
        LATEST_EXCHANGES - 1
    )  # the last exchange is drawn by the page
    assert shown.text[0].value == f"message {EARLIER}"
    (more,) = shown.button
    assert more.label == f"Show {EARLIER} earlier messages"
    more.click().run()
    assert len(shown.chat_message) == 2 * (LATEST_EXCHANGES + EARLIER - 1)
    assert shown.text[0].value == "message 0" and not shown.button


def test_one_that_fits_is_shown_whole() -> None:
    shown = drawn(LATEST_EXCHANGES)
    assert shown.text[0].value == "message 0" and not shown.button


def test_none_is_nothing() -> None:
    shown = drawn(0)
    assert [each.value for each in shown.text] == ["nothing"]


def test_earlier_messages_come_a_page_at_a_time_to_the_first_one() -> None:
    shown, top = drawn(LONG), LONG - LATEST_EXCHANGES
    assert numbers(shown) == list(range(top, LONG - 1))
    seen = set(numbers(shown))
    while top:
        click(shown, "Show")
        top = max(0, top - EARLIER_EXCHANGES)
        there = numbers(shown)
        assert there == list(range(top, min(top + LATEST_EXCHANGES + EARLIER_EXCHANGES, LONG - 1)))
        seen |= set(there)
    assert seen == set(range(LONG - 1))
    assert [each.label for each in shown.button] == [
        f"Skip {LONG - 1 - LATEST_EXCHANGES - EARLIER_EXCHANGES:,} messages to the latest"
    ]
    click(shown, "Skip")
    assert numbers(shown) == list(range(LONG - LATEST_EXCHANGES, LONG - 1))


def test_what_was_on_top_is_scrolled_to_once() -> None:
    shown = drawn(LONG)

    def kept() -> list[str]:
        return [each.value for each in shown.get("html") if "kept-in-view" in each.value]

    assert not kept()
    click(shown, "Show")
    assert len(kept()) == 1
    shown.run()
    assert not kept()


def test_a_new_question_goes_back_to_the_latest() -> None:
    shown = drawn(LONG)
    click(shown, "Show")
    assert len(numbers(shown)) == LATEST_EXCHANGES + EARLIER_EXCHANGES - 1
    shown.session_state["turns"] = LONG + 1
    shown.run()
    assert numbers(shown) == list(range(LONG + 1 - LATEST_EXCHANGES, LONG))


def test_as_much_is_made_of_a_long_conversation_as_of_a_short_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []
    drawn_blocks: list[int] = []
    own_exchange, own_draw = blocks._exchange, transcript._draw

    def exchange(messages: Sequence[Message], at: int, end: int) -> blocks.Exchange:
        made.append(at)
        return own_exchange(messages, at, end)

    def draw(*given: Any) -> None:
        drawn_blocks.append(1)
        own_draw(*given)

    monkeypatch.setattr(blocks, "_exchange", exchange)
    monkeypatch.setattr(transcript, "_draw", draw)
    counts = []
    for turns in (25, LONG):
        made.clear()
        drawn_blocks.clear()
        drawn(turns)
        counts.append((len(made), len(drawn_blocks)))
    assert counts[0] == counts[1] == (LATEST_EXCHANGES, LATEST_EXCHANGES - 1)


class Counted(Sequence[Message]):
    """Messages that count how often one is looked at."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages, self.looks = messages, 0

    def __getitem__(self, at: Any) -> Any:
        self.looks += 1
        return self.messages[at]

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[Message]:
        raise AssertionError("all messages are looked at")


def test_the_last_exchange_is_found_without_the_others() -> None:
    answer = Message("assistant", (Text("so"),))
    counted = Counted([*(user("a"), answer) * LONG, user("b"), answer, answer])
    last = latest(cast(Sequence[Message], counted))
    assert last is not None and (last.index, last.answers) == (2 * LONG, (answer, answer))
    assert counted.looks < 10
    assert latest([]) is None
    assert latest([answer]) == blocks.Exchange(0, None, (answer,))
