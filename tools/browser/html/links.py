"""Numbers the links of a page in their order."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from tools.browser.base import LINK_CLOSES, LINK_OPENS, Link
from tools.documents.readers.html.segments import Links

MAX_LINKS = 2000  # of one page that are numbered; the others become plain text
TOKEN = re.compile(f"{LINK_OPENS}(\\d+){LINK_CLOSES}")
"""A link's number in a text."""


class NumberedLinks(Links):
    """Replaces each link from the page at `base` to another page by a numbered token.

    `found` are the links in the order of their numbers.
    """

    def __init__(self, base: str) -> None:
        self.found: list[Link] = []
        self._base = base
        self._numbers: dict[Link, int] = {}

    def address(self, href: str) -> str:
        """See `Links`."""
        return absolute(self._base, href) if len(self.found) < MAX_LINKS else ""

    def render(self, text: str, address: str) -> str:
        """See `Links`."""
        if LINK_OPENS in text:  # a link in a link
            return text
        link = Link(text[:200], address)
        if link not in self._numbers:
            self._numbers[link] = len(self.found)
            self.found.append(link)
        return f"{LINK_OPENS}{self._numbers[link]}{LINK_CLOSES}"

    def spoken(self, text: str) -> str:
        """`text` with the links' own text in place of the tokens."""
        return TOKEN.sub(lambda match: self.found[int(match.group(1))].text, text)

    def renumbered(self, lines: list[str]) -> tuple[list[str], list[Link]]:
        """`lines` with their links numbered from 0 in order, and these links only."""
        numbers: dict[int, int] = {}

        def number(match: re.Match[str]) -> str:
            new = numbers.setdefault(int(match.group(1)), len(numbers))
            return f"{LINK_OPENS}{new}{LINK_CLOSES}"

        return [TOKEN.sub(number, line) for line in lines], [self.found[old] for old in numbers]


def absolute(base: str, href: str) -> str:
    """The absolute URL of a link; "" for a link within the page and for other schemes."""
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
