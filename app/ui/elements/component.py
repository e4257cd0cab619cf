"""Components of the page's own: HTML, CSS and JavaScript with data from the server."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

# Streamlit looks for data frames in all data but bytes, and for that imports pandas: a third of a
# second at the first page of a server.
_DECODE = "const decoded = (bytes) => JSON.parse(new TextDecoder().decode(bytes))\n"


class Component:
    """A component, registered with Streamlit when it is first drawn.

    Its JavaScript gets `data` as bytes, which the function `decoded` makes what was given here.

    Args:
        name: its name among the app's components.
        js: a module whose default export draws it; `html` and `css` are what it draws into.
        isolate_styles: whether it has a document tree and styles of its own.
    """

    def __init__(
        self, name: str, *, js: str, html: str = "", css: str = "", isolate_styles: bool = True
    ) -> None:
        self._name, self._isolate_styles = name, isolate_styles
        self._html, self._css, self._js = html, css, _DECODE + js
        self._registered: Any = None

    def draw(self, data: Any, **options: Any) -> None:
        """Draws it with `data`, which must be JSON; `options` are those of Streamlit's mounted
        components, such as `key`, `height` and `on_NAME_change`."""
        if self._registered is None:
            self._registered = st.components.v2.component(
                self._name,
                html=self._html or None,
                css=self._css or None,
                js=self._js,
                isolate_styles=self._isolate_styles,
            )
        self._registered(data=json.dumps(data).encode(), **options)
