"""A visitor's session: an open conversation, its workspace, tools and running turn.

A turn runs on a thread of its session, independent of pages: a page that is closed or reloaded
does not interrupt the turn, and the next one shows its state.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.agent.approvals import Approvals, Decision
from app.core.agent.events import Event, MessageFinished, TurnFinished
from app.core.agent.loop import INTERNAL_ERROR, Prepare, Turn, TurnConfig, run
from app.core.attachments.images import pictures_folder
from app.core.conversation import Conversation
from app.core.history.shared.turns import TurnTaken
from app.core.inspection.replay import Replay
from app.core.inspection.request_log import Inspected, RequestLog
from app.core.models.host import ModelHost
from app.core.modes import Mode
from app.core.rendering.citations import CitationCache
from app.core.sessions.cells import VARIABLES_LOST, cells_of, run_cells
from app.core.sessions.choices import (
    MODEL,
    WithModel,
    choices_to_json,
    restore_choices,
    title_without_words,
)
from app.core.sessions.live_turn import LiveTurn
from app.core.sessions.turn_slots import Visitor
from app.core.sessions.view import Busy as Busy
from app.core.sessions.view import View as View
from app.core.sessions.view import Watched
from backends.base import GenerationConfig
from backends.messages import Message, Usage
from tools.registry import Registry
from tools.safe_files import delete_folder

if TYPE_CHECKING:
    from app.core.document_qa.session_documents import SessionDocuments
    from app.core.history.stored import Stored
    from app.core.people.meter import Meter, MeteredTurn
    from app.core.sessions.recorder import Recorder


class Session(Watched, WithModel):
    """One open conversation of a visitor. `models` finds the model of an id, or is the only one;
    `documents` is None in modes without documents, and
    `recorder` where the conversation has neither branches nor a place in the history."""

    def __init__(
        self, workspace: Path, registry: Registry, models: ModelHost | Callable[[str], ModelHost],
        documents: SessionDocuments | None = None, visitor: Visitor | None = None,
        recorder: Recorder | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        workspace.mkdir(parents=True, exist_ok=True)
        self.workspace = workspace
        self.registry = registry
        self.documents = documents
        self.choices = {}
        self.approvals = Approvals()
        self.requests = RequestLog()
        sources = [tool.citations for tool in registry.tools if tool.citations is not None]
        sources += [documents] if documents is not None and documents.ahead else []
        self.citations = CitationCache(*sources) if sources else None
        """The lookup of citations; None where neither documents nor a tool can be cited."""
        self._models = models
        self._visitor = visitor or Visitor()
        self.recorder = recorder
        self.id = ""
        self.mode: Mode = "chat"
        self.temporary = False
        self.meter: Meter | None = None
        """Asked before each turn and told after it; None where nothing is counted."""
        self.address = ""
        """The network address of the page that showed the conversation last."""
        self.cells_problem = ""
        """Why the cells could not be run again, as a sentence; empty before that was tried."""
        self.turning = threading.RLock()
        """Held while a turn begins, and while another process's turns are taken in."""
        self._cancel = threading.Event()

    def choose_model(self, id: str) -> None:
        """Has another model answer from the next turn on."""
        self.choices[MODEL] = id
        if self.stored:  # an empty conversation is in no list
            self.save()

    @property
    def has_lost_variables(self) -> bool:
        """Whether variables of Python calls are gone, with a server or with a kernel."""
        python = self.registry.tool_for("python")
        return self.variables_lost or bool(getattr(python, "has_lost_variables", False))

    @property
    def untouched(self) -> bool:
        """Whether nothing was said, uploaded or set in the session."""
        switched = any(not self.registry.enabled(tool.name) for tool in self.registry.tools)
        return self.empty and not (self._version or self.choices or switched)

    @property
    def empty(self) -> bool:
        """Whether nothing was said or uploaded in the session."""
        folders = (self.workspace, pictures_folder(self.workspace))
        return not (
            self._conversation.messages
            or self.running
            or (self.documents is not None and self.documents.given)
            or any(folder.is_dir() and any(folder.iterdir()) for folder in folders)
        )

    @property
    def stored(self) -> bool:
        """Whether the session can be closed and opened again from the history."""
        return self.recorder is not None and self.recorder.stored

    @property
    def expendable(self) -> bool:
        """Whether nothing is lost that should last when the session is closed."""
        return self.empty or self.recorder is None or self.recorder.temporary

    def reopen(self, stored: Stored) -> None:
        """Takes over a stored conversation; called once, before anybody sees the session."""
        assert self.recorder is not None
        self._conversation = self.recorder.open(stored, self.citations)
        restore_choices(
            stored.choices, self.choices, self.registry, self.documents, self.recorder.roots
        )
        said = self.recorder.messages().values()
        self.variables_lost = any(call.name == "python" for m in said for call in m.calls)
        self._version += 1

    # -- what a user can do ----------------------------------------------------------------------

    def start_turn(self, message: Message | None, config: TurnConfig) -> None:
        """Begins a turn: with a user's message, or None to continue. Raises `Busy`
        and `LimitReached`."""
        self._begin(lambda old: old.append(message) if message else old.for_continue(), config)

    def retry(self, config: TurnConfig, prepare: Prepare | None = None, id: str = "") -> None:
        """Asks again for an answer, on a new branch.

        Args:
            config: the turn's settings.
            prepare: a step before the first request.
            id: the message with which that answer ends, on any branch; empty for the last one.

        Raises `Busy` and `LimitReached`.
        """
        self._begin(lambda old: self._through(id, old).for_retry(), config, prepare)

    def ask_from(self, id: str, config: TurnConfig, message: Message) -> None:
        """Asks again from the middle of the conversation, on a new branch.

        Args:
            id: a user's message, on any branch: another page may have gone on meanwhile.
            config: the turn's settings.
            message: what takes that message's place.

        Raises `Busy`.
        """

        def change(old: Conversation) -> Conversation:
            through = self._through(id, old)
            known = bool(through.messages) and through.messages[-1].id == id
            return (through.before_last_user() if known else through).append(message)

        self._begin(change, config)

    def save(self) -> None:
        """Stores what the conversation has besides messages: documents, settings, switches."""
        self._save(self._conversation, finished=not self.running)

    def _through(self, id: str, shown: Conversation) -> Conversation:
        """The conversation up to a message; all of what is shown where that message is unknown."""
        found = shown.through(id)
        if found is None and self.recorder is not None:
            found = self.recorder.through(id)
        return found or shown

    def show_branch(self, id: str) -> None:
        """Shows the newest branch through a message. Raises `Busy`."""
        with self.turning, self._changed:
            if self.running or self._closed:
                raise Busy
            shown = self.recorder.show(id) if self.recorder is not None else None
            if shown is not None:
                self._conversation, self._ended = shown, None
                self._notify()

    def hand_over(self, visitor: Visitor) -> None:
        """Makes it the conversation of somebody else; a running turn goes on."""
        self._visitor = visitor

    def run_cells(self) -> None:
        """Runs the Python calls of the branch that is shown once more, as a turn that adds no
        message; it ends with the first call that fails now and did not before. Raises `Busy`."""
        with self.turning, self._changed:
            if self.running or self._closed:
                raise Busy
            self._claim()
            live, cancel = LiveTurn(), threading.Event()
            self._live, self._cancel, self.cells_problem = live, cancel, ""
            conversation, ended = self._conversation, self._ended
            self._notify()
        cells = cells_of(conversation.messages)
        events = run_cells(cells, self.registry, self.workspace, cancel, self._visitor.key)

        def work() -> None:
            problem: str | None = INTERNAL_ERROR
            try:
                for event in self._visitor.in_turn(events, cancel):
                    if isinstance(event, TurnFinished):
                        problem = event.error
                    elif not self._apply(live, event, conversation):
                        return
            finally:
                self.cells_problem, self.variables_lost = problem or "", problem is not None
                self._end(live, ended)

        threading.Thread(target=work, name="cells", daemon=True).start()

    def replay(self, inspected: Inspected, generation: GenerationConfig) -> Replay:
        """Sends a request again with other settings, beside the conversation. Raises
        `LimitReached`."""
        generation = replace(generation, owner=self._visitor.key)
        replay = Replay(inspected.request, generation, self.model, self._visitor.in_turn)
        replay.start(self.meter, self._metered())
        return replay

    def stop(self) -> None:
        """Cancels the running turn, if there is one; the text so far is kept."""
        if self._followed is not None and self.recorder is not None:
            self.recorder.ask({"stop": True})
        self._cancel.set()

    def decide(self, number: int, decision: Decision) -> None:
        """Takes the user's decision on a call that waits for it, see `Approvals.decide`."""
        if self._followed is not None and self.recorder is not None:
            self.recorder.ask({"number": number, "decision": decision})
        else:
            self.approvals.decide(number, decision)

    def settle(self, seconds: float = 2.0) -> None:
        """Stops the running turn and waits for its end, so that what was said is stored; it does
        not wait longer than `seconds`."""
        self.stop()
        with self._changed:
            self._changed.wait_for(lambda: self._live is None, seconds)

    def interrupt(self, keep: bool = True) -> None:
        """Ends the session, and its running turn, which is stored as it is now unless `keep` is
        False. May be called twice."""
        if keep and self.stored and not self.running and not self._closed:
            self.save()
        with self._changed:
            live, conversation = self._live, self._conversation
            self._closed = True
            self._cancel.set()
            self._live, self._followed, self._ended = None, None, None
            self._conversation = Conversation()
            self._notify()
        self.requests.clear()
        if live is not None and keep and self.recorder is not None:
            self.recorder.interrupted(conversation, live.snapshot())

    def close(self, keep: bool = True) -> None:
        """Ends the session, see `interrupt`; closes the tools and deletes the files. May be called
        twice."""
        self.interrupt(keep)
        if self.recorder is not None:
            self.recorder.close()
        if self.documents is not None:
            self.documents.close()
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
        with self.turning, self._changed:
            if self.running or self._closed:
                raise Busy
            metered = self._metered()
            try:
                self._claim()
            except Busy:
                if self.meter is not None and metered is not None:
                    self.meter.give_up(metered)
                raise
            conversation = change(self._conversation)
            self._save(conversation, finished=False)
            self._conversation = conversation
            self._live, self._ended = LiveTurn(), None
            self._cancel = threading.Event()
            live, cancel = self._live, self._cancel
            self._notify()
        generation = replace(
            config.generation, owner=self._visitor.key, observer=self.requests.observe
        )
        system = f"{config.system}\n\n{VARIABLES_LOST}" if self.variables_lost else config.system
        config = replace(
            config, approve=self.approvals.request, generation=generation, system=system
        )
        documents = self.documents if self.documents is not None and self.documents.ahead else None
        turn = Turn(conversation, self.registry, config, cancel, self.workspace, documents)
        arguments = (live, turn, prepare, metered)
        threading.Thread(target=self._run, args=arguments, name="turn", daemon=True).start()

    def _metered(self) -> MeteredTurn | None:
        """Raises `LimitReached`."""
        if self.meter is None:
            return None
        return self.meter.begin(
            self._visitor.key, self.address, self.id,
            stored=not self.temporary, new=not self.stored,
        )  # fmt: skip

    def _claim(self) -> None:
        """Keeps other processes from a turn of the conversation, and takes in what they have said.
        Raises `Busy`."""
        if self.recorder is not None:
            try:
                self._conversation = self.recorder.claim(self.citations) or self._conversation
            except TurnTaken:
                raise Busy from None

    def _run(
        self, live: LiveTurn, turn: Turn, prepare: Prepare | None, metered: MeteredTurn | None
    ) -> None:
        ended = TurnFinished("error", Usage(), INTERNAL_ERROR)
        try:
            for event in run(turn, self.model, prepare, self._visitor.in_turn):
                if isinstance(event, TurnFinished):
                    ended = event
                    continue
                if (
                    metered is not None
                    and isinstance(event, MessageFinished)
                    and event.message.usage
                ):
                    metered.add(event.message.usage)
                if not self._apply(live, event, turn.conversation):
                    return
        finally:
            if self.meter is not None and metered is not None:
                self.meter.end(metered, ended)  # before a page can send the next message
            self._end(live, ended)

    def _apply(self, live: LiveTurn, event: Event, conversation: Conversation) -> bool:
        """Applies an event to the live turn; returns False when the session was closed."""
        if isinstance(event, MessageFinished) and event.message.role == "assistant":
            self.requests.finished(event.message)
        if isinstance(event, MessageFinished) and not self._closed:
            self._save(conversation, finished=False)
            result = event.message.result
            if result is not None and result.name == "python" and result.error is None:
                self.variables_lost = False
        with self._changed:
            if self._live is not live:
                return False
            live.apply(event)
            self._conversation = conversation
            self._notify()
        if self.recorder is not None:
            self.recorder.running(live.snapshot, conversation)
        return True

    def _end(self, live: LiveTurn, ended: TurnFinished | None) -> None:
        if not self._closed:
            self._save(self._conversation, finished=True)
        with self._changed:
            if self._live is live:
                self._live, self._ended = None, ended
                self._notify()
        if self.recorder is not None and not self._closed:
            self.recorder.save_files()

    def _save(self, conversation: Conversation, finished: bool) -> None:
        if self.recorder is None:
            return
        roots, documents = self.recorder.roots, self.documents
        choices = choices_to_json(self.choices, self.registry, documents, roots)
        self.recorder.save(
            conversation, self.citations, finished=finished, choices=choices,
            title=title_without_words(conversation, documents),
        )  # fmt: skip
