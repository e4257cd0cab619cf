"""The passages that an answer quotes, as JSON: what a citation showed stays, though its page or
document is gone."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.core.rendering.citations import CitationCache, quoted
from tools.citations import Citation, Source, Span

log = logging.getLogger(__name__)

AROUND_CHARS = 1_500
"""Characters of the source that are kept before and after the quoted words."""


@dataclass(frozen=True)
class KeptSource:
    """A source as it was read; `text` is the part around the quoted words."""

    id: int
    title: str
    url: str = ""
    where: str = ""
    text: str = ""
    read: bool = True
    kind: str = ""


@dataclass(frozen=True)
class KeptQuotation:
    """A citation of an answer: the number and words that the model wrote, and what was found."""

    id: int
    words: str
    found: bool
    source: KeptSource | None = None
    spans: tuple[Span, ...] = ()
    meant: KeptSource | None = None


_ADAPTER = TypeAdapter(list[KeptQuotation])


def quotations_to_json(text: str, look: CitationCache) -> str:
    """The citations of an answer's text, looked up now."""
    kept = [_kept(id, words, look(id, words)) for id, words in quoted(text)]
    return _ADAPTER.dump_json(kept).decode()


def quotations_from_json(text: str) -> Mapping[tuple[int, str], Citation]:
    """The kept citations by number and words; empty where the JSON is none of ours."""
    try:
        kept = _ADAPTER.validate_python(json.loads(text))
    except (ValidationError, ValueError):
        log.warning("kept citations could not be read", exc_info=True)
        return {}
    return {
        (each.id, each.words): Citation(each.found, each.source, each.spans, each.meant)
        for each in kept
    }


def _kept(id: int, words: str, citation: Citation) -> KeptQuotation:
    source, spans = citation.source, citation.spans
    if source is None:
        return KeptQuotation(id, words, citation.found)
    text = source.text
    start = max(0, (spans[0][0] if spans else 0) - AROUND_CHARS)
    start = text.rfind("\n", 0, start) + 1 if start else 0
    end = (spans[-1][1] if spans else 0) + AROUND_CHARS
    return KeptQuotation(
        id,
        words,
        citation.found,
        _source(source, text[start:end]),
        tuple((a - start, b - start) for a, b in spans),
        None if citation.meant is None else _source(citation.meant, ""),
    )


def _source(source: Source, text: str) -> KeptSource:
    values: dict[str, Any] = {
        name: getattr(source, name) for name in ("id", "title", "url", "where", "read")
    }
    kind = source.kind if isinstance(source, KeptSource) else type(source).__name__
    return KeptSource(**values, text=text, kind=kind)
