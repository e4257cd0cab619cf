"""Documents that were read on the web, kept in the workspace: for the user, and for code."""

from __future__ import annotations

import hashlib
import logging
import mimetypes
from pathlib import Path

from tools.base import Attachment
from tools.browser.base import Document
from tools.safe_files import free_name, safe_name, write_into

MAX_BYTES = 200_000_000
"""What one conversation keeps."""

_logger = logging.getLogger(__name__)


class Documents:
    """The documents of one conversation, each of them once."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Attachment] = {}
        self._bytes = 0

    def keep(self, workspace: Path, document: Document | None) -> Attachment | None:
        """The document as a file of the workspace; None where there is none, where it has no
        room, or can't be written."""
        if document is None:
            return None
        digest = hashlib.sha256(document.data).digest()
        known = self._kept.get(digest)
        if known is not None and known.path.is_file():
            return known
        if self._bytes + len(document.data) > MAX_BYTES:
            return None
        try:
            name = free_name(workspace, _name(document))
            path = write_into(workspace, name, document.data)
        except OSError:
            _logger.warning("A document was not kept.", exc_info=True)
            return None
        self._bytes += len(document.data)
        self._kept[digest] = Attachment(name, document.media_type, path, inline=False)
        return self._kept[digest]


def _name(document: Document) -> str:
    name = safe_name(document.name)
    if Path(name).suffix:
        return name
    return safe_name(name + (mimetypes.guess_extension(document.media_type) or ""))
