"""The JSON file from which the page draws one browser call.

{"kind": "search", "query": "sea otters", "results": [{"id": 0, "title": …, "url": …,
 "host": …, "snippet": …, "published": "2026-05-01" or null}], "notes": []}
{"kind": "read", "pages": [{"id": 0, "url": …, "host": …, "title": …, "status": 200,
 "read_at": "2026-…", "first": 1, "last": 40, "lines": 412, "note": "",
 "screenshot": "page-0.jpg" or null} or {"id": 1, "url": …, "host": …, "error": "404 …"}]}
{"kind": "find", "pattern": …, "pages": […]}      as for "read"
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from tools.base import PAGE_ONLY, Attachment
from tools.browser.base import Page
from tools.browser.sources import Source, host_of
from tools.media import BROWSER_STEP
from tools.safe_files import write_into

STEP: Final = BROWSER_STEP
FOLDER: Final = PAGE_ONLY
"""The hidden folder of a workspace for steps and screenshots."""

Kind = Literal["read", "find"]
_logger = logging.getLogger(__name__)


def search_step(query: str, results: Sequence[Source], notes: Sequence[str]) -> dict[str, Any]:
    """The step of a search."""
    shown = [
        {
            "id": each.id,
            "title": each.title,
            "url": each.url,
            "host": each.host,
            "snippet": each.snippet,
            "published": each.published.isoformat() if each.published else None,
        }
        for each in results
    ]
    return {"kind": "search", "query": query, "results": shown, "notes": list(notes)}


def page_step(
    source: Source, page: Page, first: int, last: int, picture: Attachment | None = None
) -> dict[str, Any]:
    """The entry of a page that was read; `first` and `last` are the lines that the model saw."""
    return {
        "id": source.id,
        "url": page.url,
        "host": source.host,
        "title": source.title,
        "status": page.status,
        "read_at": page.read_at.isoformat(),
        "first": first,
        "last": last,
        "lines": len(page.lines),
        "note": page.note,
        "screenshot": picture.name if picture else None,
    }


def failed_step(id: int, url: str, why: str) -> dict[str, Any]:
    """The entry of a page that could not be read."""
    return {"id": id, "url": url, "host": host_of(url), "error": why}


def step_file(workspace: Path, name: str, step: Mapping[str, Any]) -> Attachment | None:
    """Writes a step as JSON; None where that fails, which affects only the page's drawing."""
    return _written(workspace, f"{name}.json", STEP, json.dumps(step, ensure_ascii=False).encode())


def screenshot_file(workspace: Path, name: str, picture: bytes) -> Attachment | None:
    """Writes a JPEG or PNG screenshot; None for other data, and where it can't be written."""
    if picture.startswith(b"\xff\xd8"):
        return _written(workspace, f"{name}.jpg", "image/jpeg", picture)
    if picture.startswith(b"\x89PNG"):
        return _written(workspace, f"{name}.png", "image/png", picture)
    return None


def _written(workspace: Path, name: str, mime: str, data: bytes) -> Attachment | None:
    try:
        return Attachment(name, mime, write_into(workspace / FOLDER, name, data))
    except OSError:
        _logger.warning("A step of the browser was not written.", exc_info=True)
        return None
