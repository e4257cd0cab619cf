"""Processes that are killed in mid-turn, and what the next one finds; `make bench ARGS=kills` kills
a hundred."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.killed_turns import KilledTurns

KILLS = 3
LONGEST_S = 4.0


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_and_nothing_runs_twice(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    url = ""
    if database == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    chance = random.Random()
    with KilledTurns(tmp_path, url) as killed:
        for _ in range(KILLS):
            moment = chance.uniform(0.1, LONGEST_S)
            assert killed.kill(moment) == [], f"killed after {moment} s"
        assert killed.finished
