"""Renders the sources of an answer as HTML: each with its cited passages, which unfold. Pure."""

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
"""Scrolls back to the target of a clicked citation. The target unfolds and lengthens the page,
which Streamlit mistakes for a new message, and scrolls to the end of the page."""
MAX_CONTEXT_LINES, MAX_CONTEXT_CHARS = 200, 8_000
"""Lines and characters of a document's page that are shown before and after the cited words."""


Pictures = Callable[[NumberedPage, Sequence[Span]], str]
"""Returns the URL of a page's image with spans of its text marked; empty without an image."""


def no_pictures(sheet: NumberedPage, spans: Sequence[Span]) -> str:
    """A `Pictures` without any images."""
    return ""


def sources_html(citations: Sequence[Cited], scope: str, pictures: Pictures = no_pictures) -> str:
    """The sources of an answer as HTML.

    Each passage is in a folded element and has the id that the answer's link leads to: browsers
    unfold it when the link is followed.

    Arguments:
        citations: the citations of the answer, in order.
        scope: the answer's part of the ids, see `anchor`.
        pictures: gives the images of documents' pages.
    """
    by_number: dict[int, list[tuple[int, Cited]]] = {}
    for index, each in enumerate(citations):
        by_number.setdefault(each.number, []).append((index, each))
    # Number 0, citations without a source, comes last.
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
    passages = "".join(_passage(each, anchor(scope, index), pictures) for index, each in cited)
    return f'<div class="source"><div>{head}</div>{passages}</div>'


def _passage(each: Cited, name: str, pictures: Pictures) -> str:
    quoted = words(each.words, 300) or "The page as a whole"
    summary = f"“{quoted}”" if each.words else quoted
    if each.trouble:
        summary += f' <span class="trouble">{words(each.trouble)}</span>'
    is_document = each.source is not None and not each.source.url
    context = _page(each, name) if is_document else _lines(each)
    if not context:
        return f'<div class="passage" id="{name}">{summary}</div>'
    target = "" if is_document else f' id="{name}"'  # in a document's page, the words are it
    image = _picture(each, pictures)
    return (
        f'<details class="passage"><summary>{summary}</summary>'
        f'<div class="look"><div class="kept"{target}>{context}</div>{image}</div>'
        "</details>"
    )


def _picture(each: Cited, pictures: Pictures) -> str:
    """The image of a document's page, which the browser loads when it is unfolded."""
    source = each.source
    if not isinstance(source, NumberedPage) or not (
        address := pictures(source, each.citation.spans)
    ):
        return ""
    alt = words(f"{source.title} as it looks")
    return (
        f'<a href="{words(address)}?wide" target="_blank" rel="noopener">'
        f'<img src="{words(address)}" loading="lazy" alt="{alt}"></a>'
    )


def _lines(each: Cited) -> str:
    """The lines of a web page with the cited words marked, and a few lines around them."""
    return "".join(
        f"<mark>{words(text)}</mark>" if is_quotation else words(text)
        for text, is_quotation in highlighted(each.citation)
    )


def _page(each: Cited, name: str) -> str:
    """The text around the cited words in a document's page; the words are the link's target, so
    that a scrolling element shows them."""
    runs = highlighted(each.citation, MAX_CONTEXT_LINES)
    if not runs:
        return ""
    pieces = [words(runs[0][0][-MAX_CONTEXT_CHARS:], MAX_CONTEXT_CHARS)]
    for text, is_quotation in runs[1:]:
        shown = words(text, MAX_CONTEXT_CHARS)
        pieces.append(f'<mark id="{name}">{shown}</mark>' if is_quotation else shown)
        name = name if not is_quotation else f"{name}-on"
    return "".join(pieces)
