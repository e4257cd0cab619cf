"""One open conversation and its place in the history: written as it happens, read when opened."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from app.core.attachments.images import pictures_folder
from app.core.conversation import Conversation
from app.core.history import workspace_files
from app.core.history.blobs import Blobs
from app.core.history.database import HistoryError
from app.core.history.history import History
from app.core.history.message_json import Roots, restored, to_json
from app.core.history.quotations import quotations_from_json, quotations_to_json
from app.core.history.shared.turns import TurnTaken
from app.core.history.stored import Row, Stored
from app.core.history.tree import MessageTree
from app.core.modes import Mode
from app.core.rendering.citations import CitationCache
from app.core.sessions import live_turn
from app.core.sessions.cut_off import interrupted, said_so_far, with_missing_results
from app.core.sessions.live_turn import TurnSnapshot
from backends.messages import Message

log = logging.getLogger(__name__)

RUNNING_INTERVAL_S, OFTEN_S = 1.0, 0.2
"""Between two stores of an answer that is being written; what a kill may lose of it. The second
one while another process draws it."""

PAUSE_S = 15.0
"""After a write that failed, in which only the turn's end tries again: each try may wait for
`BUSY_TIMEOUT_S`, and the turn with it."""


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
        self.head: str | None = None
        """The message that the history shows last, as far as is known here."""
        self.often = False
        """Whether another process draws the answer that is being written."""
        self.tree = MessageTree()
        self._pending: tuple[Callable[[], TurnSnapshot], Conversation, int] | None = None
        self._again: Callable[[], None] | None = None
        self._digests: dict[tuple[str, str], str] = {}
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

            if attached and self.stored:
                self.save_files()  # first: a message that is stored has its files
                attached = []
            last = ids[-1] if ids else None
            self._again = partial(
                self.save, conversation, citations, finished=finished, choices=choices,
                model=model, title=title,
            )  # fmt: skip

            def write() -> None:
                history.save(
                    self.person, self.id, self.mode, rows, last, finished=finished,
                    choices=choices, model=model, title=title, expected=(self.head, *ids),
                )  # fmt: skip
                self._stored.update(row.id for row in rows)
                self.stored, self.head, self._again = True, last, None

            if self._tried(write, anyway=finished) and (attached or not ids):
                self.save_files()

    def running(self, snapshot: Callable[[], TurnSnapshot], conversation: Conversation) -> None:
        """Stores the answer that is being written, at most once in `RUNNING_INTERVAL_S`; then, if
        nothing more comes, what came last."""
        if self.history is None:
            return
        self._pending = snapshot, conversation, self._saves
        wait = self._written + (OFTEN_S if self.often else RUNNING_INTERVAL_S) - time.monotonic()
        if wait <= 0:
            self._write_running()
        elif self._later is None:
            self._later = threading.Timer(wait, self._write_running)
            self._later.daemon = True
            self._later.start()

    def _write_running(self) -> None:
        """Stores the answer, unless a message was stored since it was told of last."""
        with self._lock:
            self._later = None
            history = self._open_history
            if history is None or self._pending is None or self._pending[2] != self._saves:
                return
            snapshot, conversation, _ = self._pending
            self._written = time.monotonic()
            last = conversation.messages[-1].id if conversation.messages else None
            body = live_turn.to_json(snapshot())
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
                self._digests.update({key: digest for key, (digest, _) in changed.items()})
                for key in gone:
                    self._digests.pop(key, None)

    def retry(self) -> None:
        """Writes what could not be written."""
        with self._lock:
            if self._again is not None:
                self._again()
            self.save_files()

    def ask(self, request: Mapping[str, Any]) -> None:
        """Asks the process that runs the conversation's turn for something."""
        if (history := self._open_history) is not None:
            self._tried(lambda: history.turns.ask(self.id, request))

    def show(self, id: str) -> Conversation | None:
        """The newest branch through a message, which is shown from now on; None where the message
        is not of this conversation."""
        with self._lock:
            if id not in self.tree.parents:
                return None
            head = self.tree.leaf(id)
            if (history := self._open_history) is not None and self._tried(
                lambda: history.set_head(self.person, self.id, head)
            ):
                self.head = head
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
        history = self.history
        with self._lock:
            self.stored, self.head = True, stored.head
            self._restore_files(stored.files, history.blobs)
            for row in stored.rows:
                self.tree.parents.setdefault(row.id, row.parent)
                if row.id not in self._stored:
                    self._messages[row.id] = restored(row, self.roots)
                    self._stored.add(row.id)
                    if citations is not None:
                        citations.remember(quotations_from_json(row.citations))
            conversation = self._path(stored.head)
            running = stored.running
            if running is not None and running.alive:
                return conversation  # another process writes what is missing
            text, reasoning = said_so_far(running, conversation)
            conversation = interrupted(conversation, text, reasoning)
            conversation = with_missing_results(conversation)
            if len(conversation.messages) and conversation.messages[-1].id not in self._stored:
                self.save(conversation)
            elif running is not None:
                self._tried(lambda: history.turns.release(self.id))
            return conversation

    def _restore_files(self, stored: Mapping[tuple[str, str], str], blobs: Blobs) -> None:
        """Brings the files that differ from the history's, and removes those that are gone."""
        new = {key: digest for key, digest in stored.items() if self._digests.get(key) != digest}
        gone = [key for key in self._digests if key not in stored]
        if new or gone or not self._digests:
            workspace_files.remove(self.roots, gone)
            self._stamps = workspace_files.restore(self.roots, new, blobs)
            self._digests = dict(stored)

    def claim(self, citations: CitationCache | None) -> Conversation | None:
        """Makes the conversation's turn this process's own. Returns the conversation where another
        process has gone on with it, None where it stands as it is here. Raises `TurnTaken`.

        Where the history can't be reached, the turn runs all the same, and is kept in memory.
        """
        history = self._open_history
        if history is None or not self.stored:
            return None
        try:
            left = history.turns.claim(self.id)
            state = history.turns.states([self.id]).get(self.id)
            if state is None or (left is None and state.head == self.head):
                return None
            stored = history.load(self.person, self.id)
        except HistoryError:
            return None
        return None if stored is None else self.open(replace(stored, running=left), citations)

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


def recovered(history: History, person: str, stored: Stored) -> Stored:
    """A stored conversation whose turn was left by a dead process, as this process's own: one
    process alone writes down how it ended. Raises `HistoryError`."""
    if stored.running is None or stored.running.alive:
        return stored
    try:
        left = history.turns.claim(stored.entry.id)
    except TurnTaken:
        left = None
    again = history.load(person, stored.entry.id)
    if again is None or left is None:
        return again or stored
    return replace(again, running=left)
