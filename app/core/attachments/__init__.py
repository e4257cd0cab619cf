"""Files and images that a user sends with a message: checked, stored, made ready for the model."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Upload", "UploadRejected"]


class UploadRejected(Exception):
    """A file that is not taken; its text is one sentence for the user."""


@dataclass(frozen=True)
class Upload:
    """A file as it came: its name is a stranger's."""

    name: str
    data: bytes | memoryview
