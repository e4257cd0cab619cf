"""The form in which a file with conversations is given, and what came of it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from app.core.exchange.imports.importing import Imported, import_file
from app.core.history.database import HistoryError
from app.core.history.history import History, person_key
from app.core.sessions.session import Session
from app.ui.elements.markdown import escaped

_GIVEN = "import-number"
_DONE = "import-done"
MAX_PROBLEMS = 5
"""Sentences about what was left out that are shown; of further ones, how many."""
FORMATS = (
    "A file that this app exported (JSON or its archive), ChatGPT's export "
    "(the archive, or conversations.json), or OpenAI's messages in JSON lines."
)


def draw(history: History, visitor: str, session: Session, retention_days: float) -> None:
    """The form; an import runs while the dialog waits for it, and stops with it."""
    number = st.session_state.setdefault(_GIVEN, 0)
    file = st.file_uploader(
        FORMATS, type=["json", "zip", "jsonl", "ndjson"], key=f"import-file-{number}"
    )
    if st.button("Import", key="import-now", type="primary", disabled=file is None) and file:
        with st.spinner("Importing…", show_time=True):
            st.session_state[_DONE] = _imported(history, visitor, session, retention_days, file)
        st.session_state[_GIVEN] += 1  # an empty field
        st.rerun()  # the list beside the dialog too
    done = st.session_state.get(_DONE)
    if isinstance(done, Imported):
        _report(done)


def _imported(
    history: History, visitor: str, session: Session, retention_days: float, file: BinaryIO
) -> Imported:
    def may_keep() -> None:
        if session.meter is not None:
            session.meter.keep_another(visitor, session.address)

    try:
        with tempfile.TemporaryDirectory(prefix="glm-import-") as folder:
            path = Path(folder) / "file"
            with path.open("wb") as copy:
                shutil.copyfileobj(file, copy)
            return import_file(
                history, person_key(visitor), path, may_keep=may_keep, fresh=retention_days > 0
            )
    except HistoryError as error:
        return Imported((), (str(error),))
    except OSError:
        return Imported((), ("The file could not be kept: the disk of this server may be full.",))


def _report(done: Imported) -> None:
    count = len(done.ids)
    if count:
        what = "1 conversation was" if count == 1 else f"{count:,} conversations were"
        st.success(f"{what} imported.", icon=":material/check_circle:")
    for problem in done.problems[:MAX_PROBLEMS]:
        st.warning(escaped(problem), icon=":material/warning:")
    if (more := len(done.problems) - MAX_PROBLEMS) > 0:
        st.caption(f"And {more} more.")
