"""PostgreSQL: its URLs, its refusals, and a server that goes away and comes back."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from app.core.history.database import IN_MEMORY, HistoryError
from app.core.history.history import History
from app.core.history.postgres import BadUrl, connect_arguments
from tests.support.postgres import Postgres, skip_without_postgres, start_postgres
from tests.support.stored_messages import ALICE, write

SECRET = "s3cret-word"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://anna@example.org/glm",
            {"host": "example.org", "port": 5432, "user": "anna"},
        ),
        ("postgres://anna:pw@example.org:5433/glm", {"port": 5433, "password": "pw"}),
        ("postgresql://anna:a%40b%2Fc@h/glm", {"password": "a@b/c", "database": "glm"}),
        ("postgresql+pg8000://anna@h/glm", {"host": "h"}),
        ("postgresql://anna@/glm?host=/run/pg", {"unix_sock": "/run/pg/.s.PGSQL.5432"}),
        ("postgresql://anna@/glm?host=/run/pg&port=6", {"unix_sock": "/run/pg/.s.PGSQL.6"}),
        ("postgresql://anna@%2Frun%2Fpg/glm", {"unix_sock": "/run/pg/.s.PGSQL.5432"}),
        ("postgresql://anna@/glm?unix_sock=/run/pg/s", {"unix_sock": "/run/pg/s"}),
        ("postgresql:///?host=h&user=u&password=p&dbname=d", {"user": "u", "database": "d"}),
        ("postgresql://anna@h", {"database": "anna"}),
        ("postgresql://anna@h/d?connect_timeout=3&application_name=x", {"timeout": 3.0}),
        ("postgresql://anna@h/d?sslmode=disable", {"ssl_context": None}),
    ],
)
def test_a_url_is_one_of_libpq(url: str, expected: dict[str, Any]) -> None:
    found = connect_arguments(url)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_encryption_can_be_asked_for(mode: str) -> None:
    context = connect_arguments(f"postgresql://a@h/d?sslmode={mode}")["ssl_context"]
    assert context.check_hostname == (mode == "verify-full")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a:{}@h/d",
        "a:{}@h/d",
        "postgresql",
        "://",
        "sqlite:///x",
        "{}",
        "postgresql://a:{}@h:port/d",
        "postgresql://a:{}@h/d?sslmode=maybe",
        "postgresql://a:{}@h/d?connect_timeout=soon",
        "postgresql://a:{}@h/d?colour=red",
        "postgresql://a:{}@h/d?port=0",
    ],
)
def test_a_wrong_url_is_one_sentence_without_the_password(url: str, tmp_path: Path) -> None:
    url = url.format(SECRET)
    with pytest.raises(BadUrl) as refused:
        connect_arguments(url)
    assert "GLM_DATABASE" in str(refused.value)
    history = History.open(tmp_path, url)
    assert history.problem == f"{refused.value} {IN_MEMORY}."
    assert SECRET not in history.problem and not history.database.lasting
    write(history, "one", "ask")
    assert history.load(ALICE, "one") is not None
    history.close()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for place in (f"127.0.0.1:{port}", "host.invalid", "%2Fnowhere"):
        history = History.open(tmp_path, f"postgresql://a:{SECRET}@{place}/d?connect_timeout=5")
        assert history.problem == f"The history's database can't be reached. {IN_MEMORY}."
        history.close()


def test_a_wrong_user_password_or_name(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_database()
    name = url.partition("@/")[2].partition("?")[0]
    for wrong, reason in (
        (url.replace(name, "none"), "The database that GLM_DATABASE names does not exist."),
        (
            url.replace("glm@", f"nobody:{SECRET}@"),
            "The database refuses the user or the password of GLM_DATABASE.",
        ),
    ):
        history = History.open(tmp_path, wrong)
        assert history.problem == f"{reason} {IN_MEMORY}."
        history.close()


def test_a_user_who_may_not_write(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_database()
    postgres.run("DROP ROLE IF EXISTS reader")
    postgres.run("CREATE ROLE reader LOGIN")
    history = History.open(tmp_path, url.replace("glm@", "reader@"))
    assert (
        history.problem == f"The user of GLM_DATABASE may not write to the database. {IN_MEMORY}."
    )
    history.close()


def test_a_server_that_is_restarted_in_mid_work(tmp_path: Path) -> None:
    skip_without_postgres()
    with start_postgres() as server:
        history = History.open(tmp_path, server.new_database())
        write(history, "one", "ask", "answer")
        server.restart()
        assert history.load(ALICE, "one") is not None
        server.stop()
        with pytest.raises(HistoryError, match=r"The history's database can't be reached\."):
            write(history, "two", "ask")
        server.start()
        write(history, "two", "ask")
        assert [entry.id for entry in history.catalog.listed(ALICE)] == ["two", "one"]
        history.close()
