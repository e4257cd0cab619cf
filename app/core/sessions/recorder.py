"""One open conversation and its place in the history: written as it happens, read when opened."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.attachments.images import pictures_folder
from app.core.conversation import Conversation
from app.core.history import workspace_files
from app.core.history.database import HistoryError
from app.core.history.history import History
from app.core.history.message_json import BadMessage, Roots, from_json, to_json
from app.core.history.quotations import quotations_from_json, quotations_to_json
from app.core.history.stored import Row, RunningRow, Stored
from app.core.history.tree import MessageTree
from app.core.modes import Mode
from app.core.rendering.citations import CitationCache
from app.core.sessions.live_turn import TurnSnapshot
from backends.messages import Message, Text, identified
from tools.base import ToolResult

log = logging.getLogger(__name__)

RUNNING_INTERVAL_S = 1.0
"""Between two stores of an answer that is being written; what a kill may lose of it."""

PAUSE_S = 15.0
"""After a write that failed, in which only the turn's end tries again: each try may wait for
`BUSY_TIMEOUT_S`, and the turn with it."""

INTERRUPTED = "The server stopped while this was written. What was said so far is kept."
UNKNOWN_CALL = (
    "The server stopped before this call ended: it is not known how far it came, and it was not "
    "run again."
)


def roots_of(workspace: Path) -> Roots:
    """The folders of a conversation's files by name, see `message_json`."""
    return {"workspace": workspace, "pictures": pictures_folder(workspace)}


class Recorder:
    """Writes one conversation of one person. Its methods never raise: where the history can't be
    written, `problem` says so, and what is missing is written with the next message.

    `save` and `running` are called by one turn at a time; the rest by any thread.
    """

    def __init__(
        self, history: History | None, person: str, id: str, mode: Mode, workspace: Path
    ) -> None:
        """Without a `history` the conversation is a temporary one: its branches are known, and
        nothing is written."""
        self.history, self.person, self.id, self.mode = history, person, id, mode
        self.roots = roots_of(workspace)
        self.problem = ""
        self.stored = False
        """Whether the conversation is in the history."""
        self.tree = MessageTree()
        self._lock = threading.RLock()
        self._messages: dict[str, Message] = {}
        self._stored: set[str] = set()
        self._stamps: dict[tuple[str, str], Any] = {}
        self._written = 0.0
        self._failed = 0.0
        self._closed = False

    def close(self) -> None:
        """Writes nothing any more, not even what is about to be."""
        with self._lock:
            self._closed = True

    # -- writing ---------------------------------------------------------------------------------

    def save(
        self,
        conversation: Conversation,
        citations: CitationCache | None = None,
        *,
        finished: bool = True,
        choices: Mapping[str, Any] | None = None,
        model: str = "",
        title: str = "",
    ) -> None:
        """Stores the messages that are new, and that the branch that they end is shown.

        `finished` says that no answer is being written any more; `title` names a conversation in
        which nothing was said yet.
        """
        with self._lock:
            ids = [message.id for message in conversation.messages]
            self.tree.add(ids)
            for message in conversation.messages:
                self._messages.setdefault(message.id, message)
            if (history := self._open_history) is None:
                return
            rows = []
            new = [m for m in self._messages.values() if m.id not in self._stored]
            for message in new:
                quoted = "[]"
                if citations is not None and message.role == "assistant":
                    quoted = quotations_to_json(message.text, citations)
                rows.append(self._row(message, quoted))
            attached = [message for message in new if message.attached or message.result]

            def write() -> None:
                history.save(
                    self.person, self.id, self.mode, rows, ids[-1] if ids else None,
                    finished=finished, choices=choices, model=model, title=title,
                )  # fmt: skip
                self._stored.update(row.id for row in rows)
                self.stored = True

            if self._tried(write, anyway=finished) and (attached or not ids):
                self.save_files()

    def running(self, snapshot: Callable[[], TurnSnapshot], conversation: Conversation) -> None:
        """Stores the answer that is being written, at most once in `RUNNING_INTERVAL_S`."""
        now = time.monotonic()
        if (history := self._open_history) is None or now - self._written < RUNNING_INTERVAL_S:
            return
        self._written = now
        live = snapshot()
        last = conversation.messages[-1].id if conversation.messages else None
        body = json.dumps(
            {
                "text": live.text,
                "reasoning": live.reasoning,
                "calls": [
                    {
                        "id": each.call.id, "name": each.call.name, "input": each.call.input,
                        "state": each.state, "progress": each.progress,
                    }
                    for each in live.calls
                ],
                "notice": live.notice,
            }
        )  # fmt: skip
        self._tried(lambda: history.save_running(self.id, last, body))

    def save_files(self) -> None:
        """Keeps the files of the conversation that are new or changed."""
        with self._lock:
            if (history := self._open_history) is None or not self.stored:
                return  # nothing was said yet, and no conversation is listed
            try:
                changed, gone, stamps = workspace_files.changes(
                    self.roots, self._stamps, history.blobs
                )
            except OSError as error:
                log.warning("files could not be kept", exc_info=True)
                self.problem = workspace_files.sentence(error)
                return
            if (changed or gone) and self._tried(
                lambda: history.save_files(self.id, changed, gone)
            ):
                self._stamps = stamps

    def show(self, id: str) -> Conversation | None:
        """The newest branch through a message, which is shown from now on; None where the message
        is not of this conversation."""
        with self._lock:
            if id not in self.tree.parents:
                return None
            head = self.tree.leaf(id)
            if (history := self._open_history) is not None:
                self._tried(lambda: history.set_head(self.person, self.id, head))
            return self._path(head)

    @property
    def _open_history(self) -> History | None:
        return None if self._closed else self.history

    def _tried(self, write: Callable[[], None], anyway: bool = False) -> bool:
        if self.problem and not anyway and time.monotonic() - self._failed < PAUSE_S:
            return False
        try:
            write()
        except HistoryError as error:
            self.problem = f"{error} This conversation is kept in memory only for now."
            self._failed = time.monotonic()
            return False
        self.problem = ""
        return True

    def _row(self, message: Message, citations: str) -> Row:
        body = json.dumps(to_json(message, self.roots))
        text = message.text if message.role in ("user", "assistant") else ""
        parent = self.tree.parents[message.id]
        return Row(message.id, parent, message.role, body, text, citations)

    # -- reading ---------------------------------------------------------------------------------

    def open(self, stored: Stored, citations: CitationCache | None) -> Conversation:
        """Takes over a stored conversation: files, messages, and how it was interrupted."""
        assert self.history is not None
        with self._lock:
            self.stored = True
            self._stamps = workspace_files.restore(self.roots, stored.files, self.history.blobs)
            self.tree = stored.tree
            for row in stored.rows:
                self._messages[row.id] = self._message(row)
                self._stored.add(row.id)
                if citations is not None:
                    citations.remember(quotations_from_json(row.citations))
            conversation = self._path(stored.head)
            if stored.running is not None and not stored.running.alive:
                conversation = interrupted(conversation, stored.running)
            conversation = with_missing_results(conversation)
            if len(conversation.messages) and conversation.messages[-1].id not in self._stored:
                self.save(conversation)
            return conversation

    def messages(self) -> Mapping[str, Message]:
        """All messages of all branches by id."""
        with self._lock:
            return dict(self._messages)

    def _path(self, head: str | None) -> Conversation:
        return Conversation(tuple(self._messages[id] for id in self.tree.path(head)))

    def _message(self, row: Row) -> Message:
        try:
            message = from_json(json.loads(row.body), self.roots)
        except (BadMessage, ValueError, RecursionError):
            log.warning("a stored message could not be read", exc_info=True)
            role = row.role if row.role in ("user", "assistant", "tool") else "assistant"
            message = Message(role, (Text(row.text),))  # type: ignore[arg-type]
        return replace(message, id=row.id)


