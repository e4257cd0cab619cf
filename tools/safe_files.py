"""Safe access to files in a folder that untrusted code can write to.

Entries of such a folder may be hostile: a symbolic link that leads out of the folder, a name that
is already taken, a FIFO without a writer, a million entries.
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
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_ENTRIES = 10_000  # entries that a listing reads, subfolders included
DEEPEST = 16  # levels of nested folders in a listing; each level holds a file descriptor
MAX_NAME_BYTES = 120  # in UTF-8; file systems allow 255
MAX_DEPTH = 100  # levels of nested folders whose size is measured
MAX_PATH_BYTES = 4096  # PATH_MAX of <linux/limits.h>
ENTRY_BYTES = 4096  # counted for a file or folder at least, for its name and inode

# With O_PATH, Linux opens a folder that has search permission but no read permission.
_FOLDER_PATH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Stamp = tuple[int, int, int]
"""Size in bytes, modification time in nanoseconds, inode; a changed file has another stamp."""


@dataclass(frozen=True)
class Listing:
    """Regular files by their paths relative to a folder.

    `complete` is False where the folder has more entries than the listing was allowed to read.
    """

    files: Mapping[str, Stamp]
    complete: bool

    @property
    def size(self) -> int:
        """Total size of the files in bytes."""
        return sum(size for size, _, _ in self.files.values())


def no_room(error: BaseException | None) -> bool:
    """Whether an error means that the disk, or the quota on it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def why_not_written(error: OSError) -> str:
    """A clause that says why a file could not be written, for the end of a sentence."""
    return "the disk of this server is full" if no_room(error) else "it could not be written"


def write_into(folder: Path, name: str, data: bytes | memoryview) -> Path:
    """Write the file `name` of `folder` atomically, following no link. Returns its path.

    Raises OSError.
    """
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
    """Hard-link the regular file at the absolute path `source` as `name` in `folder`.

    `folder` must be on the same file system. No link is followed, and an existing entry of that
    name is replaced. Returns the new path. Raises OSError.
    """
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
            # Renaming between two links to the same file leaves both in place: see rename(2).
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part, dir_fd=directory)
        finally:
            os.close(directory)
    finally:
        os.close(parent)
    return folder / name


def _opened(folder: Path) -> int:
    """A descriptor of `folder`, which is created where it is missing or not a folder."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        folder.unlink()
    if not folder.exists():
        folder.mkdir()
        _take_owner(folder, folder.parent.stat())
    return os.open(folder, _FOLDER_READ)


def _take_owner(entry: Path | int, folder: os.stat_result) -> None:
    """Give an entry that root created to the owner of its folder.

    See `tools.python.sandbox.bubblewrap`.
    """
    if folder.st_uid and os.geteuid() == 0:
        os.chown(entry, folder.st_uid, folder.st_gid)


def give_folder(folder: Path, user: int | None) -> None:
    """Make `user` the owner of the folder and of the server's files in it. Raises OSError.

    Folders that belong to the user are not entered, and symbolic links are not followed.
    """
    if user is None:
        return
    os.chown(folder, user, user, follow_symlinks=False)
    opened = os.open(folder, _FOLDER_READ)
    try:
        _give_all(opened, user)
    finally:
        os.close(opened)


def give_new_files(folder: Path) -> None:
    """Make the owner of the folder the owner of new files in it. Raises OSError."""
    user = folder.stat().st_uid
    if os.geteuid() == 0 and user != 0:
        give_folder(folder, user)


def _give_all(folder: int, user: int) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_uid == user:
                    continue
                os.chown(entry.name, user, user, dir_fd=folder, follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    inner = os.open(entry.name, _FOLDER_READ, dir_fd=folder)
                    try:
                        _give_all(inner, user)
                    finally:
                        os.close(inner)


def open_regular(path: Path) -> BinaryIO:
    """Open the regular file at an absolute path, no part of which is a link. Raises OSError."""
    folder = _parent(path)
    try:
        # Without O_NONBLOCK, opening a FIFO blocks until it has a writer.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(path.name, flags, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "not a regular file")
    return os.fdopen(file, "rb")


def names_in(path: str) -> tuple[str, ...]:
    """The parts of an untrusted relative path to something below a folder.

    Raises `ValueError` for a path that is absolute or not in its normal form.
    """
    names = tuple(path.split("/"))
    if "\0" in path or not {"", ".", ".."}.isdisjoint(names):
        raise ValueError("not a normal relative path")
    return names


def open_below(folder: Path, names: Sequence[str]) -> BinaryIO:
    """Open the regular file at the path of `names` below `folder`, none of which may be a link.

    Raises `OSError`, and `ValueError` as `names_in` does.
    """
    above = folder.parent.resolve()
    return open_regular(above.joinpath(folder.name, *names_in("/".join(names))))


def _parent(path: Path) -> int:
    """A descriptor of the parent folder of an absolute path, no part of which is a link."""
    if not path.is_absolute() or ".." in path.parts:
        raise OSError(errno.EINVAL, "not an absolute path")
    folder = os.open(path.anchor, _FOLDER_PATH)
    try:
        for part in path.parts[1:-1]:
            inner = os.open(part, _FOLDER_PATH, dir_fd=folder)
            os.close(folder)
            folder = inner
    except OSError:
        os.close(folder)
        raise
    return folder


def read_regular(path: Path, max_bytes: int) -> bytes:
    """The content of a file that `open_regular` accepts.

    Raises OSError, also for a file of more than `max_bytes` bytes.
    """
    with open_regular(path) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(errno.EFBIG, "too large")
    return data


def listing(folder: Path, max_entries: int = MAX_ENTRIES, *, odd: bool = False) -> Listing:
    """The regular files below `folder` that are not hidden, following no link.

    At most `max_entries` entries are read. Names that are not text (see `is_text`) are skipped
    unless `odd` is True.
    """
    files: dict[str, Stamp] = {}
    with contextlib.suppress(OSError):
        entries = _entries(os.open(folder, _FOLDER_READ), "", DEEPEST, odd)
        with contextlib.closing(entries):
            for seen, (path, stamp) in enumerate(entries):
                if seen == max_entries:
                    return Listing(files, False)
                if stamp is not None:
                    files[path] = stamp
    return Listing(files, True)


def _entries(
    folder: int, above: str, deeper: int, odd: bool
) -> Generator[tuple[str, Stamp | None]]:
    """The entries of a folder and its subfolders: path and stamp, which is None for others than
    regular files.

    `folder` is an open descriptor, which this generator closes.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path, stamp, inner = above + entry.name, None, None
                with contextlib.suppress(OSError):  # deleted meanwhile, or not readable
                    found = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
                    if entry.name.startswith(".") or not (odd or is_text(entry.name)):
                        pass
                    elif stat.S_ISREG(found.st_mode):
                        stamp = (found.st_size, found.st_mtime_ns, found.st_ino)
                    elif stat.S_ISDIR(found.st_mode) and deeper and entry.name != "__pycache__":
                        inner = os.open(entry.name, _FOLDER_READ, dir_fd=folder)
                yield path, stamp
                if inner is not None:
                    yield from _entries(inner, f"{path}/", deeper - 1, odd)
    finally:
        os.close(folder)


