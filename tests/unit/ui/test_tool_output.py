"""What a tool made, drawn without a browser: each kind, twice the same, and what only claims it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tools.base import Attachment
from tools.media import LATEX, PLOTLY, SVG, TABLE, VEGA_LITE


def draw(attachments):
    """Runs as a page of its own, from its text."""
    import streamlit as st

    from app.ui.elements.keys import begin_page
    from app.ui.transcript.tool_output import draw_attachments

    begin_page()
    for _ in range(2):
        with st.container():
            draw_attachments(attachments)


def drawn(attachments: list[Attachment]) -> AppTest:
    page = AppTest.from_function(draw, kwargs={"attachments": attachments}, default_timeout=60)
    page.run()
    assert not page.exception
    page.run()
    assert not page.exception
    return page


def kinds(page: AppTest) -> list[str]:
    found = []
    waiting = [page.main]
    while waiting:
        for child in waiting.pop(0).children.values():
            found.append(child.type)
            if hasattr(child, "children"):
                waiting.append(child)  # type: ignore[arg-type]
    return found


@pytest.fixture(autouse=True)
def no_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's test runner has a mock for each request, cookies and all."""
    monkeypatch.setattr("app.ui.http.visitor.identity", lambda headers, cookies: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def kept(folder: Path, name: str, mime: str, data: bytes, inline: bool = True) -> Attachment:
    (folder / name).write_bytes(data)
    return Attachment(name, mime, folder / name, inline)


def picture(folder: Path, name: str, size: tuple[int, int]) -> Path:
    Image.new("L", size).save(folder / name)
    return folder / name


def test_every_kind_is_drawn_in_its_order_as_often_as_it_comes(folder: Path) -> None:
    column = {"name": "城市", "cells": ["北京", None]}
    table = {"rows": 900, "columns": 1, "index": [], "values": [column]}
    figure = picture(folder, "figure-1@2x.png", (400, 200))
    page = drawn(
        [
            Attachment(figure.name, "image/png", figure),
            kept(folder, "t.json", TABLE, json.dumps(table).encode()),
            kept(folder, "c.json", PLOTLY, b'{"data": [{"type": "bar", "y": [1]}], "layout": {}}'),
            kept(folder, "v.json", VEGA_LITE, b'{"mark": "bar", "data": {"values": [{"x": 1}]}}'),
            kept(folder, "f.tex", LATEX, b"$\\displaystyle x^2$"),
            kept(folder, "d.svg", SVG, b"<svg><script>alert(1)</script></svg>", inline=False),
            kept(folder, "报告.csv", "text/csv", b"a,b\n1,2\n", inline=False),
        ]
    )
    found = kinds(page)
    for kind in ("image", "plotly_chart", "vega_lite_chart"):
        assert found.count(kind) == 2, kind
    assert found.count("dataframe") == 4  # the table, and the file's preview
    assert page.dataframe[0].value["城市"].tolist()[0] == "北京"
    assert page.caption[0].value == "2 of 900 rows, 1 column."
    assert "x^2" in page.latex[0].value
    # Of a file that lies in no conversation's folder there is no link, but a button.
    labels = [each.label for each in page.get("download_button")]  # type: ignore[attr-defined]
    assert labels == ["d.svg · 36 bytes", "报告.csv · 8 bytes"] * 2
    assert "script" not in str([each.value for each in page.markdown])


def test_what_only_claims_to_be_something_is_told(folder: Path, tmp_path: Path) -> None:
    secret = folder / "secret.txt"
    secret.write_text("secret")
    os.symlink(secret, folder / "link.csv")
    os.mkfifo(folder / "fifo.png")
    bomb = picture(folder, "bomb.png", (1, 1)).read_bytes()
    bomb = bomb[:16] + (60_000).to_bytes(4, "big") * 2 + bomb[24:]
    page = drawn(
        [
            kept(folder, "bomb-1.png", "image/png", bomb),
            Attachment("fifo.png", "image/png", folder / "fifo.png"),
            kept(folder, "t.json", TABLE, b"[]"),
            kept(folder, "c.json", PLOTLY, b'{"data": [{"type": "nothing"}], "layout": {"x": 1}}'),
            kept(folder, "v.json", VEGA_LITE, b"3"),
            kept(folder, "f.tex", LATEX, b"$x$ ![](http://203.0.113.9/) $y$"),
            Attachment("link.csv", "text/csv", folder / "link.csv", inline=False),
            Attachment("gone.txt", "text/plain", folder / "gone.txt", inline=False),
        ]
    )
    told = [each.value for each in page.caption]
    assert sum("can't be shown" in each for each in told) == 12
    assert sum("is no longer there" in each for each in told) == 4
    assert not {"image", "plotly_chart", "vega_lite_chart", "dataframe"} & set(kinds(page))
    assert page.get("download_button") == []


def test_a_very_wide_picture_is_shrunk_once(folder: Path) -> None:
    from app.ui.elements.picture import MAX_PICTURE_WIDTH_PX, _for_page

    path = picture(folder, "wide.png", (4000, 100))
    stat = path.stat()
    data, width, _ = _for_page(path, stat.st_size, stat.st_mtime_ns)
    assert width == 4000
    (folder / "shrunk.png").write_bytes(data)
    with Image.open(folder / "shrunk.png") as image:
        assert image.width == MAX_PICTURE_WIDTH_PX
    drawn([Attachment(path.name, "image/png", path)])
    assert _for_page(path, stat.st_size, stat.st_mtime_ns)[0] is data
