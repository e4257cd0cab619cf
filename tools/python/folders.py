"""How much room a folder takes that belongs to the code we run."""

from __future__ import annotations

import os

ENTRY = 4096  # bytes that a file or folder counts at least: its name and its inode take room
DEEPEST = 100  # folders in folders


class Unmeasurable(Exception):
    """The folder has parts that can't be looked into: closed ones, or too deep."""


def size(folder: int, enough: int) -> int:
    """Bytes that the open folder and all in it take on disk; stops counting beyond `enough`.

    No link is followed at the end of a path. Raises `Unmeasurable`.
    """
    total, ahead = 0, [(".", 0)]
    while ahead and total <= enough:
        path, depth = ahead.pop()
        if depth > DEEPEST:
            raise Unmeasurable
        try:
            opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        except PermissionError as error:
            raise Unmeasurable from error
        except OSError:
            continue  # gone meanwhile
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    total += _taken(entry)
                    if total > enough:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append((f"{path}/{entry.name}", depth + 1))
        except OSError:
            continue
        finally:
            os.close(opened)
    return total


def free(folder: int) -> int:
    """Bytes that the disk of the open folder still takes, in files and as names (see `size`)."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize + disk.f_favail * ENTRY


def _taken(entry: os.DirEntry[str]) -> int:
    try:
        return max(ENTRY, entry.stat(follow_symlinks=False).st_blocks * 512)
    except OSError:
        return 0
