"""The documents of a closed conversation, as JSON among its choices."""

from __future__ import annotations

import logging
from typing import Any

from app.core.document_qa.session_documents import READING_MODES, SessionDocuments
from app.core.document_qa.store import KeptDocument
from app.core.history.message_json import BadMessage, Roots, part_from_json, part_to_json
from backends.messages import Document

log = logging.getLogger(__name__)


def documents_to_json(documents: SessionDocuments, roots: Roots) -> dict[str, Any]:
    """The documents with their numbers and selected pages, and how they are read."""
    return {
        "mode": documents.mode,
        "documents": [
            {
                **part_to_json(each.document, roots),
                "first": each.first, "pages": each.pages, "selected": each.selected,
            }
            for each in documents.store.kept()
        ],
    }  # fmt: skip


def restore_documents(documents: SessionDocuments, data: object, roots: Roots) -> None:
    """Begins to read the documents again; what is no document of ours is left out."""
    if not isinstance(data, dict):
        return
    documents.mode = next((m for m in READING_MODES if m == data.get("mode")), documents.mode)
    kept = []
    for each in data.get("documents") or ():
        try:
            part = part_from_json(each, roots)
            selected = each.get("selected")
            ranges = None if selected is None else tuple((int(a), int(b)) for a, b in selected)
            numbers = int(each.get("first") or 0), int(each.get("pages") or 0)
        except (BadMessage, TypeError, ValueError):
            log.warning("a kept document could not be read", exc_info=True)
            continue
        if isinstance(part, Document):
            kept.append(KeptDocument(part, *numbers, ranges))
    documents.store.restore(kept)
