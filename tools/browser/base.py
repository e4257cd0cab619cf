"""The interface between the browser tool and its reader.

A reader turns URLs into pages. The tool numbers their links and shows them in parts; it knows
nothing about HTTP, Chromium or HTML.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LINK_OPENS = "\ue000"
LINK_CLOSES = "\ue001"
"""In the lines of a page, `LINK_OPENS n LINK_CLOSES` represents `Page.links[n]`. Both characters
are of Unicode's private use area; they are removed from the page's text, so that a page can't
forge a link."""


@dataclass(frozen=True)
class Link:
    """A link with its text in the page. `url` is an absolute http or https URL."""

    text: str
    url: str


@dataclass(frozen=True)
class Document:
    """A downloaded document, with the file name that its server gave."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Page:
    """A page that was read.

    `url` is the address after redirects. `lines` are Markdown, without empty ones, none longer
    than about 600 characters; `LINK_OPENS n LINK_CLOSES` (only the number between) represents the
    link with the index n in `links`. `status` is the HTTP status. `read_at` is in UTC.
    `screenshot` is a small JPEG of a rendered page. `note` is one line on what is missing ("cut
    at 5 MB"). `document` is the source of the lines where the URL is a document, not a web page.
    """

    url: str
    title: str
    status: int
    lines: tuple[str, ...]
    links: tuple[Link, ...]
    read_at: datetime
    screenshot: bytes | None = None
    note: str = ""
    document: Document | None = None


class ReadFailed(Exception):
    """A page that could not be read. The message is one line for the model ("404 Not Found")."""


class Reader(Protocol):
    """Reads pages for one session, with cookies and a cache that no other session shares."""

    def expect(self, urls: Sequence[str]) -> None:
        """Prepares, in the background, to read some of these URLs soon. Returns at once."""

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        """The pages in the order of `urls`, read concurrently; a `ReadFailed` for each failure.

        Returns soon after `cancel` is set, with a `ReadFailed` for each unfinished page.
        """

    def close(self) -> None:
        """Releases the session's resources. May be called twice."""
