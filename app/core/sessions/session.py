"""A visitor's session: its conversation, workspace, tools and running turn.

A turn belongs to its session and runs on a thread of the session's own. Pages only watch: they
come and go, and whoever comes back sees what happened meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.agent.approvals import Approvals
from app.core.agent.events import Event, TurnFinished
from app.core.agent.loop import INTERNAL_ERROR, Prepare, Turn, TurnConfig, run
from app.core.attachments.images import pictures_folder
from app.core.conversation import Conversation
from app.core.models.host import ModelHost
from app.core.rendering.citations import CitationCache
from app.core.sessions.live_turn import LiveTurn, TurnSnapshot
from app.core.sessions.turn_slots import Visitor
from backends.messages import Message, Usage
from tools.registry import Registry
from tools.safe_files import delete_folder

if TYPE_CHECKING:
    from app.core.document_qa.session_documents import SessionDocuments


class Busy(Exception):
    """A turn is running; a session has one at a time."""


@dataclass(frozen=True)
class View:
    """What a page draws. `live` is None when no turn runs; `ended` is how the last one ended."""

    version: int
    conversation: Conversation
    live: TurnSnapshot | None = None
    ended: TurnFinished | None = None
    began: float = 0.0


class Session:
    """One visitor's conversation in one mode. `study` are its documents, where it takes any."""

    def __init__(
        self, workspace: Path, registry: Registry, model: ModelHost,
        study: SessionDocuments | None = None, visitor: Visitor | None = None,
    ) -> None:  # fmt: skip
        workspace.mkdir(parents=True, exist_ok=True)
        self.workspace = workspace
        self.registry = registry
        self.study = study
        self.seen = time.monotonic()
        self.choices: dict[str, Any] = {}
        """What the visitor set in the page, by name, so that a reload finds it again."""
        self.approvals = Approvals()
        sources = [tool.citations for tool in registry.tools if tool.citations is not None]
        sources += [study] if study is not None and study.ahead else []
        self.look = CitationCache(*sources) if sources else None
        """What looks up citations, where something is there that reads."""
        self._model = model
        self._visitor = visitor or Visitor()
        self._changed = threading.Condition()
        self._version = 0
        self._conversation = Conversation()
        self._live: LiveTurn | None = None
        self._ended: TurnFinished | None = None
        self._cancel = threading.Event()
        self._closed = False

    @property
    def running(self) -> bool:
        return self._live is not None

    @property
    def untouched(self) -> bool:
        """Whether nothing was said, given or set in it."""
        folders = (self.workspace, pictures_folder(self.workspace))
        return not (
            self._version
            or self.choices
            or (self.study is not None and self.study.given)
            or not all(self.registry.enabled(tool.name) for tool in self.registry.tools)
            or any(folder.is_dir() and any(folder.iterdir()) for folder in folders)
        )

    def view(self) -> View:
        with self._changed:
            self.seen = time.monotonic()
            live = self._live.snapshot() if self._live else None
            began = self._live.began if self._live else 0.0
            return View(self._version, self._conversation, live, self._ended, began)

    def wait(self, version: int, timeout: float) -> bool:
        """Waits until there is something newer than `version`, at most `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._version != version, timeout)

    # -- what a user can do ----------------------------------------------------------------------

    def start_turn(self, message: Message | None, config: TurnConfig) -> None:
        """Begins a turn: with a user's message, or None to go on. Raises `Busy`."""
        self._begin(lambda old: old.append(message) if message else old, config)

    def retry(self, config: TurnConfig, prepare: Prepare | None = None) -> None:
        """Asks again for the last answer, after `prepare` where that is given. Raises `Busy`."""
        self._begin(Conversation.for_retry, config, prepare)

    def resend(self, message: Message, config: TurnConfig) -> None:
        """Puts `message` in place of the last user message and asks. Raises `Busy`."""
        self._begin(lambda old: old.before_last_user().append(message), config)

    def stop(self) -> None:
        """Stops the running turn, if there is one; what was said so far is kept."""
        self._cancel.set()

    def close(self) -> None:
        """Stops what runs, closes the tools and deletes the files. May be called twice."""
        with self._changed:
            self._closed = True
            self._cancel.set()
            self._live, self._ended, self._conversation = None, None, Conversation()
            self._notify()
        if self.study is not None:
            self.study.close()
        self.registry.close()
        delete_folder(self.workspace)
        delete_folder(pictures_folder(self.workspace))

    # -- the turn --------------------------------------------------------------------------------

    def _begin(
        self,
        change: Callable[[Conversation], Conversation],
        config: TurnConfig,
        prepare: Prepare | None = None,
    ) -> None:
        with self._changed:
            if self._live is not None or self._closed:
                raise Busy
            self._conversation = change(self._conversation)
            self._live, self._ended = LiveTurn(), None
            self._cancel = threading.Event()
            live, cancel, conversation = self._live, self._cancel, self._conversation
            self._notify()
        generation = replace(config.generation, owner=self._visitor.key)
        config = replace(config, approve=self.approvals.ask, generation=generation)
        documents = self.study if self.study is not None and self.study.ahead else None
        turn = Turn(conversation, self.registry, config, cancel, self.workspace, documents)
        arguments = (live, turn, prepare)
        threading.Thread(target=self._run, args=arguments, name="turn", daemon=True).start()

    def _run(self, live: LiveTurn, turn: Turn, prepare: Prepare | None) -> None:
        ended = TurnFinished("error", Usage(), INTERNAL_ERROR)
        try:
            for event in run(turn, self._model, prepare, self._visitor.in_turn):
                if isinstance(event, TurnFinished):
                    ended = event
                elif not self._take(live, event, turn.conversation):
                    return
        finally:
            self._end(live, ended)

    def _take(self, live: LiveTurn, event: Event, conversation: Conversation) -> bool:
        """Shows an event to the page; False when the conversation was cleared."""
        with self._changed:
            if self._live is not live:
                return False
            live.take(event)
            self._conversation = conversation
            self._notify()
            return True

    def _end(self, live: LiveTurn, ended: TurnFinished) -> None:
        with self._changed:
            if self._live is live:
                self._live, self._ended = None, ended
                self._notify()

    def _notify(self) -> None:
        self._version += 1
        self._changed.notify_all()
