"""Visitor ids: random tokens, signed with a key in the data folder, so that a server recognizes the
tokens that it issued, also after a restart and those of other processes with the same folder."""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import logging
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

KEY_FILE = "visitors.key"
KEY_BYTES = 32
"""The length of a SHA-256 digest, which RFC 2104, section 3 recommends."""


@dataclass(frozen=True)
class VisitorTokens:
    """Issues and verifies tokens. `key` signs them."""

    key: bytes = field(repr=False)

    def new(self) -> str:
        """A signed token for a new visitor, the value of the cookie."""
        return self._signed(secrets.token_urlsafe(32))

    def visitor(self, value: str | None) -> str | None:
        """The visitor id in the signed token `value`; None where this key did not sign it."""
        if not value or not value.isascii():
            return None
        token = value.rpartition(".")[0]
        return token if hmac.compare_digest(self._signed(token), value) else None

    def _signed(self, token: str) -> str:
        return f"{token}.{hmac.new(self.key, token.encode(), 'sha256').hexdigest()}"


def signing_key(folder: Path) -> bytes:
    """The key in `folder`, created if need be. Processes that share the folder get the same key.
    Where the folder can't be used, the result is a random key for this process."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(folder / KEY_FILE, flags, 0o600), "r+b", buffering=0) as file:
            return _key_in(file.fileno())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        log.warning("visitors will be strangers after a restart: no key can be kept: %s", why)
        return secrets.token_bytes(KEY_BYTES)


def _key_in(file: int) -> bytes:
    """The key in an open file, which is replaced if it is missing or damaged."""
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    fcntl.flock(file, fcntl.LOCK_EX)
    if status.st_mode & 0o077:
        with contextlib.suppress(OSError):  # some file systems have no modes
            os.fchmod(file, 0o600)
    key = os.pread(file, KEY_BYTES + 1, 0)
    if len(key) != KEY_BYTES:
        key = secrets.token_bytes(KEY_BYTES)
        os.ftruncate(file, 0)
        os.pwrite(file, key, 0)
        os.fsync(file)
    return key
