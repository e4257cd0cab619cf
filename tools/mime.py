"""MIME types of what a tool shows beyond pictures and files."""

from __future__ import annotations

import re

TABLE = "application/vnd.glm-table+json"
"""Our own: `{"rows": 9, "columns": 1, "index": [COLUMN, …], "values": [COLUMN, …]}`, where a
COLUMN is `{"name": "city", "cells": ["Rome", null, …]}`; `rows` and `columns` count those left
out too, and `text` is what the model reads."""
PLOTLY = "application/vnd.plotly.v1+json"
VEGA_LITE = "application/vnd.vegalite+json"
"""Of whichever version: it stands in the specification itself."""
BROWSER_STEP = "application/vnd.glm-browser-step+json"
"""Our own: what the browser did in one call, see `tools.browser.step`."""
LATEX = "text/latex"
SVG = "image/svg+xml"
PICTURES = {"image/png": "png", "image/jpeg": "jpg"}
"""With the endings of their files."""

_VEGA_LITE = re.compile(r"application/vnd\.vegalite\.v\d+[.+]json")


def is_vega_lite(mime: str) -> bool:
    """Whether Jupyter means a Vega-Lite chart by this type, of any version."""
    return _VEGA_LITE.fullmatch(mime) is not None
