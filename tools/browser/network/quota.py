"""A session's credentials and byte quota at the proxy, and the errors of its connections."""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tools.browser.network.address_guard import plain_host


class QuotaExceeded(Exception):
    """A session has read more bytes than its pages are granted."""


@dataclass(eq=False)
class ProxyQuota:
    """One session's credentials, byte quota and connection errors at the proxy.

    `page_bytes` is the quota of one page with all its resources. Pages that are read at the same
    time share the sum of their quotas. `connections` counts the open connections.
    """

    page_bytes: int
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    connections: int = 0
    _trouble: dict[tuple[str, int], str] = field(default_factory=dict)
    _reading: int = 0
    _granted: int = 0
    _used: int = 0

    @contextlib.contextmanager
    def page(self) -> Iterator[None]:
        """Adds one page's quota while the page is being read."""
        if not self._reading:
            self._granted = self._used = 0
        self._reading += 1
        self._granted += self.page_bytes
        try:
            yield
        finally:
            self._reading -= 1

    @property
    def spent(self) -> bool:
        """Whether the session has used more bytes than granted."""
        return self._used > self._granted

    def spend(self, size: int) -> None:
        """Counts `size` bytes. Raises QuotaExceeded above the quota."""
        self._used += size
        if self.spent:
            raise QuotaExceeded

    def trouble(self, url: str) -> str:
        """The error of the last connection to the host of `url`; "" after a success."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return self._trouble.get((plain_host(parts.hostname or ""), port), "")

    def note(self, host: str, port: int, trouble: str) -> None:
        """Records the error of a connection; "" records a success."""
        if trouble:
            self._trouble[(plain_host(host), port)] = trouble
        else:
            self._trouble.pop((plain_host(host), port), None)

    @property
    def credentials(self) -> bytes:
        """The value of the Proxy-Authorization header."""
        return b"Basic " + base64.b64encode(f"{self.name}:{self.secret}".encode())
