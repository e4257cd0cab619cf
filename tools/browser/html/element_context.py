"""Where in a page something stands, what its tables hold, and where its links lead."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

CELL = 400  # characters from which on a cell is a part of the page's layout, not of a table

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_SIDES = ("nav", "aside", "footer", "form")
_SIDE_ROLES = ("navigation", "complementary", "contentinfo", "search", "banner")


@dataclass(frozen=True)
class Place:
    """Where in the page a run of text stands."""

    main: bool = False  # in <main> or role=main
    article: bool = False
    side: bool = False  # in navigation, an aside, a footer, a form
    heading: int = 0
    indent: str = ""
    quote: str = ""
    bullet: list[str] = field(default_factory=list)  # of a list item that has said nothing yet

    def inside(self, element: HtmlElement, form_is_page: bool) -> Place:
        tag, role = element.tag, element.get("role", "")
        side = (tag in _SIDES and not (tag == "form" and form_is_page)) or role in _SIDE_ROLES
        return replace(
            self,
            main=self.main or tag == "main" or role == "main",
            article=self.article or tag == "article",
            side=self.side or side,
            heading=int(tag[1]) if tag in _HEADINGS else self.heading,
            quote="> " if tag == "blockquote" else self.quote,
        )


def absolute(base: str, href: str) -> str:
    """A link's address, "" where it leads nowhere else or is none of the web's."""
    href = href.strip()
    if href.startswith("#"):
        return ""
    try:
        url = urljoin(base, href)
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc or len(url) > 2000:
        return ""
    return "" if url.partition("#")[0] == base.partition("#")[0] else url


def data_rows(table: HtmlElement) -> list[list[HtmlElement]]:
    """The cells of a table that holds data; none where it only lays out the page."""
    if table.get("role") in ("presentation", "none") or table.find(".//table") is not None:
        return []
    rows = [list(row.iterchildren("td", "th")) for row in table.iter("tr")]
    rows = [row for row in rows if row]
    if not rows or max(len(row) for row in rows) < 2:
        return []
    if any(cell.find(".//pre") is not None for row in rows for cell in row):
        return []
    long = sum(1 for row in rows for cell in row if len(cell.text_content()) > CELL)
    return rows if long <= sum(len(row) for row in rows) / 4 else []
