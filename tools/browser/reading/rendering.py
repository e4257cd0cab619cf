"""The protocols between the reader and Chromium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tools.browser.network.quota import ProxyQuota


@dataclass(frozen=True)
class Rendered:
    """A rendered page: its visible part as HTML.

    `url` is the address after redirects. `screenshot` is a JPEG. `note` is one line on what is
    missing.
    """

    url: str
    status: int
    html: str
    screenshot: bytes | None = None
    note: str = ""


class Tabs(Protocol):
    """Renders the pages of one session."""

    async def render(self, url: str, seconds: float) -> Rendered:
        """The page at `url`, rendered within `seconds`. Raises ReadFailed."""

    async def close(self) -> None: ...


class Chromium(Protocol):
    """Renders pages for all sessions. All methods are called on one event loop."""

    def warm(self) -> None:
        """Starts Chromium in the background."""

    def tabs(self, proxy: str, quota: ProxyQuota) -> Tabs: ...

    async def close(self) -> None: ...
