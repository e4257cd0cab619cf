"""Writing into a folder that belongs to the code we run.

What lies there may be a trap: a link that leads out of the folder, a name that is taken.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_into(folder: Path, name: str, data: bytes) -> Path:
    """Write the file `name` of `folder`, all of it at once, following no link. Raises OSError."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        folder.unlink()
    folder.mkdir(exist_ok=True)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    part = f".{secrets.token_hex(8)}.part"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(part, flags, 0o600, dir_fd=directory), "wb") as stream:
            stream.write(data)
        os.replace(part, name, src_dir_fd=directory, dst_dir_fd=directory)
    finally:
        os.close(directory)
    return folder / name
