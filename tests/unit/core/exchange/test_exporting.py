"""Exports: what is in them, that others' Markdown and HTML stay words, and the written format."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import jsonschema
import nbformat
import pytest
from lxml import html as lxml_html

from app.core.exchange.exporting import export, file_name, of_person
from app.core.history.history import History
from backends.messages import Document, Message, Text, user
from tests.support.conversations import PERSON, STRANGER, WORKSPACE, store
from tools.base import Attachment, ToolCall, ToolResult

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads((ROOT / "assets/export-format.schema.json").read_text("utf-8"))
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> "
    "![pixel](https://evil.example/p.png) [run](javascript:alert(3)) "
    "[data](data:text/html,<script>alert(4)</script>) [site](https://ok.example/?a=1&b=2)"
)


def answer(text: str, *calls: ToolCall) -> Message:
    return Message("assistant", (Text(text),), calls=calls)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History.open(tmp_path / "history")


@pytest.fixture
def plotted(history: History) -> str:
    """A conversation with a file, code, a figure and two branches."""
    given = Document(WORKSPACE / "table.csv", "text/csv", "table.csv", 7)
    call = ToolCall("c1", "python", json.dumps({"code": "print(1)"}))
    figure = Attachment("plot.png", "image/png", WORKSPACE / "plot.png")
    page_only = Attachment("step", "application/x", WORKSPACE / ".browser" / "step.json")
    result = ToolResult("c1", "python", "1\n", attachments=(figure, page_only))
    id, (asked, *_) = store(
        history,
        Message("user", (given, Text("Plot *it*"))),
        answer("The first", call),
        Message("tool", result=result),
        answer("Done: $x^2$ **bold**"),
        files={"table.csv": b"a,b\n1,2", "plot.png": PNG},
    )
    store(history, answer("Another answer"), after=asked, id=id)
    history.set_head(PERSON, id, history.load(PERSON, id).rows[3].id)  # type: ignore[union-attr]
    return id


def exported(history: History, id: str, format: str) -> bytes:
    made = export(history, [(PERSON, id)], format)  # type: ignore[arg-type]
    assert made is not None
    return b"".join(made.pieces)


def test_markdown_has_the_shown_branch(history: History, plotted: str):
    text = exported(history, plotted, "markdown").decode()
    assert text.startswith("# Plot \\*it\\*\n")
    assert text.count("## You") == text.count("## Assistant") == 1
    assert "```python\nprint(1)\n```" in text
    assert "*Files: table.csv*" in text
    assert "Another answer" not in text


def test_html_has_figures_inside_and_the_answer_as_markdown(history: History, plotted: str):
    text = exported(history, plotted, "html").decode()
    page = lxml_html.fromstring(text)
    assert [image.get("src") for image in page.iter("img")] == [
        "data:image/png;base64," + base64.b64encode(PNG).decode()
    ]
    assert page.find(".//strong").text == "bold"  # type: ignore[union-attr]
    assert "$x^2$" in text and "Plot *it*" in text and "Another answer" not in text
    assert str(WORKSPACE) not in text


def test_nothing_in_html_runs_or_is_fetched(history: History):
    call = ToolCall("c", HOSTILE, HOSTILE)
    result = ToolResult("c", "f", HOSTILE, attachments=(Attachment(HOSTILE, "x/y", WORKSPACE),))
    id, _ = store(
        history,
        Message("user", (Document(WORKSPACE / "x", "a", HOSTILE), Text(HOSTILE))),
        Message("assistant", (Text(HOSTILE),), HOSTILE, (call,), error=HOSTILE),
        Message("tool", result=result),
    )
    history.rename(PERSON, id, HOSTILE)
    page = lxml_html.fromstring(exported(history, id, "html").decode())
    assert {each.tag for each in page.iter() if isinstance(each.tag, str)}.isdisjoint(
        {"script", "img", "iframe", "object", "link", "form", "svg", "base"}
    )
    attributes = [(name, value) for each in page.iter() for name, value in each.attrib.items()]
    assert [name for name, _ in attributes if name.startswith("on")] == []
    assert {value for name, value in attributes if name in ("href", "src")} == {
        "https://ok.example/?a=1&b=2",
        "https://evil.example/p.png",  # a link in place of the picture
    }
    policy = page.xpath("//meta[@http-equiv]/@content")[0]
    assert policy.startswith("default-src 'none'; img-src data:")


@pytest.mark.parametrize("text", ["> " * 5_000 + "end", "[" * 5_000 + "end", "*" * 5_000 + "end"])
def test_deeply_nested_markdown_is_not_lost(history: History, text: str):
    id, _ = store(history, user("Go"), answer(text))
    assert "end" in exported(history, id, "html").decode()


def test_a_list_of_a_hundred_levels_is_rendered_to_its_end(history: History):
    text = "\n".join(" " * (2 * level) + f"- level{level}" for level in range(90))
    id, _ = store(history, user("Go"), answer(text))
    assert "level89" in exported(history, id, "html").decode()


def test_a_notebook_is_one(history: History, plotted: str):
    book = nbformat.reads(exported(history, plotted, "ipynb").decode(), as_version=4)
    nbformat.validate(book)
    assert [cell.source for cell in book.cells if cell.cell_type == "code"] == ["print(1)"]


@pytest.mark.parametrize("format", ["json", "zip"])
def test_json_follows_its_schema_and_has_all_branches(history: History, plotted: str, format: str):
    data = exported(history, plotted, format)
    if format == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            data = archive.read("conversations.json")
            assert archive.read("files/1/workspace/plot.png") == PNG
    written = json.loads(data)
    jsonschema.validate(written, SCHEMA)
    conversation = written["conversations"][0]
    assert len(conversation["messages"]) == 5
    assert len(conversation["files"]) == (2 if format == "zip" else 0)


def test_the_example_in_the_handbook_follows_the_schema():
    page = (ROOT / "assets/handbook/export-format.md").read_text("utf-8")
    example = page.partition("## JSON, version 1\n")[2].partition("\nTimes are")[0]
    jsonschema.validate(json.loads(example), SCHEMA)


def test_all_conversations_in_one_file(history: History, plotted: str):
    store(history, user("Plot it"), answer("Again"))
    history.rename(PERSON, plotted, "Plot it")
    store(history, user("Somebody else's"), person=STRANGER)
    wanted = of_person(history, PERSON)
    assert len(wanted) == 2
    for format, ending in (("markdown", "md"), ("html", "html"), ("ipynb", "ipynb")):
        made = export(history, wanted, format)  # type: ignore[arg-type]
        assert made is not None and made.name == "conversations.zip"
        with zipfile.ZipFile(io.BytesIO(b"".join(made.pieces))) as archive:
            assert sorted(archive.namelist()) == [
                f"0001 Plot it.{ending}",
                f"0002 Plot it.{ending}",
            ]
    made = export(history, wanted, "json")
    assert made is not None
    written = json.loads(b"".join(made.pieces))
    jsonschema.validate(written, SCHEMA)
    assert len(written["conversations"]) == 2
    empty = export(history, [], "json")
    assert empty is not None and json.loads(b"".join(empty.pieces))["conversations"] == []


def test_somebody_elses_and_a_deleted_conversation_is_none(history: History, plotted: str):
    assert export(history, [(STRANGER, plotted)], "json") is None
    history.delete(PERSON, plotted)
    assert export(history, [(PERSON, plotted)], "html") is None


def test_a_title_is_no_path(history: History):
    id, _ = store(history, user("../../etc/passwd \u202e" + "long " * 50))
    entry = history.catalog.entry(PERSON, id)
    assert entry is not None
    assert "/" not in file_name(entry) and len(file_name(entry).encode()) <= 80
    assert not file_name(entry).startswith(".")
