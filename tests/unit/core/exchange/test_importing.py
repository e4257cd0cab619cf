"""Imports: each format there and back, and files that were made to do harm."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.core.exchange.exporting import export, of_person
from app.core.exchange.imports import archive, worker
from app.core.exchange.imports.importing import Imported, import_file
from app.core.history.history import History
from app.core.history.message_json import from_json
from app.core.people.limits import LimitReached
from app.core.sessions.recorder import roots_of
from backends.messages import Document, Message, Picture, Text, user
from tests.support.conversations import PERSON, STRANGER, WORKSPACE, store
from tools.base import Attachment, ToolCall, ToolResult

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History.open(tmp_path / "history")


class Importer:
    """Imports what it is given as a file, and reads what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = History.open(folder / "imported")

    def __call__(self, content: Any, name: str = "file") -> Imported:
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return import_file(self.history, PERSON, path)

    def messages(self, id: str) -> list[Message]:
        """All messages of a conversation in the order of writing."""
        stored = self.history.load(PERSON, id)
        assert stored is not None
        return [from_json(json.loads(row.body), roots_of(WORKSPACE)) for row in stored.rows]

    def texts(self, id: str) -> list[str]:
        return [message.text for message in self.messages(id)]

    def title(self, id: str) -> str:
        entry = self.history.catalog.entry(PERSON, id)
        assert entry is not None
        return entry.title


@pytest.fixture
def take(tmp_path: Path) -> Importer:
    return Importer(tmp_path)


def zipped(**files: bytes) -> bytes:
    return zipped_names({name.replace("__", "."): data for name, data in files.items()})


