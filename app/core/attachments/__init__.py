"""Files and images of a message: checked, stored and prepared for the model."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Upload", "UploadRejected"]


class UploadRejected(Exception):
    """A file was rejected; the text is one sentence for the user."""


@dataclass(frozen=True)
class Upload:
    """An uploaded file; its name is untrusted."""

    name: str
    data: bytes | memoryview
