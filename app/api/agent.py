"""One conversation with a model, its tools and its documents, run by the caller's thread."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from app.api.answer import Answer, finished
from app.api.arguments import Files, asking, check, own_service
from app.core.agent.approvals import refuse
from app.core.agent.events import Event, MessageFinished
from app.core.agent.loop import Turn, TurnConfig, failed_turn, run
from app.core.attachments import UploadRejected
from app.core.attachments.images import pictures_folder
from app.core.attachments.uploads import attach_files, read_upload, user_message
from app.core.conversation import Conversation
from app.core.modes import Mode, defaults
from app.core.service import Service
from backends.errors import BackendError
from backends.messages import Document, Message
from tools import tool
from tools.base import Tool, ToolCall, ToolResult, for_user
from tools.safe_files import delete_folder
from tools.text import encodable

if TYPE_CHECKING:
    from app.core.document_qa.answer_report import AnswerReport
    from app.core.document_qa.session_documents import Ask
    from tools.citations import CitationSource

IN_A_TURN = "The agent is in the middle of a turn."


class Agent:
    """One conversation with a model, with tools and a folder of its own.

    Use it in a `with` block, or call `close`. Where the model is shared by nobody, it is loaded for
    this agent and goes with it.
    """

    def __init__(
        self,
        mode: Mode = "chat",
        *,
        model: str | None = None,
        protocol: str | None = None,
        api_key: str | None = None,
        max_rounds: int | None = None,
        tools: Sequence[Callable[..., Any] | Tool] = (),
        files: Files = (),
        approve: Callable[[ToolCall], bool] | None = None,
        keep: bool = False,
        service: Service | None = None,
    ) -> None:
        """Begins to load the model, and returns before it is there.

        Args:
            mode: "chat", "tools", "documents" or "vision".
            model: a value of `GLM_MODEL`, such as "bundled" or "http://host:8000/v1#name". This and
                the next two default to the settings (environment, else glm.toml, else default).
            protocol: "auto", "openai" or "glm4": how a server's model calls tools.
            api_key: the key for the model's server.
            max_rounds: most rounds of tool calls in one turn.
            tools: functions that the model may call in mode "tools": plain typed ones, or such with
                `@tool`. They stand beside the built-in tools and those of the settings.
            files: paths of files that go with the first prompt; see `run`.
            approve: asked before a call that acts (`@tool(acts=True)`), once a page of the web was
                read; returns whether it may run. It may be called from any thread. None refuses.
            keep: whether `close` leaves the folder with the files that tools made.
            service: what several agents share. It has its own model, and its owner closes it.

        Raises:
            ValueError: an argument that can't be used, also a tool whose name is taken.
            tools.functions.parameters.ToolDefinitionError: a function that no model could call.
            OSError: there is no room for the agent's folder.
        """
        check(mode, tools, files, max_rounds)
        own = {"model": model, "protocol": protocol, "api_key": api_key}
        functions = [each if isinstance(each, Tool) else tool(each) for each in tools]
        with contextlib.ExitStack() as opened:
            if service is None:
                service = own_service(mode, own)
                opened.callback(service.close)
            elif any(value is not None for value in own.values()):
                raise ValueError("A shared service has its own model, protocol and key.")
            self._mode = mode
            self._keep = keep
            self._settings = service.settings
            self._conversation = Conversation()
            self._waiting = tuple(files)
            self._given: set[Path] = set()
            self._attached = False
            self._turns = threading.Lock()
            self._cancel = threading.Event()
            self._closed = False
            begin = defaults(mode, service.settings)
            self._config = TurnConfig(
                begin.generation,
                begin.system,
                max_rounds or service.settings.max_rounds,
                None,
                refuse if approve is None else asking(approve),
                service.settings.compaction,
            )
            self._folders = service.folder
            self._workspace = service.folder.make()
            opened.callback(self._leave_folder)
            self._study = service.open_documents(mode)
            if self._study is not None:
                opened.callback(self._study.close)
            self._registry = service.registry(mode, self._workspace, self._study, functions)
            opened.callback(self._registry.close)
            if missing := [each.name for each in functions if each not in self._registry.tools]:
                raise ValueError(f"The name {missing[0]} is already taken by another tool.")
            self._model = service.model_for(mode)
            self._model.start()
            self._ends = opened.pop_all()

    # -- a turn, to its end ----------------------------------------------------------------------

    def run(
        self,
        prompt: str,
        files: Files = (),
        *,
        password: Ask | None = None,
        cancel: threading.Event | None = None,
    ) -> Answer:
        """Answers a prompt; returns when the turn has ended.

        Ctrl-C ends the turn, keeps what was said, and raises `KeyboardInterrupt`.

        Args:
            prompt: what the user says.
            files: paths of files that go with the prompt. They are copied into the agent's folder,
                at most 20 (100 documents) with one prompt, each at most `GLM_UPLOAD_MB`.
            password: asked for the password of a locked file, with the file's name and whether the
                last one was wrong; returns None to go on without the file.
            cancel: stops the turn when another thread sets it; the answer's `reason` is
                "cancelled" then.

        Returns:
            What the turn brought, also where a limit cut it short; see `Answer.reason`.

        Raises:
            AgentError: there is no such model or file, the prompt is too long, the connection
                broke, ... The conversation is kept.
            ValueError: the prompt is empty, or the mode takes no files.
            RuntimeError: the agent is closed, or in the middle of a turn.
        """
        return finished(self.stream(prompt, files, password=password, cancel=cancel), self._sources)

    def resume(self, *, cancel: threading.Event | None = None) -> Answer:
        """Goes on with a turn that a limit cut short: that of the rounds, or of an answer's length.

        Returns what this adds; arguments and errors are those of `run`. Raises `ValueError` when
        there is nothing to go on from.
        """
        return finished(self.stream_resume(cancel=cancel), self._sources)

    def retry(self, *, cancel: threading.Event | None = None) -> Answer:
        """Asks for another last answer, or again after an `AgentError`.

        Returns the new answer; arguments and errors are those of `run`. Raises `ValueError` when
        nothing was said yet.
        """
        return finished(self.stream_retry(cancel=cancel), self._sources)

    # -- a turn, event by event ------------------------------------------------------------------

    def stream(
        self,
        prompt: str,
        files: Files = (),
        *,
        password: Ask | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[Event]:
        """Answers a prompt and yields what happens: `TextDelta`, `ToolStarted`, `ToolFinished`,
        `MessageFinished` and others, last of all `TurnFinished`.

        The turn goes on as events are taken. Who leaves the loop early stops it. A failure is no
        exception here, but a `TurnFinished` with reason "error". Arguments and other errors are
        those of `run`.
        """
        if not prompt.strip():
            raise ValueError("The prompt is empty.")
        check(self._mode, (), files, None)
        return self._events(lambda stop: self._asked(prompt, files, stop, password), cancel)

    def stream_resume(self, *, cancel: threading.Event | None = None) -> Iterator[Event]:
        """`resume`, with events as `stream` has them."""
        if not self.unfinished:
            raise ValueError("There is nothing to go on from.")
        return self._events(self._turn, cancel)

    def stream_retry(self, *, cancel: threading.Event | None = None) -> Iterator[Event]:
        """`retry`, with events as `stream` has them."""
        if not self.messages:
            raise ValueError("Nothing was said yet.")
        return self._events(self._again, cancel)

    # -- what there is ---------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation so far."""
        return self._conversation.messages

    @property
    def unfinished(self) -> bool:
        """Whether the last turn can be resumed: a limit cut it short."""
        last = self.messages[-1] if self.messages else None
        return last is not None and (self._conversation.awaits_answer or last.finish == "length")

    @property
    def folder(self) -> Path:
        """Where the given files and those that tools made lie, until the agent is closed."""
        return self._workspace

    @property
    def refused(self) -> tuple[str, ...]:
        """A sentence for each tool of the settings that is not offered: its name was taken."""
        return self._registry.refused

    def account(self) -> AnswerReport | None:
        """What the last answer was given from, where documents were read for it."""
        at = self._conversation.last_user
        if self._study is None or not self._study.ahead or at is None:
            return None
        from app.core.document_qa.answer_report import account

        return account(self.messages[at + 1 :], self._study)

    def close(self) -> Path | None:
        """Ends the tools, and the model where it is not shared. A turn that runs is stopped. May be
        called twice.

        Returns the folder, where it is kept and has files besides those that were given; otherwise
        it is deleted, and None is returned.
        """
        self._closed = True
        self._cancel.set()
        self._ends.close()
        return self._workspace if self._workspace.exists() else None

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside ----------------------------------------------------------------------------------

    def _events(
        self,
        begin: Callable[[threading.Event], Iterator[Event]],
        cancel: threading.Event | None,
    ) -> Iterator[Event]:
        """The events of one turn, one turn at a time."""
        if self._closed:
            raise RuntimeError("The agent is closed.")
        if self._turns.locked():
            raise RuntimeError(IN_A_TURN)
        return self._guarded(begin, cancel or threading.Event())

    def _guarded(
        self, begin: Callable[[threading.Event], Iterator[Event]], cancel: threading.Event
    ) -> Iterator[Event]:
        if not self._turns.acquire(blocking=False):
            raise RuntimeError(IN_A_TURN)
        self._cancel = cancel
        try:
            yield from _to_its_end(begin(cancel), cancel)
        finally:
            self._turns.release()

    def _asked(
        self, prompt: str, files: Files, cancel: threading.Event, password: Ask | None
    ) -> Iterator[Event]:
        """A turn that answers a prompt. Where a file is refused, it ends with that, and the
        conversation is as it was."""
        try:
            given = [read_upload(Path(file), self._settings) for file in (*self._waiting, *files)]
            if given:
                self._model.wait(cancel)
            attached = attach_files(
                self._mode, given, self._workspace, self._settings, self._model.images
            )
        except (UploadRejected, BackendError) as error:
            return iter(failed_turn("error", str(error)))
        self._waiting = ()
        if self._study is not None:
            self._study.password = password
            self._study.add(attached)
        self._given |= {part.path for part in attached if isinstance(part, Document)}
        message = user_message(encodable(prompt), attached)
        self._conversation = self._conversation.append(message)
        return self._turn(cancel)

    def _again(self, cancel: threading.Event) -> Iterator[Event]:
        self._conversation = self._conversation.for_retry()
        return self._turn(cancel)

    def _turn(self, cancel: threading.Event) -> Iterator[Event]:
        before = self._conversation
        documents = self._study if self._study is not None and self._study.ahead else None
        turn = Turn(before, self._registry, self._config, cancel, self._workspace, documents)
        try:
            for event in run(turn, self._model):
                self._conversation = turn.conversation
                if isinstance(event, MessageFinished):
                    self._hold(event.message.result)
                yield event
        except KeyboardInterrupt:
            # The turn was torn off, and its last calls may have no results.
            self._conversation = before
            raise

    def _hold(self, result: ToolResult | None) -> None:
        """Has a folder that is kept outlive the process as soon as the user is told of a file in
        it, even if the process is killed."""
        if result is not None and for_user(result) and not self._attached:
            self._attached = True
            if self._keep:
                self._folders.give_away(self._workspace)

    @property
    def _sources(self) -> list[CitationSource]:
        """What knows what was cited."""
        tools = [each.citations for each in self._registry.tools if each.citations is not None]
        documents = [self._study] if self._study is not None and self._study.ahead else []
        return [*tools, *documents]

    def _leave_folder(self) -> None:
        delete_folder(pictures_folder(self._workspace))
        # Hidden entries are what libraries keep in a home folder.
        made = self._attached or set(self._workspace.glob("[!.]*")) - self._given
        if not (self._keep and made):
            delete_folder(self._workspace)
        self._folders.give_away(self._workspace)


def _to_its_end(events: Iterator[Event], cancel: threading.Event) -> Iterator[Event]:
    """The events of a turn that `cancel` stops.

    A caller that leaves its loop early stops the turn. So does Ctrl-C: the turn ends as a stopped
    one does, with a result for every call that was made, and then `KeyboardInterrupt` is raised; a
    second Ctrl-C raises it at once.
    """
    pressed = False

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        cancel.set()

    try:
        while True:
            with _ctrl_c(hear):
                event = next(events, None)
            if event is None:
                break
            yield event
    except BaseException:
        cancel.set()
        # Nothing comes of events that raised this themselves.
        for _ in events:
            pass
        raise
    if pressed:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _ctrl_c(hear: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block Ctrl-C calls `hear` in place of raising `KeyboardInterrupt`, where the
    program has no handler of its own."""
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
