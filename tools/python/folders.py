"""How much room a folder takes that belongs to the code we run."""

from __future__ import annotations

import errno
import os

ENTRY = 4096  # bytes that a file or folder counts at least: its name and its inode take room
DEEPEST = 100  # folders in folders
LONGEST_PATH = 4096  # bytes, PATH_MAX of <linux/limits.h>
ROOM = 1 << 16  # bytes; where less is free, nothing is written any more


class Unmeasurable(Exception):
    """The folder has parts that can't be looked into: closed ones, or `deep` ones."""

    def __init__(self, deep: bool) -> None:
        super().__init__("too deep" if deep else "closed")
        self.deep = deep


def size(folder: int, enough: int) -> int:
    """Bytes that the open folder and all in it take on disk; stops counting beyond `enough`.

    No link is followed at the end of a path. Raises `Unmeasurable`.
    """
    total, ahead = 0, [(".", 0)]
    linked: set[int] = set()  # files with several names, which take their room once
    while ahead and total <= enough:
        path, depth = ahead.pop()
        if depth > DEEPEST:
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
                    total += _taken(entry, linked)
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


def full(folder: int | str) -> bool:
    """Whether the file system of an open folder, or of a path, takes no more files, or nothing
    more into those that there are. Raises `OSError`."""
    disk = os.statvfs(folder)
    # Some file systems count no files, and have none free.
    return disk.f_bavail * disk.f_frsize < ROOM or (disk.f_files > 0 and disk.f_favail == 0)


def _taken(entry: os.DirEntry[str], linked: set[int]) -> int:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
        if status.st_ino in linked:
            return ENTRY
        linked.add(status.st_ino)
    return max(ENTRY, status.st_blocks * 512)
