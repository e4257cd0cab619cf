"""Charts that code displayed, sanitized for the page. Pure.

References to other servers are removed, so that the visitor's browser makes no requests to them,
and the size is limited to the page. (The page's security policy forbids such requests too.)
"""

from __future__ import annotations

import json
from typing import Any

from tools.media import PLOTLY

MAX_HEIGHT_PX = 1000
# Keys of external data and pictures, links, and settings of the chart library.
_EXTERNAL_KEYS = frozenset(("url", "href", "source", "usermeta", "baseURL", "topojsonURL"))


def drawable_chart(mime: str, data: bytes) -> dict[str, Any] | None:
    """A sanitized Plotly figure or Vega-Lite specification; None for invalid data."""
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
        _limit_height(layout)
        layout.pop("width", None)  # as wide as the page
    else:
        _limit_height(chart)
    _remove_external(chart)
    return chart


def _limit_height(sized: dict[str, Any]) -> None:
    height = sized.get("height")
    if isinstance(height, int | float) and not 0 < height <= MAX_HEIGHT_PX:
        sized["height"] = MAX_HEIGHT_PX


def _remove_external(chart: dict[str, Any]) -> None:
    """Removes every URL and all settings of the chart library, at any depth."""
    waiting: list[Any] = [chart]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            for key in _EXTERNAL_KEYS & part.keys():
                value = part[key]
                inside = isinstance(value, str) and value.startswith("data:image/")
                if key == "usermeta" or (isinstance(value, str) and not inside):
                    del part[key]
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def formula(data: bytes) -> str | None:
    """LaTeX without its dollar signs, on one line; None where it has others inside."""
    text = " ".join(data.decode("utf-8", "replace").split())
    text = text.strip("$").replace(r"\displaystyle", "").strip()
    return text if text and "$" not in text and len(text) <= 10_000 else None
