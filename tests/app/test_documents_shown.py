"""What the page says of documents beside an answer."""

from __future__ import annotations

from typing import Literal

import pytest

from app.core.documents.prompt import Prompt, Room
from app.ui.documents import read_for
from backends.base import Message, Text
from tests.document_scene import sheets

Way = Literal["whole", "passages", "parts"]


def prompt(way: Way) -> Prompt:
    return Prompt(way, (), tuple(sheets("one", "two")), Room(100, 20, 50, 8192))


@pytest.mark.parametrize("way", ["whole", "passages", "parts"])
def test_under_an_answer_stand_the_pages_that_it_was_given_from(way: Way) -> None:
    answer = Message("assistant", (Text("It is"),), finish="cancelled")
    assert read_for(prompt(way), [answer]).endswith("report.pdf, all 2 pages")


@pytest.mark.parametrize(
    "answers",
    [
        (),
        (Message("assistant", (), reasoning="Part 1", finish="cancelled"),),
        (Message("assistant", (), finish="error", error="The server is gone."),),
    ],
)
def test_parts_that_were_not_all_read_are_not_said_to_be(answers: tuple[Message, ...]) -> None:
    assert read_for(prompt("parts"), answers) == ""
