"""Files in a folder that belongs to the code we run.

What lies there may be a trap: a link that leads out of the folder, a name that is taken, a fifo
that nobody writes to, a million entries.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import subprocess
import unicodedata
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_ENTRIES = 10_000  # of a folder and those below it that are looked at
DEEPEST = 16  # folders below one another; each holds a file descriptor meanwhile
MAX_NAME_BYTES = 120  # bytes of a name in UTF-8; file systems take 255

# Linux can open a folder that it may only pass through.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Stamp = tuple[int, int, int]
"""Size in bytes, time of the last change in nanoseconds, inode: what tells a changed file."""


@dataclass(frozen=True)
class Listing:
    """Regular files by their paths below a folder. Not `complete` where there were too many."""

    files: Mapping[str, Stamp]
    complete: bool

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(size for size, _, _ in self.files.values())


def no_room(error: BaseException | None) -> bool:
    """Whether a file could not be written because the disk, or the quota on it, is used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def why_not_written(error: OSError) -> str:
    """Half a sentence on a file that could not be written."""
    return "the disk of this server is full" if no_room(error) else "it could not be written"


def write_into(folder: Path, name: str, data: bytes | memoryview) -> Path:
    """Write the file `name` of `folder`, all of it at once, following no link. Raises OSError."""
    directory = _opened(folder)
    part = f".{secrets.token_hex(8)}.part"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(part, flags, 0o600, dir_fd=directory), "wb") as stream:
            stream.write(data)
            _take_owner(stream.fileno(), os.fstat(directory))
        os.replace(part, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(part, dir_fd=directory)
        raise
    finally:
        os.close(directory)
    return folder / name


def link_into(folder: Path, name: str, source: Path) -> Path:
    """Give the regular file at an absolute path a second name in `folder`, of its file system,
    following no link; what had that name is replaced. Raises OSError."""
    parent = _parent(source)
    try:
        directory = _opened(folder)
        part = f".{secrets.token_hex(8)}.part"
        try:
            os.link(
                source.name, part, src_dir_fd=parent, dst_dir_fd=directory, follow_symlinks=False
            )
            if stat.S_ISREG(os.stat(part, dir_fd=directory, follow_symlinks=False).st_mode):
                os.replace(part, name, src_dir_fd=directory, dst_dir_fd=directory)
            # Of two names for one file the first stays as well: see rename(2).
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part, dir_fd=directory)
        finally:
            os.close(directory)
    finally:
        os.close(parent)
    return folder / name


def _opened(folder: Path) -> int:
    """A folder to write into, made where there is none or something else."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        folder.unlink()
    if not folder.exists():
        folder.mkdir()
        _take_owner(folder, folder.parent.stat())
    return os.open(folder, _LISTED)


def _take_owner(entry: Path | int, folder: os.stat_result) -> None:
    """Let who owns a folder own what root puts there:
    see `tools.python.sandbox.bubblewrap`."""
    if folder.st_uid and os.geteuid() == 0:
        os.chown(entry, folder.st_uid, folder.st_gid)


def open_regular(path: Path) -> BinaryIO:
    """Open the regular file at an absolute path, no part of which is a link. Raises OSError."""
    folder = _parent(path)
    try:
        # Without O_NONBLOCK a fifo would wait for somebody who writes to it.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(path.name, flags, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "not a regular file")
    return os.fdopen(file, "rb")


def names_in(path: str) -> tuple[str, ...]:
    """The names in a path that a stranger gives, which leads from a folder down to something below
    it. Raises `ValueError` for a path that is absolute, or not in its normal form."""
    names = tuple(path.split("/"))
    if "\0" in path or not {"", ".", ".."}.isdisjoint(names):
        raise ValueError("not a normal relative path")
    return names


def open_below(folder: Path, names: Sequence[str]) -> BinaryIO:
    """Open the regular file at those names below `folder`, neither of which may be a link.

    Raises `OSError`, and `ValueError` as `names_in` does.
    """
    above = folder.parent.resolve()
    return open_regular(above.joinpath(folder.name, *names_in("/".join(names))))


def _parent(path: Path) -> int:
    """The folder of what lies at an absolute path, no part of which is a link."""
    if not path.is_absolute() or ".." in path.parts:
        raise OSError(errno.EINVAL, "not an absolute path")
    folder = os.open(path.anchor, _FOLDER)
    try:
        for part in path.parts[1:-1]:
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
    except OSError:
        os.close(folder)
        raise
    return folder


def read_regular(path: Path, most: int) -> bytes:
    """What `open_regular` opens, read whole. Raises OSError, also above `most` bytes."""
    with open_regular(path) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, "too large")
    return data


def listing(folder: Path, most: int = MAX_ENTRIES, *, odd: bool = False) -> Listing:
    """The regular files below `folder` that are not hidden, following no link.

    Names that are no text (see `is_text`) are passed over, unless `odd` ones are asked for.
    """
    files: dict[str, Stamp] = {}
    with contextlib.suppress(OSError):
        entries = _entries(os.open(folder, _LISTED), "", DEEPEST, odd)
        with contextlib.closing(entries):
            for seen, (path, stamp) in enumerate(entries):
                if seen == most:
                    return Listing(files, False)
                if stamp is not None:
                    files[path] = stamp
    return Listing(files, True)


def _entries(
    folder: int, above: str, deeper: int, odd: bool
) -> Generator[tuple[str, Stamp | None]]:
    """Every entry of an open folder, which is closed, and below it; a stamp for each file."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path, stamp, inner = above + entry.name, None, None
                with contextlib.suppress(OSError):  # gone since, or not ours to read
                    found = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
                    if entry.name.startswith(".") or not (odd or is_text(entry.name)):
                        pass
                    elif stat.S_ISREG(found.st_mode):
                        stamp = (found.st_size, found.st_mtime_ns, found.st_ino)
                    elif stat.S_ISDIR(found.st_mode) and deeper and entry.name != "__pycache__":
                        inner = os.open(entry.name, _LISTED, dir_fd=folder)
                yield path, stamp
                if inner is not None:
                    yield from _entries(inner, f"{path}/", deeper - 1, odd)
    finally:
        os.close(folder)


# Control characters, halves of surrogate pairs, line separators, and what turns the reading
# direction round: "annexe\u202etxt.exe" reads as a text.
_NO_TEXT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def is_text(name: str) -> bool:
    """Whether a name can stand in a line of text, and be read as what it is."""
    return _NO_TEXT.search(name) is None


def delete_folder(folder: Path) -> None:
    """Delete a folder and all in it, however deep its folders are, or closed to their owner."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if os.path.lexists(folder):
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            with contextlib.suppress(OSError):
                subprocess.run([*command, "--", folder], capture_output=True)


def safe_name(name: str, instead: str = "") -> str:
    """A name that a stranger gave a file, as one that does no harm in any folder; with `instead`
    in place of each character that is no text."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = _NO_TEXT.sub(instead, last)
    stem, dot, ending = " ".join(kept.split()).lstrip(". ").rstrip(". ").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    ending = _shortened(ending, MAX_NAME_BYTES // 4)
    stem = _shortened(stem, MAX_NAME_BYTES - len(ending.encode()) - 1).rstrip(". ")
    return f"{stem or 'file'}.{ending}" if ending else stem or "file"


def free_name(folder: Path, name: str) -> str:
    """`name`, with a number where `folder` has an entry of that name already."""
    path = Path(name)
    number = 2
    while os.path.lexists(folder / name):
        name = f"{path.stem} ({number}){path.suffix}"
        number += 1
    return name


def _shortened(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")