def zipped_names(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return made.getvalue()


def ours(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    conversation = {"mode": "chat", "messages": list(messages), **more}
    return {"format": "glm-all-tools", "version": 1, "conversations": [conversation]}


def said(id: str, text: str, parent: str | None = None, role: str = "user") -> dict[str, Any]:
    part = {"type": "text", "text": text}
    return {"id": id, "parent": parent, "role": role, "parts": [part]}


def gpt(nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"title": "From ChatGPT", "create_time": 1.7e9, "mapping": nodes, **more}


def node(
    parent: str | None, *children: str, role: str = "", parts: Any = (), **message: Any
) -> dict[str, Any]:
    content = {"content_type": "text", "parts": list(parts)}
    told = {"author": {"role": role}, "content": content, "create_time": 1.7e9, **message}
    return {"parent": parent, "children": [*children], "message": told if role else None}


# -- our own ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["json", "zip"])
def test_an_export_comes_back_with_its_branches(history: History, take: Importer, format: str):
    call = ToolCall("c1", "python", '{"code": "1"}')
    made = Attachment("plot.png", "image/png", WORKSPACE / "plot.png")
    id, (asked, *_) = store(
        history,
        Message("user", (Document(WORKSPACE / "a.csv", "text/csv", "a.csv", 3), Text("Plot"))),
        Message("assistant", (Text("So"),), "thought", (call,)),
        Message("tool", result=ToolResult("c1", "python", "1", attachments=(made,))),
        Message("assistant", (Text("Done"),)),
        files={"a.csv": b"a,b", "plot.png": PNG},
    )
    store(history, Message("assistant", (Text("Other"),)), after=asked, id=id)
    history.rename(PERSON, id, "A plot")
    history.pin(PERSON, id, True)
    written = export(history, [(PERSON, id)], format)  # type: ignore[arg-type]
    assert written is not None
    done = take(b"".join(written.pieces))
    assert (len(done.ids), done.problems) == (1, ())
    old, new = history.load(PERSON, id), take.history.load(PERSON, done.ids[0])
    assert old is not None and new is not None
    assert new.entry.title == "A plot" and new.entry.pinned and new.entry.mode == "tools"
    assert abs(new.entry.created - old.entry.created) < 1
    assert take.messages(done.ids[0]) == [
        from_json(json.loads(row.body), roots_of(WORKSPACE)) for row in old.rows
    ]
    assert {row.id for row in new.rows}.isdisjoint(row.id for row in old.rows)
    assert [len(new.tree.path(row.id)) for row in new.rows] == [1, 2, 3, 4, 2]
    assert new.head == new.rows[-1].id
    if format == "zip":
        assert new.files == old.files
        digest = new.files["workspace", "plot.png"]
        assert take.history.blobs.path(digest).read_bytes() == PNG
    else:
        assert new.files == {}


def test_all_of_a_person_comes_back(history: History, take: Importer):
    for number in range(30):
        store(history, user(f"Question {number}"), Message("assistant", (Text("Yes"),)))
    written = export(history, of_person(history, PERSON), "zip")
    assert written is not None
    done = take(b"".join(written.pieces))
    assert len(done.ids) == 30 and done.problems == ()
    assert take.history.catalog.search(PERSON, "question 17")
    assert take.history.catalog.count(STRANGER) == 0


def test_the_same_file_twice_makes_two_conversations(take: Importer):
    file = ours(said("a", "Hello"), id="known")
    first, second = take(file), take(file)
    assert first.ids != second.ids and take.history.catalog.count(PERSON) == 2


def test_ids_that_are_there_twice(take: Importer):
    done = take(ours(said("a", "One"), said("a", "Two"), said("b", "Below", "a", "assistant")))
    stored = take.history.load(PERSON, done.ids[0])
    assert stored is not None and take.texts(done.ids[0]) == ["One", "Two", "Below"]
    assert stored.rows[2].parent == stored.rows[0].id


def test_a_parent_that_is_not_there(take: Importer):
    done = take(ours(said("b", "Alone", "nowhere"), said("a", "First")))
    assert take.texts(done.ids[0]) == ["Alone", "First"]


def test_paths_for_names(take: Importer, tmp_path: Path):
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    evil = [
        "../../etc/passwd",
        "/etc/passwd",
        str(outside),
        "a/../../b",
        "..",
        "",
        "a\0b",
        "\\..\\x",
    ]
    files = [
        {"root": root, "path": path, "archived": name}
        for root in ("workspace", "..", "/etc")
        for path in evil
        for name in ("files/x", "../../etc/passwd", str(outside))
    ]
    message = said("a", "Hello")
    message["parts"] += [
        {"type": kind, "root": root, "path": path, "mime": "text/plain", "name": path}
        for kind in ("document", "picture")
        for root in ("workspace", "..", "/")
        for path in evil
    ]
    inside = {"conversations.json": json.dumps(ours(message, files=files)).encode()}
    done = take(zipped_names({**inside, "files/x": b"x", "../../etc/passwd": b"y"}))
    stored = take.history.load(PERSON, done.ids[0])
    assert stored is not None
    assert {path for _, path in stored.files} <= {"\\..\\x"}
    folder = WORKSPACE.parent
    for part in take.messages(done.ids[0])[0].attached:
        assert ".." not in part.path.parts
        assert part.path.is_relative_to(folder / WORKSPACE.name)
    assert b"secret" not in b"".join(
        path.read_bytes() for path in take.history.blobs.folder.rglob("*") if path.is_file()
    )


def test_a_picture_that_is_none(take: Importer):
    files = [
        {"root": "pictures", "path": "a.png", "archived": "files/bad"},
        {"root": "pictures", "path": "b.png", "archived": "files/good"},
    ]
    inside = json.dumps(ours(said("a", "Hello"), files=files)).encode()
    done = take(
        zipped_names({"conversations.json": inside, "files/bad": b"<svg>", "files/good": PNG})
    )
    stored = take.history.load(PERSON, done.ids[0])
    assert stored is not None and {*stored.files} == {("pictures", "b.png")}


def test_html_and_scripts_stay_words(take: Importer):
    done = take(ours(said("a", HOSTILE), title=HOSTILE))
    assert take.texts(done.ids[0]) == [HOSTILE] and take.title(done.ids[0]) == HOSTILE


def test_a_title_of_ten_thousand_characters(take: Importer):
    done = take(ours(said("a", "Hello"), title="long \n" * 2_000))
    assert len(take.title(done.ids[0])) <= 200 and "\n" not in take.title(done.ids[0])


def test_settings_that_no_page_could_draw_are_left_out(take: Importer):
    values = {
        "temperature": "hot",
        "top_p": 0.5,
        "max_tokens": 10**30,
        "system": "Be brief",
        "x": 1,
    }
    done = take(ours(said("a", "Hello"), settings={"values": values, "off": ["browser", 3]}))
    stored = take.history.load(PERSON, done.ids[0])
    assert stored is not None
    assert stored.choices == {"values": {"top_p": 0.5, "system": "Be brief"}, "off": ["browser"]}


def test_a_newer_version_and_another_format(take: Importer):
    assert take({**ours(), "version": 2}).problems == (
        "The file was written by a newer version of this app.",
    )
    assert take({**ours(), "format": "other"}).problems == (
        "The file is of a format that can't be imported.",
    )


# -- ChatGPT's -------------------------------------------------------------------------------------


TREE = {
    "root": node(None, "s"),
    "s": node("root", "q", role="system", parts=[""]),
    "q": node("s", "a1", "a2", role="user", parts=["What is it?"]),
    "a2": node("q", "q3", role="assistant", parts=["Second"]),
    "a1": node("q", role="assistant", parts=["First"]),
    "q3": node("a2", "c", role="user", parts=["Compute"]),
    "c": node("q3", "r", role="assistant", recipient="python",
              content={"content_type": "code", "text": "1+1"}),
    "r": node("c", "t", role="tool", content={"content_type": "execution_output", "text": "2"}),
    "t": node("r", "e", role="assistant",
              content={"content_type": "thoughts", "thoughts": [{"content": "Two, then"}]}),
    "e": node("t", role="assistant", parts=["It is 2"]),
}  # fmt: skip


def test_a_tree_of_chatgpt_keeps_its_branches(take: Importer):
    done = take([gpt(TREE, current_node="a1"), gpt(TREE, current_node="e")])
    assert len(done.ids) == 2 and done.problems == ()
    stored = take.history.load(PERSON, done.ids[1])
    assert stored is not None and stored.entry.title == "From ChatGPT"
    assert stored.entry.mode == "tools" and stored.entry.created == 1.7e9
    by_id = dict(zip((row.id for row in stored.rows), take.messages(done.ids[1]), strict=True))
    shown = [by_id[id] for id in stored.tree.path(stored.head)]
    assert [message.text for message in shown] == [
        "What is it?", "Second", "Compute", "", "", "It is 2"
    ]  # fmt: skip
    assert shown[3].calls[0].arguments() == {"code": "1+1"}
    assert shown[4].result is not None and shown[4].result.text == "2"
    assert shown[5].reasoning == "Two, then"
    first = take.history.load(PERSON, done.ids[0])
    assert first is not None and len(first.tree.path(first.head)) == 2
    siblings = first.tree.siblings(first.head or "")
    assert [first.rows[0].id] != siblings and len(siblings) == 2


def test_attachments_of_chatgpt_come_along_or_are_named(take: Importer):
    parts = [
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-AAA"},
        {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_gone"},
        "See these",
    ]
    attachments = [{"id": "file-BBB", "name": "notes.txt"}, {"id": "file-CCC", "name": "lost.pdf"}]
    tree = {"q": node(None, role="user", parts=parts, metadata={"attachments": attachments})}
    done = take(
        zipped_names(
            {
                "export/conversations.json": json.dumps([gpt(tree)]).encode(),
                "export/file-AAA-photo.png": PNG,
                "export/file-BBB-notes.txt": b"notes",
            }
        )
    )
    (message,) = take.messages(done.ids[0])
    assert [type(part) for part in message.attached] == [Document, Picture]
    assert message.text == (
        "[file lost.pdf: not in the import]\n[picture file_gone: not in the import]\nSee these"
    )
    stored = take.history.load(PERSON, done.ids[0])
    assert stored is not None and len(stored.files) == 2


def test_a_circle_is_left_out_and_the_rest_comes_in(take: Importer):
    circle = {
        "a": node("b", "b", role="user", parts=["A"]),
        "b": node("a", "a", role="user", parts=["B"]),
    }
    itself = {"a": node("a", "a", role="user", parts=["A"])}
    done = take([gpt(circle), gpt(TREE), gpt(itself)])
    assert len(done.ids) == 1
    assert done.problems == (
        "“From ChatGPT” was left out: its messages form a circle.",
    ) * 2  # fmt: skip


ODD: list[Any] = [None, True, 0, -1, 1e308, 10**400, "", "x", [], [[]], {}, {"a": None}, [None, 1]]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:12])
def test_wrong_types_everywhere(take: Importer, odd: Any):
    good = node(None, role="user", parts=["Hello"])
    told = good["message"]
    trees: list[Any] = [
        odd,
        gpt(odd),
        gpt({"q": odd}),
        *(gpt({"q": {**good, name: odd}}) for name in ("parent", "children", "message")),
        *(
            gpt({"q": {**good, "message": {**told, name: odd}}})
            for name in ("author", "content", "create_time", "metadata", "recipient")
        ),
        gpt({"q": node(None, role="user", parts=[odd, "Hello"])}),
        *({**gpt({"q": good}), name: odd} for name in ("title", "create_time", "current_node")),
        gpt(TREE),
    ]
    done = take([gpt({"q": good}), *trees])
    assert len(done.ids) >= 2
    message = said("a", "Hello")
    (whole,) = ours(message)["conversations"]
    mine = [
        {**whole, "messages": [{**message, name: odd}]}
        for name in ("id", "parent", "role", "parts", "created", "calls", "result", "usage")
    ]
    mine += [
        {**whole, name: odd}
        for name in ("mode", "title", "pinned", "created", "head", "settings", "files", "messages")
    ]
    assert take({**ours(), "conversations": [odd, *mine, whole]}).ids
    lines = [{"messages": odd}, {"messages": [odd]}, odd, {"role": odd}]
    for name in ("content", "tool_calls", "tool_call_id", "name", "function_call"):
        lines.append({"messages": [{"role": "assistant", name: odd}, {"role": "tool", name: odd}]})
    lines.append({"messages": [{"role": "user", "content": "Hello"}]})
    assert take("\n".join(map(json.dumps, lines))).ids
    for id in [entry.id for entry in take.history.catalog.listed(PERSON, 1000)]:
        take.messages(id)


# -- OpenAI's --------------------------------------------------------------------------------------


def test_a_conversation_a_line(take: Importer):
    picture = {"url": "data:image/png;base64," + base64.b64encode(PNG).decode()}
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    lines = [
        {
            "messages": [
                {"role": "system", "content": "Be brief"},
                {"role": "user", "content": "Hi"},
            ]
        },
        {
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "See"}, {"type": "image_url", "image_url": picture},
                    {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
                ]},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": "2"},
                {"role": "tool", "tool_call_id": "nobody's", "content": "lost"},
                {"role": "assistant", "content": "It is 2"},
            ]
        },
    ]  # fmt: skip
    done = take("\n".join(map(json.dumps, lines)) + "\n{broken\n", "messages.jsonl")
    assert len(done.ids) == 2
    assert done.problems == ("A line was left out: it is no message.",)
    brief = take.history.load(PERSON, done.ids[0])
    assert brief is not None and brief.choices["values"] == {"system": "Be brief"}
    messages = take.messages(done.ids[1])
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant"]
    assert len(messages[0].pictures) == 1 and "x.example" in messages[0].text
    assert messages[2].result is not None and messages[2].result.name == "add"


