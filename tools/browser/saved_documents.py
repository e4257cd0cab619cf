"""Stores documents from the web in the workspace, for the user and for code."""

from __future__ import annotations

import hashlib
import logging
import mimetypes
from pathlib import Path

from tools.base import Attachment
from tools.browser.base import Document
from tools.safe_files import free_name, safe_name, write_into

MAX_SAVED_BYTES = 200_000_000
"""Total size of the documents that one conversation stores."""

_logger = logging.getLogger(__name__)


class Documents:
    """The documents of one conversation, each stored once."""

    def __init__(self) -> None:
        self._by_digest: dict[bytes, Attachment] = {}
        self._bytes = 0

    def keep(self, workspace: Path, document: Document | None) -> Attachment | None:
        """Stores a document in `workspace`, once for each content.

        Returns None without a document, above `MAX_SAVED_BYTES`, and where it can't be written.
        """
        if document is None:
            return None
        digest = hashlib.sha256(document.data).digest()
        known = self._by_digest.get(digest)
        if known is not None and known.path.is_file():
            return known
        if self._bytes + len(document.data) > MAX_SAVED_BYTES:
            return None
        try:
            name = free_name(workspace, _name(document))
            path = write_into(workspace, name, document.data)
        except OSError:
            _logger.warning("A document was not kept.", exc_info=True)
            return None
        self._bytes += len(document.data)
        self._by_digest[digest] = Attachment(name, document.media_type, path, inline=False)
        return self._by_digest[digest]


def _name(document: Document) -> str:
    name = safe_name(document.name)
    if Path(name).suffix:
        return name
    return safe_name(name + (mimetypes.guess_extension(document.media_type) or ""))
