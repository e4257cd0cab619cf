"""The app without a page: settings, the model, the tools and the sessions, put together.

Pages share one `Service` for the whole process; the back door makes one of its own.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from app.core.models import ModelHost, open_backend
from app.core.session import Session, Sessions
from app.core.settings import Loaded, Settings
from tools.base import Tool
from tools.loading import load_tools
from tools.python import PythonLimits, PythonTool
from tools.registry import Registry

EXAMPLES = Path(__file__).resolve().parents[2] / "tools" / "user"


class Service:
    """What every page and the back door stand on. `tool_files` are loaded beside the settings'."""

    def __init__(self, loaded: Loaded, tool_files: Sequence[Path] = ()) -> None:
        self.loaded = loaded
        self.settings = loaded.settings
        self.model = ModelHost(lambda: open_backend(self.settings))
        paths = [EXAMPLES, *_paths(self.settings.tools_path), *tool_files]
        functions = load_tools(paths)
        self._functions = functions.tools
        self.problems = (
            *loaded.problems,
            *(f"{problem.file}: {problem.sentence}" for problem in functions.problems),
        )
        self.sessions = Sessions(
            data_folder(self.settings) / secrets.token_hex(8),
            self._session,
            self.settings.session_minutes * 60,
        )

    def close(self) -> None:
        """Ends all sessions with their kernels and files, and lets the model go."""
        self.sessions.close()
        self.model.close()

    def registry(self, mode: str, workspace: Path) -> Registry:
        """The tools of one conversation in that mode, those that take long started ahead."""
        tools: tuple[Tool, ...] = ()
        if mode == "tools":
            python = PythonTool(workspace, python_limits(self.settings))
            python.warm()
            tools = (python, *self._functions)
        return Registry(tools, function_seconds=self.settings.function_seconds)

    def _session(self, mode: str, workspace: Path) -> Session:
        workspace.mkdir(parents=True, exist_ok=True)
        return Session(workspace, self.registry(mode, workspace), self.model)


def python_limits(settings: Settings) -> PythonLimits:
    """The python tool's limits, from the settings."""
    return PythonLimits(seconds=settings.python_seconds, characters=settings.python_output)


def data_folder(settings: Settings) -> Path:
    """Where conversations keep their files while they last."""
    if settings.data:
        return Path(settings.data).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("glm-all-tools") / "sessions"


def _paths(text: str) -> list[Path]:
    return [Path(part).expanduser() for part in text.split(os.pathsep) if part.strip()]
