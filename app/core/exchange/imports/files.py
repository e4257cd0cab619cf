"""Files of an import, kept as blobs: from an archive, or written out in the JSON itself."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import re

from app.core.attachments import UploadRejected
from app.core.attachments.images import prepared
from app.core.exchange.imports.archive import Source
from app.core.exchange.imports.drafts import FOLDERS, KeptFile
from app.core.history.blobs import Blobs
from backends.messages import Document, Picture, Text
from tools.media import PICTURES, PictureRefused, picture_size
from tools.safe_files import DEEPEST, is_text, names_in, safe_name

MAX_FILE_BYTES = 500_000_000
MAX_PICTURE_BYTES = 50_000_000
_DATA_URL = re.compile(r"data:image/[\w.+-]{1,40};base64,", re.ASCII)


class Files:
    """Keeps the files of one import. Methods raise `BadImport`, and `OSError` for a full disk."""

    def __init__(self, source: Source, blobs: Blobs) -> None:
        self._source, self._blobs = source, blobs
        self._kept: dict[str, tuple[str, int]] = {}  # a file may be in many conversations

    def keep(self, member: str, root: str, path: str) -> KeptFile | None:
        """A file of the archive under a path of the conversation; None where it is not there, its
        path leads elsewhere, or it says that it is a picture and is none."""
        if root not in FOLDERS or not is_inner(path):
            return None
        if root == "pictures" and not path.endswith(".original"):
            data = self.read(member, MAX_PICTURE_BYTES)
            with contextlib.suppress(PictureRefused):
                if data is not None and picture_size(data):
                    return KeptFile(root, path, *self._blobs.put(io.BytesIO(data)))
            return None
        if member not in self._kept:
            stream = self._source.open(member)
            if stream is None:
                return None
            with stream:
                self._kept[member] = self._blobs.put(stream)
        return KeptFile(root, path, *self._kept[member])

    def read(self, member: str, most: int) -> bytes | None:
        """A file of the archive, None where it is not there or larger."""
        stream = self._source.open(member)
        if stream is None:
            return None
        with stream:
            data = stream.read(most + 1)
        return data if len(data) <= most else None

    def picture(self, data: bytes, name: str, number: int) -> tuple[Picture, KeptFile] | None:
        """A picture of a message, in the form that models get; None for what is none."""
        try:
            made = prepared(data, name)
        except UploadRejected:
            return None
        path = f"{number:04}.{PICTURES[made.mime]}"
        kept = KeptFile("pictures", path, *self._blobs.put(io.BytesIO(made.data)))
        return Picture(FOLDERS["pictures"] / path, made.mime, safe_name(name)), kept

    def document(
        self, member: str, name: str, mime: str, number: int
    ) -> tuple[Document, KeptFile] | None:
        """A file of the archive as one that came with a message, None where it is not there."""
        path = f"{number:04} {safe_name(name)}"
        kept = self.keep(member, "workspace", path)
        if kept is None:
            return None
        return Document(FOLDERS["workspace"] / path, mime[:200], safe_name(name), kept.size), kept


def is_inner(path: str) -> bool:
    """Whether a path can only be one below a conversation's folder."""
    try:
        names = names_in(path)
    except ValueError:
        return False
    fits = all(len(name.encode("utf-8", "replace")) <= 255 for name in names)
    return fits and len(names) <= DEEPEST and is_text(path)


def in_data_url(url: str) -> bytes | None:
    """The picture that a data: URL holds, None for another URL."""
    head = _DATA_URL.match(url)
    if head is None or len(url) > 2 * MAX_PICTURE_BYTES:
        return None
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        return None


def absent(kind: str, name: str) -> Text:
    """What stands for a file that is not in the import."""
    shown = " ".join(name.split())[:200]
    return Text(
        f"[{kind} {shown}: not in the import]\n" if shown else f"[{kind}: not in the import]\n"
    )
