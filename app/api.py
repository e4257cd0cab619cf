"""A conversation without a page: the caller's own thread runs each turn and hears every event."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.agent.approvals import Approve, refuse
from app.core.agent.events import Event, MessageFinished
from app.core.agent.loop import Turn, TurnConfig, failed_turn, run
from app.core.attachments import FileRefused
from app.core.attachments.images import pictures_folder
from app.core.attachments.uploads import read_given, take, user_message
from app.core.conversation import Conversation
from app.core.document_qa.session_documents import Ask
from app.core.modes import Mode, defaults
from app.core.service import Service
from backends.errors import BackendError
from backends.messages import Document
from tools.base import for_user
from tools.safe_files import delete_folder
from tools.text import encodable

if TYPE_CHECKING:
    from app.core.document_qa.answer_report import Account


class Dialogue:
    """One conversation with its tools and a folder of its own, not for two threads at once.

    Every turn ends with `TurnFinished` and raises nothing on purpose. `refused` has a sentence
    for each tool that is not offered because its name was taken.
    """

    def __init__(self, service: Service, mode: Mode, approve: Approve = refuse) -> None:
        """`approve` has the word on calls that act once a page was read. Raises `OSError` when
        there is no room for the folder."""
        self._mode = mode
        self._model = service.model_for(mode)
        self._study = service.study(mode)
        self._settings = service.settings
        self._folder = service.folder
        self._workspace = self._folder.make()
        self._registry = service.registry(mode, self._workspace, self._study)
        self.refused = self._registry.refused
        begin = defaults(mode, service.settings)
        rounds = service.settings.max_rounds
        self._config = TurnConfig(begin.generation, begin.system, rounds, None, approve)
        self._conversation = Conversation()
        self._attached = False
        self._given: set[Path] = set()

    @property
    def empty(self) -> bool:
        """Whether nothing was said yet."""
        return not self._conversation.messages

    @property
    def unfinished(self) -> bool:
        """Whether the model has the next word: the last turn ended with a tool's result."""
        return self._conversation.awaits_answer

    def ask(
        self,
        prompt: str,
        cancel: threading.Event,
        files: Sequence[str] = (),
        password: Ask | None = None,
    ) -> Iterator[Event]:
        """A turn that answers `prompt`, with files that are copied into the conversation's folder.
        Where one is refused, it ends with that, and the conversation is as it was. `password` is
        asked for what is locked."""
        try:
            given = [read_given(Path(file), self._settings) for file in files]
            if given:
                self._model.wait(cancel)
            attached = take(self._mode, given, self._workspace, self._settings, self._model.images)
        except (FileRefused, BackendError) as error:
            return iter(failed_turn("error", str(error)))
        if self._study is not None:
            self._study.password = password
            self._study.add(attached)
        self._given |= {part.path for part in attached if isinstance(part, Document)}
        message = user_message(encodable(prompt), attached)
        self._conversation = self._conversation.append(message)
        return self._turn(cancel)

    def retry(self, cancel: threading.Event) -> Iterator[Event]:
        """A turn that makes the last answer anew."""
        self._conversation = self._conversation.for_retry()
        return self._turn(cancel)

    def go_on(self, cancel: threading.Event) -> Iterator[Event]:
        """A turn that takes up where the last one reached its round limit."""
        return self._turn(cancel)

    def account(self) -> Account | None:
        """What the last answer was given from, where documents were read for it."""
        at = self._conversation.last_user
        if self._study is None or not self._study.ahead or at is None:
            return None
        from app.core.document_qa.answer_report import account

        return account(self._conversation.messages[at + 1 :], self._study)

    def close(self) -> Path | None:
        """Ends the tools. The folder where files for the user are left, None where there are
        none and the folder is gone. May be called twice."""
        if self._study is not None:
            self._study.close()
        self._registry.close()
        delete_folder(pictures_folder(self._workspace))
        # Hidden entries are what libraries keep in a home folder.
        if self._attached or set(self._workspace.glob("[!.]*")) - self._given:
            self._folder.give_away(self._workspace)
            return self._workspace
        delete_folder(self._workspace)
        self._folder.give_away(self._workspace)
        return None

    def _turn(self, cancel: threading.Event) -> Iterator[Event]:
        documents = self._study if self._study is not None and self._study.ahead else None
        turn = Turn(
            self._conversation,
            self._registry,
            self._config,
            cancel,
            self._workspace,
            documents,
        )
        for event in run(turn, self._model):
            self._conversation = turn.conversation
            if isinstance(event, MessageFinished):
                result = event.message.result
                if result is not None and for_user(result) and not self._attached:
                    self._attached = True
                    # The user was told of files in it, and finds them also after a kill.
                    self._folder.give_away(self._workspace)
            yield event
