"""Whether the words of a citation stand in what was read of the web."""

from __future__ import annotations

from tools.browser.shelf import Source
from tools.quoting import Citation, claimed, find


def cited(source: Source | None, words: str) -> Citation:
    """Looks for the words in the source's lines."""
    if source is None:
        return Citation(False)
    words = claimed(words)
    if not words:
        return Citation(source.read, source)
    spans = find(source.text, words)
    return Citation(bool(spans), source, spans)
