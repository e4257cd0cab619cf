"""What a browser sends from the list."""

from __future__ import annotations

from typing import Any

import pytest

from app.ui.conversations.list_component import Asked, asked_of


def test_what_was_asked_for() -> None:
    assert asked_of({"what": "further"}) == Asked("further")
    assert asked_of({"what": "rename", "id": "1", "title": "x"}) == Asked("rename", "1", "x")


@pytest.mark.parametrize(
    "value", [None, "delete", 1, ["delete"], {"what": 1}, {"what": "pin", "id": {"a": 1}}]
)
def test_anything_else_asks_for_nothing(value: Any) -> None:
    assert asked_of(value) is None


def test_an_empty_request_names_no_action() -> None:
    assert asked_of({}) == Asked("")