def test_a_message_a_line(take: Importer):
    lines = [
        {"role": "user", "content": "Line one\u2028still one"},
        {"role": "assistant", "content": "Two"},
    ]
    done = take("\r\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
    assert take.texts(done.ids[0]) == ["Line one\u2028still one", "Two"]
    assert take(lines).ids and take({"messages": lines}).ids


# -- too much, and too little ----------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 10, 100, 5_000, 9_999])
def test_cut_short(take: Importer, cut: int):
    whole = json.dumps([gpt(TREE)] * 100).encode()
    done = take(whole[: len(whole) * cut // 10_000])
    assert done.problems[-1] in (archive.DAMAGED, archive.NO_CONVERSATIONS)
    assert abs(len(done.ids) - cut / 100) <= 1
    made = zipped_names({"conversations.json": whole})
    assert take(made[: len(made) * cut // 10_000]).problems[-1] in (
        archive.DAMAGED, archive.NO_CONVERSATIONS
    )  # fmt: skip


@pytest.mark.parametrize(
    "content", [b"", b"   ", b"[]", b"\x89PNG\r\n", b"hello", b"\xff\xfe", b"{}"]
)
def test_what_is_no_export(take: Importer, content: bytes):
    done = take(content)
    assert done.ids == () and len(done.problems) == 1


def test_an_archive_without_conversations(take: Importer):
    assert take(zipped_names({"a.txt": b"x"})).problems == (
        "The archive has no conversations.json.",
    )


def test_json_that_is_nested_too_deeply(take: Importer):
    assert take("[" * 200_000).problems == ("The file is nested too deeply.",)
    done = take('{"format": "glm-all-tools", "version": 1, "conversations": [' + '{"a":' * 200_000)
    assert done.problems == ("The file is nested too deeply.",)


def test_a_bomb_in_an_archive(take: Importer):
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("conversations.json", "w") as member,
    ):
        for _ in range(archive.MAX_JSON_BYTES // 1_000_000 + 1):
            member.write(b" " * 1_000_000)
    assert len(made.getvalue()) < 1_000_000
    assert take(made.getvalue()).problems == ("The conversations have more than 200 MB of JSON.",)


def test_a_bomb_among_the_files(take: Importer, monkeypatch: pytest.MonkeyPatch):
    names = [f"files/{number}" for number in range(20)]
    files = [{"root": "workspace", "path": name, "archived": name} for name in names]
    inside = {"conversations.json": json.dumps(ours(said("a", "Hello"), files=files)).encode()}
    path = take.folder / "bomb.zip"
    path.write_bytes(zipped_names(inside | dict.fromkeys(names, bytes(1_000_000))))
    assert [len(draft.files) for draft in worker.drafts(path, take.history.blobs)] == [20]  # type: ignore[union-attr]
    monkeypatch.setattr(archive, "MAX_FILES_BYTES", 10_000_000)
    (problem,) = worker.drafts(path, take.history.blobs)
    assert str(problem) == "The files in the archive unpack to more than 10 MB."


def test_one_file_in_many_conversations_is_read_once(take: Importer):
    files = [{"root": "workspace", "path": f"{n}", "archived": "files/big"} for n in range(2_000)]
    inside = json.dumps(ours(said("a", "Hello"), files=files)).encode()
    done = take(zipped_names({"conversations.json": inside, "files/big": bytes(1_000_000)}))
    stored = take.history.load(PERSON, done.ids[0])
    assert stored is not None and len(stored.files) == 2_000


def test_a_hundred_thousand_messages_in_one_conversation(take: Importer):
    nodes = {
        str(n): node(str(n - 1) if n else None, str(n + 1), role="user", parts=["x"])
        for n in range(100_000)
    }
    done = take([gpt(nodes), gpt(TREE)])
    assert len(done.ids) == 1
    assert done.problems == (
        "“From ChatGPT” has 100,000 messages; 20,000 can be imported.",
    )  # fmt: skip


def test_three_thousand_messages_one_below_the_other(take: Importer):
    nodes = {
        str(n): node(str(n - 1) if n else None, str(n + 1), role="user", parts=[f"x{n}"])
        for n in reversed(range(3_000))
    }
    done = take([gpt(nodes)])
    stored = take.history.load(PERSON, done.ids[0])
    assert stored is not None and len(stored.tree.path(stored.rows[-1].id)) == 3_000


def test_a_limit_ends_an_import_and_old_ones_may_count_as_new(take: Importer):
    path = take.folder / "file"
    path.write_text(json.dumps([gpt(TREE)] * 5))
    left = [None, None, LimitReached("This server keeps 2 conversations for you.")]

    def may_keep() -> None:
        if (reached := left.pop(0)) is not None:
            raise reached

    done = import_file(take.history, PERSON, path, may_keep=may_keep, fresh=True)
    assert len(done.ids) == 2 == take.history.catalog.count(PERSON)
    assert done.problems == ("This server keeps 2 conversations for you.",)
    take.history.purge(older_than_days=1)
    assert take.history.catalog.count(PERSON) == 2


def test_a_reader_that_dies_is_one_sentence(take: Importer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.core.exchange.imports.importing.WORKER", "no.such.module")
    done = take([gpt(TREE)])
    assert done.ids == () and done.problems[0].startswith("The file made its reader fail")
