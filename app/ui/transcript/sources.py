"""The sources under an answer: each with its passages, which unfold on a click. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from app.core.rendering.citations import Cited, highlighted
from app.ui.elements.markdown import link, words
from app.ui.transcript.blocks import anchor
from tools.citations import Span

FOLLOW = """<script>
if (!window.followsCitations) {
  window.followsCitations = true
  document.addEventListener("click", ({ target }) => {
    const link = target.closest('a[href^="#cited-"]')
    const show = () =>
      document.getElementById(link.hash.slice(1))?.scrollIntoView({ block: "start" })
    if (link) setTimeout(show, 400)
  })
}
</script>"""
"""Scrolls back to the target of a clicked citation: the target unfolds and makes the page longer,
and Streamlit, which takes that for a new message, scrolls to the end of the page."""
MAX_CONTEXT_LINES, MAX_CONTEXT_CHARS = 200, 8_000
"""Lines and characters before and after the words that are shown of a document's page."""


Pictures = Callable[[NumberedPage, Sequence[Span]], str]
"""Returns the address of a page's image with spans of its text marked; empty where there is
none."""


def no_pictures(sheet: NumberedPage, spans: Sequence[Span]) -> str:
    """A `Pictures` without any images."""
    return ""


def sources_html(citations: Sequence[Cited], scope: str, pictures: Pictures = no_pictures) -> str:
    """A list of sources; the place of each citation has the name that the answer's links go to.

    A place lies within what is folded: browsers unfold it for whoever follows a link there.
    """
    by_number: dict[int, list[tuple[int, Cited]]] = {}
    for at, each in enumerate(citations):
        by_number.setdefault(each.number, []).append((at, each))
    # Those that no source belongs to come last.
    items = [
        _source(number, by_number[number], scope, pictures)
        for number in sorted(by_number, key=lambda number: (number == 0, number))
    ]
    return f'<section class="sources"><h6>Sources</h6>{"".join(items)}</section>'


def _source(number: int, cited: Sequence[tuple[int, Cited]], scope: str, pictures: Pictures) -> str:
    source = cited[0][1].source
    if source is None:
        head = '<span class="number">?</span> <span>The model cites what it has not seen</span>'
    else:
        head = (
            f'<span class="number">{number}</span> {link(source.title, source.url)}'
            f'<div class="where" title="{words(source.url)}">{words(source.where)}</div>'
        )
    passages = "".join(_passage(each, anchor(scope, at), pictures) for at, each in cited)
    return f'<div class="source"><div>{head}</div>{passages}</div>'


def _passage(each: Cited, name: str, pictures: Pictures) -> str:
    said = words(each.words, 300) or "The page as a whole"
    quoted = f"“{said}”" if each.words else said
    if each.trouble:
        quoted += f' <span class="trouble">{words(each.trouble)}</span>'
    paged = each.source is not None and not each.source.url
    kept = _page(each, name) if paged else _lines(each)
    if not kept:
        return f'<div class="passage" id="{name}">{quoted}</div>'
    place = "" if paged else f' id="{name}"'
    return (
        f'<details class="passage"><summary>{quoted}</summary>'
        f'<div class="look"><div class="kept"{place}>{kept}</div>{_picture(each, pictures)}</div>'
        "</details>"
    )


def _picture(each: Cited, pictures: Pictures) -> str:
    """The page as it looks; a browser asks for it when it is unfolded."""
    source = each.source
    if not isinstance(source, NumberedPage) or not (
        address := pictures(source, each.citation.spans)
    ):
        return ""
    said = words(f"{source.title} as it looks")
    return (
        f'<a href="{words(address)}?wide" target="_blank" rel="noopener">'
        f'<img src="{words(address)}" loading="lazy" alt="{said}"></a>'
    )


def _lines(each: Cited) -> str:
    """The lines of a page of the web that hold the words, with a few around them."""
    return "".join(
        f"<mark>{words(text)}</mark>" if is_quotation else words(text)
        for text, is_quotation in highlighted(each.citation)
    )


def _page(each: Cited, name: str) -> str:
    """The page of a document, as far as it is read at a glance. The words have the place's name,
    so that a page that scrolls is scrolled to them."""
    stretches = highlighted(each.citation, MAX_CONTEXT_LINES)
    if not stretches:
        return ""
    pieces = [words(stretches[0][0][-MAX_CONTEXT_CHARS:], MAX_CONTEXT_CHARS)]
    for text, is_quotation in stretches[1:]:
        shown = words(text, MAX_CONTEXT_CHARS)
        pieces.append(f'<mark id="{name}">{shown}</mark>' if is_quotation else shown)
        name = name if not is_quotation else f"{name}-on"
    return "".join(pieces)
