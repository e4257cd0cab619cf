"""Charts and formulas as a page may draw them: nothing leads out of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.rendering.charts import MAX_HEIGHT_PX, drawable_chart, formula
from tools.media import PLOTLY, VEGA_LITE

PIXEL = "data:image/png;base64,AAAA"
ADDRESS = "http://203.0.113.9/x"


def chart(mime: str, spec: Any) -> dict[str, Any] | None:
    return drawable_chart(mime, json.dumps(spec).encode())


def test_a_chart_passes_as_it_is() -> None:
    plotly = {
        "data": [{"type": "bar", "x": ["北京"], "y": [1.5]}],
        "layout": {"title": {"text": "T"}},
    }
    assert chart(PLOTLY, plotly) == plotly
    vega = {
        "data": {"values": [{"x": 1, "url": {"a": 1}}]},
        "mark": "bar",
        "encoding": {"url": {"field": "u"}},
    }
    assert chart(VEGA_LITE, vega) == vega


def test_nothing_that_leads_out_is_left() -> None:
    vega = {
        "data": {"url": ADDRESS},
        "layer": [{"data": {"url": "//203.0.113.9/y"}, "mark": {"type": "image", "url": PIXEL}}],
        "encoding": {"href": {"value": "a"}},
        "mark": {"type": "point", "href": "javascript:alert(1)"},
        "usermeta": {"embedOptions": {"sourceHeader": "<script>", "patch": ADDRESS}},
    }
    left = chart(VEGA_LITE, vega)
    assert left is not None
    text = json.dumps(left)
    assert "203.0.113.9" not in text and "javascript" not in text and "usermeta" not in text
    assert left["layer"][0]["mark"]["url"] == PIXEL
    plotly = {
        "data": [{"type": "image", "source": ADDRESS}],
        "layout": {"images": [{"source": ADDRESS}, {"source": PIXEL}], "width": 90_000},
        "config": {"plotlyServerURL": ADDRESS},
        "frames": [{"data": ADDRESS}],
    }
    left = chart(PLOTLY, plotly)
    assert left == {"data": [{"type": "image"}], "layout": {"images": [{}, {"source": PIXEL}]}}


@pytest.mark.parametrize("height", [-1, 0, 1e9, MAX_HEIGHT_PX + 1])
def test_a_chart_is_no_higher_than_a_page(height: float) -> None:
    drawn = chart(PLOTLY, {"data": [], "layout": {"height": height}})
    assert drawn is not None and drawn["layout"]["height"] == MAX_HEIGHT_PX
    drawn = chart(VEGA_LITE, {"mark": "bar", "height": height})
    assert drawn is not None and drawn["height"] == MAX_HEIGHT_PX


@pytest.mark.parametrize(
    ("mime", "data"),
    [
        (PLOTLY, b""),
        (PLOTLY, b"[]"),
        (PLOTLY, b'{"data": 3, "layout": {}}'),
        (PLOTLY, b'{"data": []}'),
        (VEGA_LITE, b'"text"'),
        (VEGA_LITE, b"[" * 100_000),
        (VEGA_LITE, b"\xff\xfe"),
    ],
)
def test_what_is_no_chart_is_none(mime: str, data: bytes) -> None:
    assert drawable_chart(mime, data) is None


@pytest.mark.parametrize(
    ("tex", "kept"),
    [
        (r"$\displaystyle \int x\, dx$", r"\int x\, dx"),
        ("$$\nx^2\n\n$$", "x^2"),
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        (r"$x$ and $y$", None),
        (r"$x$$ ![](http://203.0.113.9/)$$", None),
        ("", None),
        ("$$$", None),
        ("x" * 20_000, None),
    ],
)
def test_a_formula_stays_within_its_dollars(tex: str, kept: str | None) -> None:
    assert formula(tex.encode()) == kept


@given(st.binary(max_size=100))
def test_any_bytes_are_a_formula_or_none(data: bytes) -> None:
    found = formula(data)
    assert found is None or ("$" not in found and "\n" not in found)
