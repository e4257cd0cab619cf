"""One open conversation and its place in the history: written as it happens, read when opened."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.core.attachments.images import pictures_folder
from app.core.conversation import Conversation
from app.core.history import workspace_files
from app.core.history.database import HistoryError
from app.core.history.history import History
from app.core.history.message_json import Roots, restored, to_json
from app.core.history.quotations import quotations_from_json, quotations_to_json
from app.core.history.stored import Row, RunningRow, Stored
from app.core.history.tree import MessageTree
from app.core.modes import Mode
from app.core.rendering.citations import CitationCache
from app.core.sessions.live_turn import LiveCall, TurnSnapshot
from backends.messages import Message, Text, identified
from tools.base import ToolResult

log = logging.getLogger(__name__)

RUNNING_INTERVAL_S = 1.0
"""Between two stores of an answer that is being written; what a kill may lose of it."""

PAUSE_S = 15.0
"""After a write that failed, in which only the turn's end tries again: each try may wait for
`BUSY_TIMEOUT_S`, and the turn with it."""
UNKNOWN_CALL = (
    "The server stopped before this call ended: it is not known how far it came, and it was not "
    "run again."
)

UNBEGUN_CALL = "The server stopped before this call began: it was not run."
BROKEN = "Interrupted"
"""What a page says of such a call."""


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
        """Without a `history` the messages and their branches are kept in memory alone."""
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
        self._saves = 0
        self._later: threading.Timer | None = None
        self._failed = 0.0
        self._closed = False

    @property
    def temporary(self) -> bool:
        """Whether the conversation is in no history, and gone once it is closed."""
        return self.history is None

    def close(self) -> None:
        """Writes nothing any more, not even what is about to be."""
        with self._lock:
            self._closed = True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds writing back, so that the conversation can get another `person` meanwhile."""
        with self._lock:
            yield

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
            self._saves += 1
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
        """Stores the answer that is being written, at most once in `RUNNING_INTERVAL_S`; then, if
        nothing more comes, what came last."""
        if self.history is None:
            return
        wait = self._written + RUNNING_INTERVAL_S - time.monotonic()
        if wait <= 0:
            self._write_running(snapshot, conversation, self._saves)
        elif self._later is None:
            arguments = (snapshot, conversation, self._saves)
            self._later = threading.Timer(wait, self._write_running, arguments)
            self._later.daemon = True
            self._later.start()

    def _write_running(
        self, snapshot: Callable[[], TurnSnapshot], conversation: Conversation, saves: int
    ) -> None:
        """Stores the answer, unless a message was stored since there were so many `saves`."""
        with self._lock:
            self._later = None
            history = self._open_history
            if history is None or saves != self._saves:
                return
            self._written = time.monotonic()
            last = conversation.messages[-1].id if conversation.messages else None
            body = _running_body(snapshot())
            self._tried(lambda: history.save_running(self.id, last, body))

    def interrupted(self, conversation: Conversation, live: TurnSnapshot) -> None:
        """Stores a turn that ends in its middle: what was said so far, a result for each call."""
        with self._lock:
            said = interrupted(conversation, live.text, live.reasoning)
            self.save(with_missing_results(said, live.calls))
            self.save_files()

    def save_files(self) -> None:
        """Keeps the files of the conversation that are new or changed."""
        with self._lock:
            history = self._open_history
            if history is None or not self.stored:
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
                self._messages[row.id] = restored(row, self.roots)
                self._stored.add(row.id)
                if citations is not None:
                    citations.remember(quotations_from_json(row.citations))
            conversation = self._path(stored.head)
            running = stored.running
            if running is None or not running.alive:
                text, reasoning = _said(running, conversation)
                conversation = interrupted(conversation, text, reasoning)
                conversation = with_missing_results(conversation)
            if len(conversation.messages) and conversation.messages[-1].id not in self._stored:
                self.save(conversation)
            return conversation

    def messages(self) -> Mapping[str, Message]:
        """All messages of all branches by id."""
        with self._lock:
            return dict(self._messages)

    def through(self, id: str) -> Conversation | None:
        """The conversation up to a message of any branch, None for an unknown one."""
        with self._lock:
            return self._path(id) if id in self.tree.parents else None

    def versions(self, branch: Sequence[Message]) -> Mapping[str, tuple[str, ...]]:
        """The messages of a branch that have other versions, each with all of them in the order of
        writing: messages of its role that part from the same one. Answers that came to nothing
        are none."""
        # Copies: a page doesn't wait for a turn that is being written to the database.
        parents, messages = self.tree.parents.copy(), self._messages.copy()
        if len(parents) == len(branch):
            return {}
        shown = {message.id: message.role for message in branch}
        beside: dict[str | None, list[str]] = {}
        for id, parent in parents.items():
            beside.setdefault(parent, []).append(id)
        found = {}
        for id, role in shown.items():
            same = tuple(
                each
                for each in beside.get(parents.get(id), ())
                if each == id or (messages[each].role == role and not messages[each].empty)
            )
            if len(same) > 1:
                found[id] = same
        return found

    def below(self, id: str) -> list[Message]:
        """A message and all that came after it, on all branches."""
        parents, messages = self.tree.parents.copy(), self._messages.copy()
        found = {id: messages[id]} if id in messages else {}
        for each, parent in parents.items():  # a parent is written before its children
            if parent in found:
                found[each] = messages[each]
        return list(found.values())

    def _path(self, head: str | None) -> Conversation:
        return Conversation(tuple(self._messages[id] for id in self.tree.path(head)))


