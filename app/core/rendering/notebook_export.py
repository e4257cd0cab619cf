"""A conversation as a Jupyter notebook: its code, the outputs, and the texts."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.rendering.charts import drawable_chart, formula
from app.core.rendering.tables import Table, displayed_table
from backends.messages import Document, Message
from tools.base import Attachment, ToolCall, ToolError, ToolResult, file_size
from tools.documents.readers.layout.fences import fenced
from tools.media import (
    LATEX,
    PICTURES,
    PLOTLY,
    SHARP,
    TABLE,
    VEGA_LITE,
    PictureRefused,
    picture_size,
)
from tools.safe_files import read_regular

MAX_NOTEBOOK_BYTES = 64_000_000  # pictures and charts in one notebook; further ones are left out
SANDBOX_FOLDER = "/mnt/data"
"""The working directory in the sandbox; code often has its path."""
FILE_NAME = "conversation.ipynb"
MIME = "application/x-ipynb+json"
# The version of altair and Streamlit, which Jupyter needs to draw the chart.
_VEGA_LITE_IN_JUPYTER = "application/vnd.vegalite.v6+json"


def has_code(messages: Sequence[Message]) -> bool:
    """Whether the conversation has a Python call, and so a notebook."""
    return any(call.name == "python" for message in messages for call in message.calls)


def notebook(messages: Sequence[Message]) -> bytes:
    """The conversation in the notebook format 4.5 (nbformat.readthedocs.io): the Python as code
    cells with its outputs; messages and calls of other tools as Markdown."""
    results = CallResults(messages)
    cells = [_markdown(_preface(messages))]
    for message in messages:
        if message.role == "user":
            cells.append(_markdown(_quoted(message.prompt)))
        elif message.role == "assistant":
            if message.text.strip():
                cells.append(_markdown(message.text.strip()))
            cells += [_cell(call, results.of(call)) for call in message.calls]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "cells": [{"id": f"cell-{index}", **cell} for index, cell in enumerate(cells)],
    }
    return json.dumps(book, indent=1).encode()


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


class CallResults:
    """The calls' results, each returned once: some servers give two calls the same id."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._waiting: dict[str, list[ToolResult]] = {}
        for message in messages:
            if message.result is not None:
                self._waiting.setdefault(message.result.call_id, []).append(message.result)

    def of(self, call: ToolCall) -> ToolResult | None:
        """The call's result, None where there is none."""
        waiting = self._waiting.get(call.id)
        return waiting.pop(0) if waiting else None


def _preface(messages: Sequence[Message]) -> str:
    lines = ["# A conversation with GLM All Tools"]
    files = [document for message in messages for document in message.documents]
    if files:
        lines += ["", "The code reads these files. Put them beside this notebook:", ""]
        lines += [f"- {plain(each.name)} ({file_size(each.size)})" for each in _distinct(files)]
    return "\n".join(lines)


def _distinct(documents: Sequence[Document]) -> list[Document]:
    return list({document.path: document for document in documents}.values())


def _cell(call: ToolCall, result: ToolResult | None) -> dict[str, Any]:
    if call.name != "python":
        return _markdown(_other_call(call, result))
    code = code_of(call)
    failed = result is not None and result.error is not None
    return {
        "cell_type": "code",
        # "Run all" continues after the exception, as the conversation did.
        "metadata": {"tags": ["raises-exception"]} if failed else {},
        "execution_count": None,
        "source": code.replace(SANDBOX_FOLDER, "."),
        "outputs": list(_outputs(result)) if result is not None else [],
    }


def code_of(call: ToolCall) -> str:
    """The code of a Python call."""
    from tools.python.tool import unfence

    try:
        return unfence(str(call.arguments().get("code", "")))
    except ToolError:
        return call.input


def _outputs(result: ToolResult) -> Iterator[dict[str, Any]]:
    """The text with the displays at their positions; displays without one follow it."""
    text, placeless, room = result.text.rstrip("\n") + "\n", [], MAX_NOTEBOOK_BYTES
    for attachment in result.attachments:
        try:
            data = read_regular(attachment.path, room) if attachment.inline else b""
        except OSError:
            continue
        room -= len(data)
        shown = _shown(attachment, data) if data else None
        if shown is None:
            continue
        output = {"output_type": "display_data", "data": shown.data, "metadata": shown.metadata}
        place = re.search(shown.place, text) if shown.place else None
        if place is None:
            placeless.append(output)
            continue
        yield from _stream(text[: place.start()])
        yield output
        text = text[place.end() :]
    yield from _stream(text)
    yield from placeless


def _stream(text: str) -> list[dict[str, Any]]:
    content = {"output_type": "stream", "name": "stdout", "text": text}
    return [content] if text.strip() else []


@dataclass(frozen=True)
class _Shown:
    """A display's data by MIME type; `place` is a pattern of the line that represents it in the
    text."""

    data: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    place: str = ""


def _shown(attachment: Attachment, data: bytes) -> _Shown | None:
    """The display for Jupyter, None for a type that it can't draw."""
    name = attachment.path.stem.removesuffix(SHARP)
    place = rf"^\[{re.escape(name.replace('-', ' '))}: .*\]\n"
    if attachment.mime in PICTURES:
        try:
            mime, width, height = picture_size(data)
        except PictureRefused:
            return None
        size = {"width": width // 2, "height": height // 2}
        sharp = {mime: size} if attachment.path.stem.endswith(SHARP) else {}
        return _Shown({mime: base64.b64encode(data).decode()}, sharp, f"(?m){place}")
    if attachment.mime in (PLOTLY, VEGA_LITE):
        chart = drawable_chart(attachment.mime, data)
        mime = PLOTLY if attachment.mime == PLOTLY else _VEGA_LITE_IN_JUPYTER
        return _Shown({mime: chart}, place=f"(?m){place}") if chart is not None else None
    if attachment.mime == TABLE:
        table = displayed_table(data)
        if table is None:
            return None
        content = f"{table.text.rstrip()}\n" if table.text.strip() else ""
        return _Shown({"text/html": _html(table), "text/plain": content}, place=re.escape(content))
    if attachment.mime == LATEX and (latex := formula(data)):
        return _Shown({"text/latex": f"$\\displaystyle {latex}$"})
    return None


def _html(table: Table) -> str:
    """The table as HTML, in the form of pandas."""

    def row(cells: Iterable[object], tag: str) -> str:
        shown = ("" if cell is None else html.escape(str(cell)) for cell in cells)
        return "".join(f"<{tag}>{cell}</{tag}>" for cell in shown)

    head = row([column.name for column in table.columns], "th")
    body = "".join(
        "<tr>" + row(cells[: table.index], "th") + row(cells[table.index :], "td") + "</tr>\n"
        for cells in zip(*(column.cells for column in table.columns), strict=True)
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"


def _other_call(call: ToolCall, result: ToolResult | None) -> str:
    """A call of another tool as Markdown: it can't run outside the app."""
    content = [f"**{plain(call.name)}**", fenced(call.input)]
    if result is not None:
        content.append(fenced(result.text))
    return "\n\n".join(content)


def _quoted(text: str) -> str:
    """A user's text as a quotation, with Markdown escaped."""
    return "\n".join(f"> {plain(line)}  " for line in text.splitlines())


def plain(line: str) -> str:
    """A line of text with nothing in it that Markdown would read."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|$~&])", r"\\\1", line)
