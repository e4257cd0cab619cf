"""Links to exports of the conversation that is shown, and of all."""

from __future__ import annotations

import streamlit as st

from app.core.exchange.exporting import ENDINGS, Format
from app.core.rendering.notebook_export import has_code
from app.core.sessions.session import Session
from app.ui.exchange.routes import ALL, address
from app.ui.transcript.downloads import draw_links

NAMES: dict[Format, str] = {
    "markdown": "Markdown",
    "html": "HTML",
    "ipynb": "Notebook",
    "json": "JSON",
    "zip": "JSON with files",
}
NOTHING_STORED = "Nothing of this conversation is stored yet."
TEMPORARY = "This conversation is a temporary one: it is not stored, and can't be exported."


def draw(session: Session) -> None:
    """The links, as the conversation is now."""
    st.markdown("**This conversation**")
    if session.temporary:
        st.caption(TEMPORARY)
    elif not session.stored:
        st.caption(NOTHING_STORED)
    else:
        code = has_code(session.view().conversation.messages)
        _links(session.id, [name for name in NAMES if name != "ipynb" or code])
        st.caption("Markdown, HTML and notebook have the branch that is shown, JSON has all.")
    st.markdown("**All conversations**")
    _links(ALL, list(NAMES))
    st.caption("Several Markdown files, pages or notebooks come in one zip archive.")


def _links(id: str, formats: list[Format]) -> None:
    links = []
    for format in formats:
        ending = ENDINGS[format] if id != ALL or format == "json" else "zip"
        links.append(
            {
                "name": NAMES[format],
                "size": f".{ending}",
                "address": address(id, format),
                "file": "",
            }
        )
    draw_links(links, f"export-{'all' if id == ALL else 'one'}")
