"""`glm history` and `glm chat --continue`, beside a history that somebody else has open."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from app.cli.__main__ import main
from app.cli.history import terminal_person
from app.core.history.history import History
from backends.messages import Message, Text, user
from tests.support.conversations import PERSON, STRANGER, store
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text as Said
from tests.unit.cli.test_commands import Door, door

__all__ = ["door"]


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """The history that the commands use, open all the while as by a server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLM_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("GLM_DATABASE", raising=False)
    return History.open(tmp_path / "data" / "history")


@pytest.fixture
def three(history: History) -> list[str]:
    answer = Message("assistant", (Text("Up \x1b]0;evil\x07 there\u202e"),))
    moon, _ = store(history, user("Where is the moon?"), answer)
    sun, _ = store(history, user("Where is the sun?"))
    other, _ = store(history, user("Somebody else's question"), person=STRANGER)
    return [moon, sun, other]


Output = pytest.CaptureFixture[str]


def run(capsys: Output, *arguments: str) -> tuple[int, str, str]:
    code = main(["history", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_list_has_all_people_and_one_of_them(history: History, three: list[str], capsys: Output):
    code, out, _ = run(capsys, "list")
    assert code == 0 and len(out.splitlines()) == 3
    assert out.splitlines()[0].startswith(three[2][:8])
    assert STRANGER[:8] in out and "Where is the moon?" in out
    _, out, _ = run(capsys, "list", "--person", "aaaa")
    assert len(out.splitlines()) == 2 and "Somebody" not in out
    _, out, _ = run(capsys, "list", "--most", "1")
    assert len(out.splitlines()) == 1


def test_search(history: History, three: list[str], capsys: Output):
    code, out, _ = run(capsys, "search", "moon")
    assert code == 0 and out.startswith(three[0][:8]) and len(out.splitlines()) == 1
    code, out, err = run(capsys, "search", "nowhere")
    assert (code, out, err) == (1, "", "Nothing was found.\n")


def test_show_writes_nothing_that_a_terminal_obeys(
    history: History, three: list[str], capsys: Output
):
    code, out, _ = run(capsys, "show", three[0][:8])
    assert code == 0 and "## You\n\nWhere is the moon?" in out
    assert {"\x1b", "\x07", "\u202e"}.isdisjoint(out)


def test_export_and_import(history: History, three: list[str], capsys: Output, tmp_path: Path):
    code, _, err = run(capsys, "export")
    assert code == 0 and "3 conversations in " in err
    code, _, err = run(capsys, "export")
    assert code == 0 and (tmp_path / "conversations (2).zip").is_file()
    with zipfile.ZipFile(io.BytesIO((tmp_path / "conversations.zip").read_bytes())) as archive:
        assert len(json.loads(archive.read("conversations.json"))["conversations"]) == 3
    code, _, err = run(capsys, "export", three[0][:10], "--format", "markdown")
    assert code == 0 and "Where is the moon" in err
    code, _, err = run(capsys, "import", "conversations.zip")
    assert (code, err) == (0, "3 conversations imported.\n")
    assert history.catalog.count(terminal_person()) == 3
    code, _, _ = run(capsys, "import", "conversations.zip", "--person", "bbbb")
    assert code == 0 and history.catalog.count(STRANGER) == 4
    _, out, _ = run(capsys, "list", "--person", "terminal")
    assert len(out.splitlines()) == 3 and "terminal" in out


def test_delete(history: History, three: list[str], capsys: Output):
    code, _, err = run(capsys, "delete", three[0][:12], three[1])
    assert code == 0 and err.count("was deleted") == 2
    assert history.catalog.count(PERSON) == 0 and history.catalog.count(STRANGER) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "0000000000"), ("show", "x"), ("delete", "%%%%"), ("export", "____"),
        ("import", "missing.json"), ("import", ".", ), ("import", "bad.json"),
        ("import", "good.json", "--person", "ffff"), ("export", "--person", "ffff"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(
    history: History, three: list[str], capsys: Output, arguments: tuple[str, ...], tmp_path: Path
):
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "good.json").write_text('[{"role": "user", "content": "Hello"}]')
    code, out, err = run(capsys, *arguments)
    assert code == 1 and out == ""
    assert len(err.splitlines()) == 1 and "Traceback" not in err


def test_an_id_that_several_have(history: History, capsys: Output):
    for end in "ab":
        store(history, user("Hello"), id="feed" + end * 28)
    code, _, err = run(capsys, "delete", "feed")
    assert (code, err) == (1, "Several conversations begin with feed.\n")
    assert history.catalog.count(PERSON) == 2


def test_a_history_that_can_not_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
):
    (tmp_path / "data").write_text("no folder")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLM_DATA", str(tmp_path / "data"))
    code, out, err = run(capsys, "list")
    assert code == 1 and out == "" and len(err.splitlines()) == 1


def test_a_chat_goes_on(door: Door):
    def answer(body: dict[str, object]) -> Said:
        messages = body["messages"]
        assert isinstance(messages, list)
        asked = [each["content"] for each in messages if each["role"] == "user"]
        return Said(f"Heard {' and '.join(asked)}.")

    with ScriptedServer(answer) as server:
        door.environment |= {"GLM_MODEL": f"{server.url}#scripted"}
        nothing = door.run("chat", "--continue")
        assert nothing.code == 1 and "no conversation of this terminal" in nothing.err
        first = door.run("chat", told=b"one\n")
        assert "Heard one." in first.out
        gone = door.run("chat", "--temporary", told=b"secret\n")
        assert "Heard secret." in gone.out
        second = door.run("chat", "--continue", told=b"two\n")
        assert "Going on with: one" in second.err and "Heard one and two." in second.out
        listed = door.run("history", "list")
        assert len(listed.out.splitlines()) == 1 and "secret" not in listed.out
        shown = door.run("history", "show", listed.out[:8])
        assert "Heard one and two." in shown.out
