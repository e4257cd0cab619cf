"""The transcript as it is drawn: a long one begins with its end."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from app.ui.transcript import SHOWN

EARLIER = 3


def page(turns: int) -> None:
    import streamlit as st

    from app.core.conversation import Conversation
    from app.core.session import View
    from app.ui.transcript import draw_history
    from backends.base import Message, Text, user

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


def test_a_long_conversation_shows_its_end() -> None:
    shown = drawn(SHOWN + EARLIER)
    assert len(shown.chat_message) == 2 * (SHOWN - 1)  # the last exchange is drawn by the page
    assert shown.text[0].value == f"message {EARLIER}"
    (more,) = shown.button
    assert more.label == f"Show {EARLIER} earlier messages"
    more.click().run()
    assert len(shown.chat_message) == 2 * (SHOWN + EARLIER - 1)
    assert shown.text[0].value == "message 0" and not shown.button


def test_one_that_fits_is_shown_whole() -> None:
    shown = drawn(SHOWN)
    assert shown.text[0].value == "message 0" and not shown.button


def test_none_is_nothing() -> None:
    shown = drawn(0)
    assert [each.value for each in shown.text] == ["nothing"]
