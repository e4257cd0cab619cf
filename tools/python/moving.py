"""A kernel that was started ahead takes over a session's folder.

The kernel's own folder is its working directory, and in a sandbox it is bound into it: both
follow the folder itself, not its name. So the session's files move into the kernel's folder, and
that takes the name of the session's.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path

MOST = 1000
"""Entries of a workspace that are moved; with more a kernel started in it is there sooner."""


class TooMany(OSError):
    """The workspace has more than `MOST` entries."""


def move_in(own: Path, workspace: Path) -> None:
    """Rename the folder `own` to `workspace`, with what lies there in it.

    No link is followed: entries move as they are. Both lie in one file system. Raises OSError,
    and then everything is where it was.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        source, target = os.open(workspace, flags), os.open(own, flags)
        stack.callback(os.close, source)
        stack.callback(os.close, target)
        with os.scandir(source) as entries:
            names = [entry.name for entry in islice(entries, MOST + 1)]
        if len(names) > MOST:
            raise TooMany("The workspace has too many entries to be moved.")
        moved: list[str] = []
        try:
            for name in names:
                os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
                moved.append(name)
            os.rename(own, workspace)  # in the place of an empty folder, at once
        except OSError:
            for name in moved:
                with suppress(OSError):
                    os.rename(name, name, src_dir_fd=target, dst_dir_fd=source)
            raise