def interrupted(conversation: Conversation, text: str, reasoning: str) -> Conversation:
    """The conversation with what had been written of an answer whose process has ended."""
    if not (text or reasoning):
        return conversation
    parts = (Text(text),) if text else ()
    return conversation.append(Message("assistant", parts, reasoning, finish="interrupted"))


def _said(running: RunningRow | None, conversation: Conversation) -> tuple[str, str]:
    """Text and reasoning of an answer to the conversation's last message, as they were stored."""
    last = conversation.messages[-1].id if conversation.messages else None
    if running is None or running.parent != last:
        return "", ""
    try:
        body = json.loads(running.body)
        return str(body.get("text") or ""), str(body.get("reasoning") or "")
    except (ValueError, AttributeError):
        return "", ""


def _running_body(live: TurnSnapshot) -> str:
    """A snapshot as JSON."""
    return json.dumps(
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


def with_missing_results(conversation: Conversation, live: Sequence[LiveCall] = ()) -> Conversation:
    """The conversation with a result for each call whose process ended while it ran: a model is
    shown no call without one, and none is run again by itself. `live` says how far the last calls
    came, where that is known."""
    messages: list[Message] = []
    for message in conversation.messages:
        if message.role != "tool":
            messages += _missing(messages)
        messages.append(message)
    messages += _missing(messages, live)
    return Conversation(tuple(map(identified, messages)))


def _missing(messages: list[Message], live: Sequence[LiveCall] = ()) -> Iterator[Message]:
    asked = next((at for at in reversed(range(len(messages))) if messages[at].role != "tool"), None)
    if asked is None:
        return
    results = [m.result for m in messages[asked + 1 :] if m.result is not None]
    open_ids = [result.call_id for result in results]
    known = {each.call.id: each for each in live}
    for call in messages[asked].calls:
        if call.id in open_ids:
            open_ids.remove(call.id)
            continue
        state = known.get(call.id)
        if state is not None and state.result is not None:
            yield identified(Message("tool", result=state.result))
            continue
        begun = state is None or state.state not in ("waiting", "asking")
        text = UNKNOWN_CALL if begun else UNBEGUN_CALL
        yield identified(Message("tool", result=ToolResult(call.id, call.name, text, error=BROKEN)))
