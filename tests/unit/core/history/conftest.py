"""Histories over both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.history.history import History

Open = Callable[[], History]
"""Opens the test's one database, as another process would."""


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    histories: list[History] = []

    def open_history() -> History:
        histories.append(History.open(tmp_path / "history", url))
        return histories[-1]

    yield open_history
    for history in histories:
        history.close()


@pytest.fixture
def history(opened: Open) -> History:
    history = opened()
    assert history.problem == "" and history.database.lasting
    return history