def interrupted(conversation: Conversation, running: RunningRow) -> Conversation:
    """The conversation with what had been written of an answer whose process has ended."""
    try:
        body = json.loads(running.body)
        text, reasoning = str(body.get("text") or ""), str(body.get("reasoning") or "")
    except (ValueError, AttributeError):
        text, reasoning = "", ""
    last = conversation.messages[-1] if conversation.messages else None
    if (last is not None and last.id != running.parent) or not (text or reasoning):
        return conversation
    parts = (Text(text),) if text else ()
    message = Message("assistant", parts, reasoning, finish="cancelled", error=INTERRUPTED)
    return conversation.append(message)


def with_missing_results(conversation: Conversation) -> Conversation:
    """The conversation with a result for each call whose process ended while it ran: a model is
    shown no call without one, and none is run again by itself."""
    messages: list[Message] = []
    for message in conversation.messages:
        if message.role != "tool":
            messages += _missing(messages)
        messages.append(message)
    messages += _missing(messages)
    return Conversation(tuple(map(identified, messages)))


def _missing(messages: list[Message]) -> Iterator[Message]:
    asked = next((m for m in reversed(messages) if m.role == "assistant"), None)
    if asked is None or not asked.calls:
        return
    after = messages[messages.index(asked) + 1 :] if asked in messages else []
    open_ids = [m.result.call_id for m in after if m.result is not None]
    for call in asked.calls:
        if call.id in open_ids:
            open_ids.remove(call.id)
            continue
        failed = ToolResult(call.id, call.name, UNKNOWN_CALL, error="Interrupted")
        yield identified(Message("tool", result=failed))
