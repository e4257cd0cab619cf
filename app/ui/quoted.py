"""Text of strangers as HTML: nothing in it is read as anything but words."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from app.ui.markdown import drawable, shown

_IN_ADDRESSES = ":/?#[]@!$&'()*+,;=%-._~"  # RFC 3986


def words(text: str, limit: int = 2_000) -> str:
    """Text with nothing in it that HTML would read."""
    return escape(shown(text)[:limit])


def link(text: str, url: str) -> str:
    """A link out of the app where the address is one of the web's, else the words alone."""
    if not url.lower().startswith(("http://", "https://")):
        return f"<span>{words(text)}</span>"
    address = escape(quote(drawable(url), safe=_IN_ADDRESSES))
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{words(text)}</a>'
