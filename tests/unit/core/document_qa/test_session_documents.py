"""Documents of a conversation: waited for, asked about, cited, removed; two conversations apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from app.core.agent.loop import TurnConfig
from app.core.attachments import Upload
from app.core.attachments.uploads import attach_files, user_message
from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from app.core.service import Service
from app.core.sessions.session import Session
from app.core.settings import Loaded, Settings
from backends.messages import Message, PageUsed
from tests.support.office_files import make_pdf
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Status, Text
from tools.documents.base import DocumentError

TIMEOUT_S = 60.0  # only reached by a test that hangs


@pytest.fixture
def server() -> Any:
    with ScriptedServer([Text("Yes【1†secret of Ada】.")]) as running:
        yield running


@pytest.fixture
def service(server: ScriptedServer, tmp_path: Path) -> Any:
    settings = Settings(model=f"{server.url}#scripted", data=str(tmp_path / "data"), context=4096)
    made = Service(Loaded(settings, {}))
    yield made
    made.close()


def give(session: Session, name: str, data: str | bytes) -> Any:
    raw = data.encode() if isinstance(data, str) else data
    attached = attach_files("documents", [Upload(name, raw)], session.workspace, Settings(), "none")
    assert session.documents is not None
    session.documents.add(attached)
    return attached


def ask(session: Session, text: str, attached: Any = ()) -> str:
    session.start_turn(user_message(text, attached), TurnConfig())
    return answered(session)


def answered(session: Session) -> str:
    view = session.view()
    while view.live is not None:
        assert session.wait(view.version, TIMEOUT_S)
        view = session.view()
    return view.conversation.messages[-1].text


def last(session: Session) -> Message:
    return session.view().conversation.messages[-1]


def test_a_question_waits_until_the_files_are_read(
    service: Service, server: ScriptedServer
) -> None:
    session = service.sessions.open("ada", "documents")
    attached = give(session, "note.txt", "This is the secret of Ada.")
    assert ask(session, "Is there one?", attached) == "Yes【1†secret of Ada】."
    system, question = server.requests[0].body["messages"]
    assert "[1] note.txt, page 1\nThis is the secret of Ada." in system["content"]
    assert question["content"] == "Is there one?"
    assert session.documents is not None and session.citations is not None
    used = last(session).context
    assert used is not None and used.mode == "whole"
    assert used.pages == (PageUsed(1, "note.txt", 1),)
    assert session.citations(1, "secret of Ada").found
    assert session.citations(1, "secret of Bob").trouble == "not found in the page"


def test_what_was_cited_stays_when_a_file_is_removed(
    service: Service, server: ScriptedServer
) -> None:
    session = service.sessions.open("ada", "documents")
    assert session.documents is not None and session.citations is not None
    (given,) = give(session, "note.txt", "This is the secret of Ada.")
    ask(session, "first")
    session.documents.remove("note.txt")
    assert not given.path.exists()
    give(session, "other.txt", "Nothing is here.")
    ask(session, "second")
    assert session.citations(1, "secret of Ada").found
    system = server.requests[1].body["messages"][0]["content"]
    assert "secret of Ada" not in system
    assert "[2] other.txt, page 1" in system  # the old number is not given again
    session.retry(TurnConfig())
    answered(session)
    assert server.requests[2].body["messages"] == server.requests[1].body["messages"]


def test_two_conversations_see_their_own_files_alone(
    service: Service, server: ScriptedServer
) -> None:
    ada, bob = (service.sessions.open(who, "documents") for who in ("ada", "bob"))
    give(ada, "note.txt", "This is the secret of Ada.")
    give(bob, "note.txt", "Bob has none.")
    for each in (ada, bob):
        ask(each, "What is it?")
    assert "secret of Ada" in server.requests[0].body["messages"][0]["content"]
    assert "secret of Ada" not in json.dumps(server.requests[1].body)
    assert ada.citations is not None and bob.citations is not None
    assert ada.citations(1, "secret of Ada").found and not bob.citations(1, "secret of Ada").found
    bob.close()
    assert bob.documents is not None and bob.documents.store.entries() == ()
    assert ask(ada, "And now?")


def test_whole_documents_that_do_not_fit_give_way_to_passages(
    service: Service, server: ScriptedServer
) -> None:
    session = service.sessions.open("ada", "documents")
    assert session.documents is not None
    filler = "The river runs past the mill. " * 60
    give(session, "long.md", "\n\n".join([filler] * 20 + ["The zebra's name is Otto.", filler]))
    session.documents.store.wait(TIMEOUT_S)
    backend = service.model.wait()
    for way in ("auto", "whole"):
        session.documents.mode = way
        forecast = session.documents.forecast((), backend, TurnConfig().generation)
        assert forecast is not None and forecast.mode == "passages" and forecast.excess > 4_000
        ask(session, "What is the name of the zebra?")
        sent = server.requests[-1].body["messages"]
        assert "The zebra's name is Otto." in json.dumps(sent)
        assert len(json.dumps(sent)) < 16_000


def test_what_failed_was_not_read(service: Service, server: ScriptedServer) -> None:
    session = service.sessions.open("ada", "documents")
    assert session.documents is not None
    give(session, "note.txt", "This is the secret of Ada.")
    ask(session, "Is there one?")
    assert last(session).context is not None
    answering, server.script = server.script, [Status(400, {"error": {"message": "no"}})]
    session.retry(TurnConfig())
    answered(session)
    assert last(session).error and last(session).context is None
    server.script = answering
    session.retry(TurnConfig())
    answered(session)
    assert last(session).context is not None


def test_reading_part_by_part_is_estimated_and_can_be_stopped(
    service: Service, server: ScriptedServer
) -> None:
    session = service.sessions.open("ada", "documents")
    assert session.documents is not None
    give(session, "long.md", "\n\n".join(["The river runs past the old mill. " * 60] * 24))
    session.documents.store.wait(TIMEOUT_S)
    session.documents.mode = "parts"
    backend = service.model.wait()
    forecast = session.documents.forecast((), backend, TurnConfig().generation)
    assert forecast is not None and forecast.mode == "parts"
    ask(session, "Summarise it")
    assert 2 < len(server.requests) <= forecast.calls
    server.requests.clear()
    stopping = threading.Event()

    def stop_then_answer(_: object) -> Text:
        session.stop()
        stopping.set()
        return Text("a note")

    server.script = stop_then_answer
    session.retry(TurnConfig())
    answered(session)
    assert stopping.is_set() and len(server.requests) == 1
    assert session.view().conversation.messages[-1].finish == "cancelled"


def test_a_locked_file_is_opened_with_its_password(service: Service, tmp_path: Path) -> None:
    session = service.sessions.open("ada", "documents")
    assert session.documents is not None
    give(session, "locked.pdf", make_pdf(tmp_path / "l.pdf", password="geheim-é").read_bytes())
    session.documents.store.wait(TIMEOUT_S)
    assert session.documents.store.entries()[0].state == "locked"
    session.documents.unlock("locked.pdf", "wrong")
    session.documents.store.wait(TIMEOUT_S)
    assert session.documents.store.entries()[0].state == "locked"
    session.documents.unlock("locked.pdf", "geheim-é")
    session.documents.store.wait(TIMEOUT_S)
    (entry,) = session.documents.store.entries()
    assert entry.state == "ready" and entry.reading is not None
    picture = session.documents.picture(entry, 2)
    assert picture is not None and picture.startswith(b"\x89PNG")
    cited = session.documents.cited(2, "57 million")
    assert (
        cited.found
        and isinstance(cited.source, NumberedPage)
        and session.documents.pictured(cited.source)
    )
    marked = session.documents.marked(2, cited.spans)
    assert marked is not None and marked.startswith(b"\x89PNG") and marked != picture
    assert session.documents.marked(9, cited.spans) is None
    session.documents.store.select("locked.pdf", "2")
    assert [sheet.page.number for sheet in session.documents.corpus.pages] == [2]
    with pytest.raises(DocumentError):
        session.documents.store.select("locked.pdf", "nonsense")
    session.documents.remove("locked.pdf")
    assert not session.documents.pictured(cited.source)
    assert session.documents.marked(2, cited.spans) is None


def test_a_file_without_a_password_is_asked_for_once_a_turn(
    service: Service, tmp_path: Path
) -> None:
    session = service.sessions.open("ada", "documents")
    assert session.documents is not None
    for name in ("one.pdf", "two.pdf"):
        give(session, name, make_pdf(tmp_path / name, password=name).read_bytes())
    asked: list[tuple[str, bool]] = []

    def password(name: str, wrong: bool) -> str | None:
        asked.append((name, wrong))
        return None if name == "one.pdf" else name if wrong else "wrong"

    session.documents.password = password
    ask(session, "What is in it?")
    assert asked == [("one.pdf", False), ("two.pdf", False), ("two.pdf", True)]
    assert [each.state for each in session.documents.store.entries()] == ["locked", "ready"]


def test_in_tools_mode_documents_are_offered_once_there_are_some(service: Service) -> None:
    session = service.sessions.open("ada", "tools")
    offered = {spec.name for spec in session.registry.specs(False)}
    assert "search_documents" not in offered
    give(session, "table.csv", "a,b\n1,2\n")
    assert "search_documents" not in {spec.name for spec in session.registry.specs(False)}
    give(session, "note.txt", "This is the secret of Ada.")
    assert {spec.name for spec in session.registry.specs(False)} - offered == {
        "search_documents",
        "read_pages",
    }
    assert session.citations is not None and session.documents is not None
    session.documents.store.wait(TIMEOUT_S)
    assert session.citations(1, "secret of Ada").found


@pytest.mark.parametrize("json_lines", [True, False])
def test_the_back_door_says_which_pages_were_read(
    server: ScriptedServer, tmp_path: Path, json_lines: bool
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("This is the secret of Ada.")
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "ask", "--mode", "documents", "--file", note]
        + (["--json"] if json_lines else [])
        + ["Is there one?"],
        env=os.environ | {"GLM_MODEL": f"{server.url}#scripted"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    if not json_lines:
        assert done.stdout == "Yes【1†secret of Ada】.\n"
        read = ["Read: note.txt, 1 page", "[note.txt, page 1] “secret of Ada”"]
        assert done.stderr.splitlines() == read
        return
    text, end = map(json.loads, done.stdout.splitlines())
    assert text["text"] == "Yes【1†secret of Ada】."
    page = {"number": 1, "document": "note.txt", "page": 1}
    assert end["read"] == {
        "way": "whole",
        "pages": [page],
        "citations": [page | {"words": "secret of Ada", "found": True, "trouble": ""}],
    }
