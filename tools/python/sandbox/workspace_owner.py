"""Whose a workspace is: where the server is root, a user id that nothing else has.

Then the code in a sandbox owns no file of root's, and what the system counts by user (processes)
it counts for one session alone.
"""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path

# Ids that the usual tools give to nobody but containers (systemd's "Users, Groups, UIDs and GIDs").
# Where fewer are there, in a container, the upper half of them.
_HIGHEST = (1 << 31) - 2
_FEWEST = 10_000


def owner_of(workspace: Path) -> int | None:
    """The user for the code that works there; None where it has to be the server's own."""
    ids = _spare_ids()
    if ids is None:
        return None
    user = workspace.stat().st_uid
    return user if user in ids else random.SystemRandom().choice(ids)


def give(folder: Path, user: int | None) -> None:
    """Give the folder and what the server put there to `user`. Raises OSError.

    What is the user's already is not looked into, and no link is followed.
    """
    if user is None:
        return
    os.chown(folder, user, user, follow_symlinks=False)
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _give_all(opened, user)
    finally:
        os.close(opened)


def give_new(folder: Path) -> None:
    """The same for what was put into a folder that `give` gave. Raises OSError."""
    user = folder.stat().st_uid
    if os.geteuid() == 0 and user != 0:
        give(folder, user)


def _give_all(folder: int, user: int) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_uid == user:
                    continue
                os.chown(entry.name, user, user, dir_fd=folder, follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                    inner = os.open(entry.name, flags, dir_fd=folder)
                    try:
                        _give_all(inner, user)
                    finally:
                        os.close(inner)


def _spare_ids() -> range | None:
    """Users that root may make a process run as, and that are nobody's."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    try:
        first, _, count = map(int, Path("/proc/self/uid_map").read_text().split()[-3:])
    except (OSError, ValueError):
        return None
    highest = min(first + count - 2, _HIGHEST)
    return range(highest // 2, highest) if count >= _FEWEST else None
