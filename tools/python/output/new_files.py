"""Files that a call has written or changed in its workspace."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from collections.abc import Sequence
from pathlib import Path

from tools.base import Attachment, file_size
from tools.python.output.displays import OUTPUT_FOLDER
from tools.safe_files import Listing, is_text, link_into, safe_name

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
    lines, files = [], []
    for path in offered:
        shown, file = _offer(workspace, path)
        lines.append(f"[file {shown}: {file_size(after.files[path][0])}]")
        files += [file] if file is not None else []
    rest = len(changed) - len(offered)
    if not after.complete:
        lines.append("[more files were written than can be listed]")
    elif rest:
        lines.append(f"[{rest:,} more file{'' if rest == 1 else 's'} written, not listed]")
    return lines, tuple(files)


def _offer(workspace: Path, path: str) -> tuple[str, Attachment | None]:
    """What a file is called for the model, and the file; None where it can't be offered.

    One whose name is no text (it has a line end in it, or bytes that are no UTF-8) is offered
    under another name: in a page, an address or a list nobody could tell what it is.
    """
    mime = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if is_text(path):
        return path, Attachment(path, mime, workspace / path, inline=False)
    name = safe_name(Path(path).name, instead="_")
    mark = hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
    try:
        # A folder of its own: the file is downloaded under the name that it has there.
        linked = link_into(workspace / f"{OUTPUT_FOLDER}-{mark}", name, workspace / path)
    except OSError:
        return f"{path!r} is not offered to the user, for its name", None
    return f"{path!r}, offered to the user as {name}", Attachment(name, mime, linked, inline=False)
