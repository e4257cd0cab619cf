"""The files of an open conversation, kept as blobs and brought back."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterable, Mapping

from app.core.history.blobs import Blobs
from app.core.history.message_json import Roots
from tools.safe_files import Stamp, listing, names_in, no_room, open_below

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""A file of a conversation: the name of its root, and its path in it."""


def changes(
    roots: Roots, known: Mapping[Key, Stamp], blobs: Blobs
) -> tuple[dict[Key, tuple[str, int]], list[Key], dict[Key, Stamp]]:
    """Keeps the files that have changed since their stamps were `known`.

    Returns digest and size of each such file, the files that are gone, and the stamps of all.
    A file that can't be opened (a link, a pipe) is no file of the conversation. Raises `OSError`
    where the disk is full.
    """
    changed: dict[Key, tuple[str, int]] = {}
    stamps: dict[Key, Stamp] = {}
    complete = True
    for root, folder in roots.items():
        if not folder.is_dir():
            continue
        found = listing(folder)
        complete &= found.complete
        for path, stamp in found.files.items():
            key = (root, path)
            if known.get(key) == stamp:
                stamps[key] = stamp
                continue
            try:
                with open_below(folder, path.split("/")) as stream:
                    changed[key] = blobs.put(stream)
            except (OSError, ValueError) as error:
                if no_room(error if isinstance(error, OSError) else None):
                    raise
                continue
            stamps[key] = stamp
    gone = [key for key in known if key not in stamps] if complete else []
    return changed, gone, stamps


def restore(roots: Roots, files: Mapping[Key, str], blobs: Blobs) -> dict[Key, Stamp]:
    """Brings the files back into their folders; returns their stamps. Files whose blob is gone,
    and such that can't be written, are left out."""
    for (root, path), digest in files.items():
        folder = roots.get(root)
        if folder is None:
            continue
        try:
            target = folder.joinpath(*names_in(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(blobs.path(digest), target)
        except (OSError, ValueError):
            log.warning("a file of a conversation could not be brought back", exc_info=True)
    stamps: dict[Key, Stamp] = {}
    for root, folder in roots.items():
        if folder.is_dir():
            with contextlib.suppress(OSError):
                found = listing(folder).files
                stamps |= {(root, path): stamp for path, stamp in found.items()}
    return stamps


def remove(roots: Roots, keys: Iterable[Key]) -> None:
    """Removes files that the conversation no longer has."""
    for root, path in keys:
        with contextlib.suppress(OSError, ValueError, KeyError):
            roots[root].joinpath(*names_in(path)).unlink(missing_ok=True)


def sentence(error: OSError) -> str:
    """Why files could not be kept, for the page."""
    why = "the disk of this server is full" if no_room(error) else "they could not be written"
    return f"Files of this conversation are not kept: {why}."
