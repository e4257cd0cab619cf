"""What one session may do at the proxy, and what went wrong there."""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tools.browser.network.address_guard import plain_host


class QuotaExceeded(Exception):
    """A session has read as many bytes as its pages may have."""


@dataclass(eq=False)
class ProxyQuota:
    """What one session may do at the proxy: its credentials, its bytes, and what went wrong.

    `page_bytes` is what a page may cost with all its parts. Pages that are read at the same
    time share what all of them may have.
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
        """Grants what one page may cost, for as long as it is being read."""
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
        return self._used > self._granted

    def spend(self, size: int) -> None:
        """Raises Spent."""
        self._used += size
        if self.spent:
            raise QuotaExceeded

    def trouble(self, url: str) -> str:
        """Why the last connection to the host of `url` was not made; "" if it was."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return self._trouble.get((plain_host(parts.hostname or ""), port), "")

    def note(self, host: str, port: int, trouble: str) -> None:
        if trouble:
            self._trouble[(plain_host(host), port)] = trouble
        else:
            self._trouble.pop((plain_host(host), port), None)

    @property
    def credentials(self) -> bytes:
        return b"Basic " + base64.b64encode(f"{self.name}:{self.secret}".encode())
