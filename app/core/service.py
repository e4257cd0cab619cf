"""The app without its pages: settings, models, tools and sessions.

The pages share one `Service` for the whole process; the command line and the Python API create
their own.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.configuration.live import BROWSING, MODEL, merged
from app.core.history.history import History, person_key
from app.core.models.endpoints import Endpoints
from app.core.models.host import ModelHost
from app.core.models.offers import Offers
from app.core.models.pool import ModelPool, close_soon
from app.core.models.selection import find_choice, open_backend, open_vision
from app.core.modes import FILE_MODES, model_settings, tools_system
from app.core.people.limits import limits
from app.core.people.linking import AccountLinking
from app.core.people.meter import Meter
from app.core.people.retention import Retention
from app.core.presets.library import Library
from app.core.process_folder import ProcessFolder
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.core.sessions.turn_slots import Visitor
from app.core.settings import Loaded, Settings
from app.core.toolset.image import choose_painter
from app.core.visitor_tokens import signing_key
from backends.base import GenerationConfig
from backends.errors import BackendError
from backends.messages import Message, Text, user
from tools.base import Tool
from tools.functions.loading import load_tools
from tools.registry import Registry

if TYPE_CHECKING:
    from app.core.document_qa.session_documents import SessionDocuments
    from app.core.toolset.browser import BrowserFactory
    from tools.documents.loader import DocumentLoader
    from tools.python.kernels.pool import KernelPool
    from tools.python.kernels.quota import Share
    from tools.python.sandbox.selection import SandboxChoice

log = logging.getLogger(__name__)

EXAMPLES = Path(__file__).resolve().parents[2] / "tools" / "user"


class Service:
    """The models, tools and sessions of a process.

    `tool_files` are files with user functions in addition to those of the settings. `local` says
    that only this machine can reach the pages. With `history` the conversations of its sessions
    are stored.
    """

    def __init__(
        self,
        loaded: Loaded,
        tool_files: Sequence[Path] = (),
        local: bool = True,
        history: bool = False,
    ) -> None:
        self.local = local
        self.loaded = loaded
        self.settings = loaded.settings
        self.model, self.vision = _hosts(self.settings)
        self.endpoints = Endpoints(lasting_folder(self.settings) / "models")
        offers = Offers(self.settings, models_folder(self.settings), self.endpoints)
        self.models = ModelPool(offers, self.model_for)
        self._tool_files = tool_files
        self._make_tools()
        self._prefill_lock = threading.Lock()
        self.folder = ProcessFolder(data_folder(self.settings))
        self._lock = threading.Lock()
        self._applying = threading.Lock()
        self._kernels: KernelPool | None = None
        self._browsing: BrowserFactory | None = None
        self._earlier_browsing: list[BrowserFactory] = []
        self.history = (
            History.open(lasting_folder(self.settings) / "history", self.settings.database)
            if history
            else None
        )
        self.library = Library(self.history.database) if self.history is not None else None
        self.limits = limits(loaded, local)
        self.sessions = Sessions(
            self.folder.sessions,
            self._session,
            self.settings.session_minutes * 60,
            self.settings.turns,
            self.history,
            self.limits.sessions,
        )
        self.meter: Meter | None = None
        self.linking: AccountLinking | None = None
        self._retention: Retention | None = None
        if self.history is not None:
            key = signing_key(lasting_folder(self.settings))
            self.meter = Meter(self.history, self.limits, key)
            self.linking = AccountLinking(self.history, self.sessions.hand_over)
            self._retention = Retention(
                self.history, self.meter.usage, self.settings.retention_days
            )
            self._retention.start()

    def apply(self, loaded: Loaded) -> None:
        """Goes by other settings from now on, as far as they hold without a restart (see
        `groups.effect_of`): at once, or in conversations that are opened from then on."""
        with self._applying:
            before = self.settings
            self.loaded = merged(self.loaded, loaded)
            self.settings = self.loaded.settings
            changed = {
                item.name
                for item in fields(Settings)
                if getattr(before, item.name) != getattr(self.settings, item.name)
            }
            self.models.offers.use(self.settings, models_folder(self.settings))
            if changed & MODEL:
                earlier = {self.model, self.vision}
                self.model, self.vision = _hosts(self.settings)
                for host in earlier:
                    close_soon(host)
            if changed & {"tools_path", "image_model", "image_key"}:
                self._make_tools()
            self.__dict__.pop("_document_loader", None)
            if changed & BROWSING:
                with self._lock:
                    if self._browsing is not None:  # open conversations go on with it
                        self._earlier_browsing.append(self._browsing)
                    self._browsing = None
            self.limits = limits(self.loaded, self.local)
            if self.meter is not None:
                self.meter.limits = self.limits
            if self._retention is not None:
                self._retention.days = self.settings.retention_days
            self.sessions.set_limits(
                self.settings.session_minutes * 60, self.settings.turns, self.limits.sessions
            )

    def _make_tools(self) -> None:
        """The tools that no conversation has of its own: functions of the user, and the painter."""
        self.drawing = choose_painter(self.settings)
        functions = load_tools([EXAMPLES, *_paths(self.settings.tools_path), *self._tool_files])
        self._functions = functions.tools
        self._problems = (
            *(f"{problem.file}: {problem.sentence}" for problem in functions.problems),
            *filter(None, (self.drawing.problem,)),
        )

    def forget(self, visitor: str) -> None:
        """Deletes all that a visitor has: open and kept conversations with files and shares,
        presets and prompts, and what was counted. Raises `HistoryError`."""
        self.sessions.delete_all(visitor)
        if self.history is not None:
            self.history.purge()
        if self.library is not None:
            self.library.forget(person_key(visitor))
        if self.meter is not None:
            self.meter.forget(visitor)

    def close(self) -> None:
        """Ends all sessions with their kernels and files, and closes the models."""
        self.sessions.interrupt()  # before the calls fail whose kernels are closed
        if self._kernels is not None:
            self._kernels.close()
        self.sessions.close()
        if self._retention is not None:
            self._retention.stop()
        if self.history is not None:
            self.history.close()
        for each in (*self._earlier_browsing, self._browsing):
            if each is not None:
                each.close()
        self.models.close()
        self.model.close()
        if self.vision is not self.model:
            self.vision.close()
        self.folder.close()

    def model_for(self, mode: str) -> ModelHost:
        """The model that answers in `mode`, unless another one was chosen."""
        return self.vision if mode == "vision" else self.model

    def open_documents(self, mode: str, owner: str | None = None) -> SessionDocuments | None:
        """The documents of a new conversation; None for a mode without documents.

        `owner` is the key of the visitor: documents of different owners are read in turns.
        """
        if mode not in FILE_MODES:
            return None
        # Imported late: the first page, Chat, reads no documents.
        from app.core.document_qa.session_documents import SessionDocuments
        from app.core.document_qa.store import DocumentStore

        return SessionDocuments(
            DocumentStore(self._document_loader, owner), ahead=mode == "documents"
        )

    @cached_property
    def _document_loader(self) -> DocumentLoader:
        """The loader of all conversations' documents."""
        from app.core.document_qa.session_documents import document_loader

        return document_loader(self.settings)

    def registry(
        self,
        mode: str,
        workspace: Path,
        documents: SessionDocuments | None = None,
        functions: Sequence[Tool] = (),
        window: Callable[[], int] | None = None,
    ) -> Registry:
        """The tools of one conversation in `mode`; its Python kernel begins to start.

        `functions` are the conversation's own, listed before the user functions of all
        conversations; `window` is its model's window in tokens, 0 while it is unknown.
        """
        window = window or (lambda: window_of(self.model_for(mode)))
        tools: tuple[Tool, ...] = ()
        if mode == "tools":
            # Imported late: Jupyter takes long, and the first page is Chat.
            from app.core.toolset.python import python_limits
            from tools.image import ImageTool
            from tools.python import PythonTool

            if (painter := self.drawing.painter) is not None:
                tools = (ImageTool(workspace, painter),)
            tools = (self.browsing.tool(window), *tools, *functions, *self._functions)
            if (pool := self._pool()) is not None:
                python = PythonTool(workspace, python_limits(self.settings), pool=pool)
                python.warm()
                tools = (python, *tools)
            if documents is not None:
                from app.core.document_qa.search_tool import DocumentsTool

                tools = (*tools, DocumentsTool(documents, window))
        return Registry(tools, function_seconds=self.settings.function_seconds)

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each setting and each file with tools that could not be read."""
        return (*self.loaded.problems, *self._problems, *self.browsing.problems)

    @property
    def browsing(self) -> BrowserFactory:
        """The search and the web access of all sessions."""
        from app.core.toolset.browser import BrowserFactory

        with self._lock:
            if self._browsing is None:
                self._browsing = BrowserFactory(
                    self.settings, data_folder(self.settings) / "search"
                )
            return self._browsing

    @cached_property
    def sandbox(self) -> SandboxChoice | None:
        """How Python runs on this machine; None where a gateway runs it. The first access tests
        the sandbox, and other threads wait for it."""
        from app.core.toolset.python import choose

        return choose(self.settings, self.local)

    def _pool(self) -> KernelPool | None:
        """The kernel pool of all sessions, created at the first use; None where Python is not
        available."""
        from app.core.toolset.python import open_pool
        from tools.python.kernels.quota import no_quota

        with self._lock:
            choice = self.sandbox
            if choice is not None and choice.launcher is None:
                return None
            if self._kernels is None:
                launcher = choice.launcher if choice is not None else None
                sessions = self.folder.sessions
                bounded = self.limits.person.kernels or self.limits.address.kernels
                quota = self._kernel_shares if bounded else no_quota
                self._kernels = open_pool(self.settings, sessions, launcher, self.local, quota)
            return self._kernels

    @property
    def kernels(self) -> int:
        """Python kernels that sessions hold."""
        return self._kernels.held if self._kernels is not None else 0

    def _kernel_shares(self, visitor: str) -> Sequence[Share]:
        # Imported late, as all of Python's kernels.
        from tools.python.kernels.quota import Share

        address = self.sessions.address_of(visitor)
        own = Share(f"visitor {visitor}", self.limits.person.kernels)
        if not address:
            return (own,)
        return (own, Share(f"address {address}", self.limits.address.kernels))

    def _session(self, mode: str, workspace: Path, visitor: Visitor) -> Session:
        workspace.mkdir(parents=True, exist_ok=True)
        documents = self.open_documents(mode, visitor.key)
        chosen: list[Session] = []

        def window() -> int:
            host = chosen[0].model if chosen else self.model_for(mode)
            return window_of(host)

        registry = self.registry(mode, workspace, documents, window=window)
        choice = find_choice(self.settings.model)
        local = choice is not None and choice.kind in ("bundled", "gguf")
        if mode == "tools" and local and self._prefill_lock.acquire(blocking=False):
            thread = threading.Thread(target=self._prefill_tools, args=(registry,), daemon=True)
            thread.start()
        session = Session(
            workspace, registry, lambda id: self.models.host(id, mode), documents, visitor
        )
        session.meter = self.meter
        chosen.append(session)
        return session

    def _prefill_tools(self, registry: Registry) -> None:
        """Fills a local model's prefix cache with the tools, while the first visitor types: all
        conversations begin with them, and on a CPU reading them takes seconds. Holds the lock for
        ever afterwards, so that it happens once."""
        try:
            backend = self.model.wait()
        except BackendError:
            self._prefill_lock.release()
            return
        if backend is not None:
            prompt = (Message("system", (Text(tools_system()),)), user(""))
            specs = registry.specs(backend.capabilities.native_tools)
            config = GenerationConfig(max_tokens=1)
            try:
                for _ in backend.generate(prompt, specs, config, threading.Event()):
                    pass
            except BackendError:
                log.exception("the tools could not be read ahead")


def _hosts(settings: Settings) -> tuple[ModelHost, ModelHost]:
    """The model of the settings, and the one for pictures, which may be the same."""
    model = ModelHost(lambda: open_backend(settings))
    for_pictures = model_settings("vision", settings)
    if for_pictures == settings:
        return model, model
    return model, ModelHost(lambda: open_vision(for_pictures))


def window_of(host: ModelHost) -> int:
    """A model's context window in tokens, 0 while it is unknown."""
    backend = host.backend
    return backend.capabilities.context or 0 if backend is not None else 0


def lasting_folder(settings: Settings) -> Path:
    """The folder of what outlasts the server: the history, and the key that signs cookies."""
    if settings.data:
        return Path(settings.data).expanduser()
    from platformdirs import user_data_path

    return user_data_path("glm-all-tools")


def models_folder(settings: Settings) -> Path:
    """The folder in which models are looked for."""
    if settings.models:
        return Path(settings.models).expanduser()
    return lasting_folder(settings) / "models"


def data_folder(settings: Settings) -> Path:
    """The folder of what ends with the server: the files of open conversations."""
    if settings.data:
        return Path(settings.data).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("glm-all-tools") / "sessions"


def _paths(text: str) -> list[Path]:
    return [Path(part).expanduser() for part in text.split(os.pathsep) if part.strip()]
