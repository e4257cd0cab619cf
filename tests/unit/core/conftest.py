"""The PostgreSQL that the tests of the history and of the sessions share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import Postgres, skip_without_postgres, start_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    skip_without_postgres()
    with start_postgres() as server:
        yield server
