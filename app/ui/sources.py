"""The sources under an answer: each with its passages, which open where they are kept, pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.citations import Cited, highlighted
from app.ui.blocks import anchor
from app.ui.quoted import link, words


def sources_html(citations: Sequence[Cited], scope: str) -> str:
    """A list of sources; the place of each citation has the name that the answer's links go to.

    A place lies within what is folded: browsers unfold it for whoever follows a link there.
    """
    by_number: dict[int, list[tuple[int, Cited]]] = {}
    for at, each in enumerate(citations):
        by_number.setdefault(each.number, []).append((at, each))
    # Those that no source belongs to come last.
    items = [
        _source(number, by_number[number], scope)
        for number in sorted(by_number, key=lambda number: (number == 0, number))
    ]
    return f'<section class="sources"><h6>Sources</h6>{"".join(items)}</section>'


def _source(number: int, cited: Sequence[tuple[int, Cited]], scope: str) -> str:
    source = cited[0][1].source
    if source is None:
        head = '<span class="number">?</span> <span>The model cites what it has not seen</span>'
    else:
        read = source.page.read_at if source.page is not None else None
        when = f" · read {read:%Y-%m-%d %H:%M} UTC" if read is not None else " · not read"
        host = f"{words(source.host)}{when}"
        head = (
            f'<span class="number">{number}</span> {link(source.title or source.host, source.url)}'
            f'<div class="where" title="{words(source.url)}">{host}</div>'
        )
    passages = "".join(_passage(each, anchor(scope, at)) for at, each in cited)
    return f'<div class="source"><div>{head}</div>{passages}</div>'


def _passage(each: Cited, name: str) -> str:
    said = words(each.words, 300) or "The page as a whole"
    quoted = f"“{said}”" if each.words else said
    if each.trouble:
        warning = f'<span class="trouble">{words(each.trouble)}</span>'
        return f'<div class="passage" id="{name}">{quoted} {warning}</div>'
    kept = "".join(
        f"<mark>{words(text)}</mark>" if is_quotation else words(text)
        for text, is_quotation in highlighted(each.citation, each.words)
    )
    if not kept:
        return f'<div class="passage" id="{name}">{quoted}</div>'
    return (
        f'<details class="passage"><summary>{quoted}</summary>'
        f'<div class="kept" id="{name}">{kept}</div></details>'
    )
