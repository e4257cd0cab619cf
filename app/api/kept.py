"""An agent whose conversation is kept in the history, and goes on at a later time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.api.agent import Agent
from app.core.agent.events import Event, MessageFinished
from app.core.history.history import History, new_conversation_id
from app.core.history.stored import Stored
from app.core.modes import Mode
from app.core.rendering.citations import CitationCache
from app.core.sessions.cells import VARIABLES_LOST
from app.core.sessions.live_turn import LiveTurn
from app.core.sessions.recorder import Recorder
from tools.safe_files import listing


class KeptAgent(Agent):
    """An agent that writes its conversation into a history, as the pages do."""

    def __init__(
        self,
        mode: Mode,
        *,
        history: History,
        person: str,
        stored: Stored | None = None,
        **options: Any,
    ) -> None:
        """Begins a conversation, or goes on with a stored one.

        Args:
            mode: the conversation's mode.
            history: where it is kept; its owner closes it.
            person: whose the conversation is.
            stored: the conversation to go on with; its files come back, Python's variables don't.
            options: of `Agent`, with its errors.
        """
        super().__init__(mode, **options)
        id = stored.entry.id if stored is not None else new_conversation_id()
        self._recorder = Recorder(history, person, id, mode, self._workspace)
        self._look = CitationCache(*self._sources) if self._sources else None
        self._system = self._config.system
        self._variables_lost = False
        if stored is not None:
            self._open(stored)

    @property
    def problem(self) -> str:
        """Why the conversation is not kept, a sentence; empty where it is."""
        return self._recorder.problem

    def close(self) -> Path | None:
        """As `Agent.close`; the conversation stays in the history."""
        folder = super().close()
        self._recorder.close()
        return folder

    def _open(self, stored: Stored) -> None:
        self._conversation = self._recorder.open(stored, self._look)
        self._variables_lost = any(
            call.name == "python" for message in self.messages for call in message.calls
        )
        files = listing(self._workspace).files if self._workspace.is_dir() else {}
        self._given |= {self._workspace / path for path in files}
        if self._study is not None:
            from app.core.sessions.kept_documents import restore_documents

            restore_documents(self._study, stored.choices.get("documents"), self._recorder.roots)

    def _turn(self, cancel: threading.Event) -> Iterator[Event]:
        lost = self._variables_lost
        system = f"{self._system}\n\n{VARIABLES_LOST}" if lost else self._system
        self._config = replace(self._config, system=system)
        self._save(finished=False)
        live = LiveTurn()
        try:
            for event in super()._turn(cancel):
                if isinstance(event, MessageFinished):
                    self._save(finished=False)
                    result = event.message.result
                    if result is not None and result.name == "python" and result.error is None:
                        self._variables_lost = False
                live.apply(event)
                self._recorder.running(live.snapshot, self._conversation)
                yield event
        finally:
            self._save(finished=True)
            self._recorder.save_files()

    def _save(self, finished: bool) -> None:
        choices: dict[str, Any] | None = None
        if self._study is not None and self._study.given:
            from app.core.sessions.kept_documents import documents_to_json

            choices = {"documents": documents_to_json(self._study, self._recorder.roots)}
        self._recorder.save(self._conversation, self._look, finished=finished, choices=choices)
