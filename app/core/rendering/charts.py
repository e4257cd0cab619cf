"""A chart that code displayed, as a page may draw it. Pure.

What would make the visitor's browser ask somebody else for something is taken out, and so is what
would make the chart larger than the page. (The page's own security policy says the same.)
"""

from __future__ import annotations

import json
from typing import Any

from tools.media import PLOTLY

HIGHEST = 1000  # pixels
# Data and pictures from elsewhere, links, settings of the library that draws.
_LEADS_OUT = frozenset(("url", "href", "source", "usermeta", "baseURL", "topojsonURL"))


def drawable_chart(mime: str, data: bytes) -> dict[str, Any] | None:
    """A Plotly figure or a Vega-Lite specification; None where that is not what it is."""
    try:
        chart = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(chart, dict):
        return None
    if mime == PLOTLY:
        traces, layout = chart.get("data"), chart.get("layout")
        if not isinstance(traces, list) or not isinstance(layout, dict):
            return None
        chart = {"data": traces, "layout": layout}
        _bound(layout)
        layout.pop("width", None)  # as wide as the page
    else:
        _bound(chart)
    _close(chart)
    return chart


def _bound(sized: dict[str, Any]) -> None:
    height = sized.get("height")
    if isinstance(height, int | float) and not 0 < height <= HIGHEST:
        sized["height"] = HIGHEST


def _close(chart: dict[str, Any]) -> None:
    """Takes out every text that is an address, and all settings of the library."""
    waiting: list[Any] = [chart]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            for key in _LEADS_OUT & part.keys():
                value = part[key]
                inside = isinstance(value, str) and value.startswith("data:image/")
                if key == "usermeta" or (isinstance(value, str) and not inside):
                    del part[key]
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def formula(data: bytes) -> str | None:
    """LaTeX without its dollars, on one line; None where it would not stay within new ones."""
    text = " ".join(data.decode("utf-8", "replace").split())
    text = text.strip("$").replace(r"\displaystyle", "").strip()
    return text if text and "$" not in text and len(text) <= 10_000 else None
