"""What is read on the web, and who reads it: the seam between the tool and its reader.

A reader turns addresses into pages. The tool numbers their links, shows them in windows and
knows nothing of HTTP, Chromium or HTML.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

LINK_OPENS = "\ue000"
LINK_CLOSES = "\ue001"
"""In a page's lines `LINK_OPENS n LINK_CLOSES` stands for `Page.links[n]`. Both are of the
private use area; a page's own ones are taken out of its text, so that none can be forged."""


@dataclass(frozen=True)
class Link:
    """A link as the page words it. `url` is absolute, and http or https."""

    text: str
    url: str


@dataclass(frozen=True)
class Document:
    """A document as it came, under the name that its server gave it."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Page:
    """One page as it was read.

    `url` is where it ended, after redirects. `lines` are Markdown, none longer than about 600
    characters, without empty ones; a link stands in them as `LINK_OPENS n LINK_CLOSES` (nothing
    between but the number), n an index into `links`. `read_at` is in UTC. `screenshot` is a
    small JPEG of a page that was rendered. `note` is one line on what is missing ("cut at 5 MB").
    `document` is what the lines are the text of, where that is no page of the web.
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
    """Reads for one session: its cookies and its cache are shared with no other."""

    def expect(self, urls: Sequence[str]) -> None:
        """These were found, and some may be read soon: have what that takes started in the
        background. Returns at once."""

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        """Every page in the order of `urls`, read at the same time; those that fail say why.

        Returns soon after `cancel` is set; what is not read by then is a `ReadFailed`.
        """

    def close(self) -> None:
        """Let go of what the session holds. May be called twice."""
