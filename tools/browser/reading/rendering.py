"""What a reader wants of a browser: the seam to Chromium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tools.browser.network.quota import ProxyQuota


@dataclass(frozen=True)
class Rendered:
    """What stands in Chromium's window: the visible part of the page as HTML."""

    url: str
    status: int
    html: str
    screenshot: bytes | None = None
    note: str = ""


class Tabs(Protocol):
    """Renders the pages of one session."""

    async def render(self, url: str, seconds: float) -> Rendered:
        """Raises ReadFailed."""

    async def close(self) -> None: ...


class Chromium(Protocol):
    """Renders pages for everybody. Everything is called on one loop."""

    def warm(self) -> None:
        """Have it started in the background."""

    def tabs(self, proxy: str, account: ProxyQuota) -> Tabs: ...

    async def close(self) -> None: ...
