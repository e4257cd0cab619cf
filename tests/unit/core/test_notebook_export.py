"""A conversation as a notebook: valid, faithful, and it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from app.core.attachments.uploads import user_message
from app.core.rendering.notebook_export import SANDBOX_FOLDER, has_code, notebook
from backends.messages import Document, Message, Text, user
from tools.base import ToolCall, ToolContext, ToolResult
from tools.python import PythonTool


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def tool(workspace: Path) -> Iterator[PythonTool]:
    tool = PythonTool(workspace)
    yield tool
    tool.close()


def exchange(
    tool: PythonTool, id: str, code: str, folder: Path | None = None
) -> tuple[Message, Message]:
    """A call as a model makes it, and its real result; `folder` is run in place of the sandbox's
    own."""
    call = ToolCall(id, "python", code, raw="code")
    ran = replace(call, input=code.replace(SANDBOX_FOLDER, str(folder)) if folder else code)
    result = tool.run(ran, ToolContext(Path()))
    return Message("assistant", calls=(call,)), Message("tool", result=result)


def cells(messages: tuple[Message, ...]) -> list[Any]:
    book = nbformat.reads(notebook(messages).decode(), 4)
    nbformat.validate(book)
    found: list[Any] = book.cells
    return found


def run(messages: tuple[Message, ...], folder: Path) -> Any:
    book = nbformat.reads(notebook(messages).decode(), 4)
    client = nbclient.NotebookClient(
        book, timeout=120, resources={"metadata": {"path": str(folder)}}
    )
    return client.execute()


def test_a_conversation_becomes_a_notebook_that_runs(
    tool: PythonTool, workspace: Path, tmp_path: Path
) -> None:
    (workspace / "销售.csv").write_text("city,n\nKöln,3\n北京,5\n")
    given = Document(workspace / "销售.csv", "text/csv", "销售.csv", 27)
    code = (
        "```python\nimport pandas as pd, matplotlib.pyplot as plt\n"
        "df = pd.read_csv('/mnt/data/销售.csv')\nprint('read')\ndf\n```"
    )
    plot = "plt.bar(df.city, df.n); plt.show()\nprint('drawn')\ndf.to_csv('/mnt/data/out.csv')"
    messages = (
        user_message("Plot *this*, please:\n# now", [given]),
        *exchange(tool, "1", code, workspace),
        Message("assistant", (Text("I **draw** it."),)),
        *exchange(tool, "2", plot, workspace),
    )
    preface, question, one, words, two = cells(messages)
    assert "- 销售.csv (27 bytes)" in preface.source
    assert question.source.splitlines()[1] == "> Plot \\*this\\*, please:  "
    assert words.source == "I **draw** it."
    assert one.source == (
        "import pandas as pd, matplotlib.pyplot as plt\n"
        "df = pd.read_csv('./销售.csv')\nprint('read')\ndf"
    )
    printed, frame = one.outputs
    assert (printed.output_type, printed.text) == ("stream", "read\n")
    assert "<td>北京</td><td>5</td>" in frame.data["text/html"]
    assert "1    北京  5" in frame.data["text/plain"]
    figure, after = two.outputs
    width = figure.metadata["image/png"]["width"]
    assert 400 < width < 700 and figure.data["image/png"].startswith("iVBOR")
    assert after.text == "drawn\n[file out.csv: 29 bytes]\n"

    (tmp_path / "销售.csv").write_bytes((workspace / "销售.csv").read_bytes())
    executed = run(messages, tmp_path)
    assert "北京" in executed.cells[2].outputs[-1].data["text/plain"]
    assert (tmp_path / "out.csv").is_file()


def test_code_that_failed_does_not_end_the_run(tool: PythonTool, tmp_path: Path) -> None:
    messages = (
        user("divide"),
        *exchange(tool, "1", "1 / 0"),
        *exchange(tool, "2", "print('on')"),
    )
    _, _, failed, _ = cells(messages)
    assert "ZeroDivisionError" in failed.outputs[0].text
    executed = run(messages, tmp_path)
    assert executed.cells[3].outputs[0].text == "on\n"


def test_charts_and_formulas_are_outputs(tool: PythonTool) -> None:
    messages = exchange(
        tool,
        "1",
        "import plotly.graph_objects as go, altair as alt, sympy as sp\n"
        "print('a')\ngo.Figure(go.Bar(y=[1])).show()\nprint('b')\n"
        "display(alt.Chart(alt.Data(values=[{'x': 1}])).mark_bar())\nsp.Symbol('x') ** 2",
    )
    _, cell = cells(messages)
    kinds = [each.get("text") or sorted(each.data)[0] for each in cell.outputs]
    assert kinds == [
        "a\n",
        "application/vnd.plotly.v1+json",
        "b\n",
        "application/vnd.vegalite.v6+json",
        "x**2\n",
        "text/latex",
    ]
    assert cell.outputs[-1].data["text/latex"] == "$\\displaystyle x^{2}$"


def test_what_is_no_python_is_words(tool: PythonTool) -> None:
    call = ToolCall("same", "convert_units", '{"amount": 1}')
    fence = ToolCall("same", "we`ird", "```")
    messages = (
        Message("assistant", calls=(call, fence)),
        Message("tool", result=ToolResult("same", "convert_units", "1.6 km")),
        Message("tool", result=ToolResult("same", "we`ird", "second")),
    )
    assert not has_code(messages)
    _, one, other = cells(messages)
    assert one.source == '**convert\\_units**\n\n```\n{"amount": 1}\n```\n\n```\n1.6 km\n```'
    assert other.source == "**we\\`ird**\n\n````\n```\n````\n\n```\nsecond\n```"
    assert has_code(exchange(tool, "1", "1"))


def test_a_call_whose_figure_is_gone_or_a_link_keeps_its_text(
    tool: PythonTool, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG secret")
    messages = exchange(tool, "1", "from PIL import Image\nImage.new('L', (3, 2))")
    result = messages[1].result
    assert result is not None
    path = result.attachments[0].path
    path.unlink()
    path.symlink_to(secret)
    _, cell = cells(messages)
    assert [each.output_type for each in cell.outputs] == ["stream"]
    assert "3x2]" in cell.outputs[0].text


def test_an_empty_conversation_has_no_code() -> None:
    assert not has_code((user("hi"), Message("assistant", (Text("python"),))))