class Unmeasurable(Exception):
    """A part of the folder can't be read: nested too deep (`deep`), or permission denied."""

    def __init__(self, deep: bool) -> None:
        super().__init__("too deep" if deep else "closed")
        self.deep = deep


def folder_bytes(folder: int, max_bytes: int) -> int:
    """Bytes on disk of the open folder and all its contents; counting stops beyond `max_bytes`.

    Symbolic links are not followed. Raises `Unmeasurable`.
    """
    # Top-down, so that of several unmeasurable parts the uppermost one is reported, in whatever
    # order the file system lists a folder.
    total, pending = 0, deque([(".", 0)])
    linked: set[int] = set()  # inodes of files with several names, counted once
    while pending and total <= max_bytes:
        path, depth = pending.popleft()
        if depth > MAX_DEPTH:
            raise Unmeasurable(deep=True)
        try:
            opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        except PermissionError as error:
            raise Unmeasurable(deep=False) from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise Unmeasurable(deep=True) from error
            continue  # gone meanwhile
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    total += _entry_bytes(entry, linked)
                    if total > max_bytes:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((f"{path}/{entry.name}", depth + 1))
        except OSError:
            continue
        finally:
            os.close(opened)
    return total


def _entry_bytes(entry: os.DirEntry[str], linked: set[int]) -> int:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
        if status.st_ino in linked:
            return ENTRY_BYTES
        linked.add(status.st_ino)
    return max(ENTRY_BYTES, status.st_blocks * 512)


# Control characters, lone surrogates, line separators, and characters that change the reading
# direction: "annexe\u202etxt.exe" is displayed as if it ended in ".txt".
_NOT_TEXT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def is_text(name: str) -> bool:
    """Whether a name can be displayed in a line of text without misleading its reader."""
    return _NOT_TEXT.search(name) is None


def delete_folder(folder: Path) -> None:
    """Delete a folder and its content, at any depth and without write permission too."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if os.path.lexists(folder):
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            with contextlib.suppress(OSError):
                subprocess.run([*command, "--", folder], capture_output=True)


def safe_name(name: str, instead: str = "") -> str:
    """An untrusted file name as a harmless one of at most `MAX_NAME_BYTES`.

    `instead` replaces each character that is not text (see `is_text`).
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = _NOT_TEXT.sub(instead, last)
    stem, dot, ending = " ".join(kept.split()).lstrip(". ").rstrip(". ").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    ending = _shortened(ending, MAX_NAME_BYTES // 4)
    stem = _shortened(stem, MAX_NAME_BYTES - len(ending.encode()) - 1).rstrip(". ")
    return f"{stem or 'file'}.{ending}" if ending else stem or "file"


def free_name(folder: Path, name: str) -> str:
    """`name`, with a number added where `folder` already has an entry of that name."""
    path = Path(name)
    number = 2
    while os.path.lexists(folder / name):
        name = f"{path.stem} ({number}){path.suffix}"
        number += 1
    return name


def _shortened(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore")
