"""Files that a call has written or changed in its workspace."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from tools.base import Attachment, file_size
from tools.files import Listing

MOST = 20  # files of one call that are offered


def made_files(
    workspace: Path, before: Listing, after: Listing
) -> tuple[Sequence[str], tuple[Attachment, ...]]:
    """What was written between the two listings: lines for the model, and the files to offer.

    The latest come first where there are too many to offer.
    """
    changed = [
        path
        for path, stamp in after.files.items()
        if before.files.get(path) != stamp and (before.complete or path in before.files)
    ]
    offered = sorted(changed, key=lambda path: -after.files[path][1])[:MOST]
    offered.sort()
    lines = [f"[file {path}: {file_size(after.files[path][0])}]" for path in offered]
    rest = len(changed) - len(offered)
    if not after.complete:
        lines.append("[more files were written than can be listed]")
    elif rest:
        lines.append(f"[{rest:,} more file{'' if rest == 1 else 's'} written, not listed]")
    return lines, tuple(_attachment(workspace, path) for path in offered)


def _attachment(workspace: Path, path: str) -> Attachment:
    mime = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return Attachment(path, mime, workspace / path, inline=False)
