"""The arguments of an agent: checked, and in the form that the agent needs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import get_args

from app.core.agent.approvals import REFUSED, Approve
from app.core.modes import Mode
from app.core.service import Service
from app.core.settings import load
from tools.base import ToolCall

log = logging.getLogger(__name__)

MAX_ROUNDS = 10_000

Files = Sequence[str | os.PathLike[str]]
"""Paths of files."""


def check(
    mode: Mode,
    tools: Sequence[object],
    files: Files,
    max_rounds: int | None,
) -> None:
    """Raises `ValueError` for what can't be."""
    if mode not in get_args(Mode):
        raise ValueError(f"There is no mode {mode!r}; use {', '.join(get_args(Mode))}.")
    if tools and mode != "tools":
        raise ValueError(f'The mode {mode} has no tools; use mode="tools".')
    if files and mode == "chat":
        raise ValueError("The mode chat takes no files; use tools, documents or vision.")
    if isinstance(files, str):
        raise TypeError("files is a list of paths, not one path.")
    if max_rounds is not None and not 1 <= max_rounds <= MAX_ROUNDS:
        raise ValueError(f"max_rounds should be a number from 1 to {MAX_ROUNDS}.")


def own_service(mode: Mode, overrides: Mapping[str, str | None]) -> Service:
    """A service for one agent. Raises `ValueError` for an override that can't be read, and logs
    what else can't be."""
    if mode == "vision":
        names = {"model": "vision_model", "api_key": "vision_key"}
        overrides = {names.get(name, name): value for name, value in overrides.items()}
    loaded = load(overrides=overrides)
    for name, value in overrides.items():
        if value is not None and loaded.sources[name] != "command line":
            raise ValueError(next(each for each in loaded.problems if each.startswith("--"))[2:])
    service = Service(loaded)
    for problem in service.problems:
        log.warning("%s", problem)
    return service


def asking(approve: Callable[[ToolCall], bool]) -> Approve:
    """The agent loop's form of `approve`."""

    def ask(call: ToolCall, cancel: threading.Event, asked: Callable[[int], None]) -> str | None:
        return None if approve(call) else REFUSED

    return ask
