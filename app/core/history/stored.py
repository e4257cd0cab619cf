"""What the history holds, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.history.tree import MessageTree
from app.core.modes import Mode


@dataclass(frozen=True)
class Entry:
    """A conversation in the list. Times are in seconds since 1970; `excerpt` is the text around
    what a search found."""

    id: str
    mode: Mode
    title: str
    pinned: bool
    created: float
    updated: float
    excerpt: str = ""


@dataclass(frozen=True)
class Row:
    """A message as it is stored: `body` and `citations` are JSON."""

    id: str
    parent: str | None
    role: str
    body: str
    text: str = ""
    citations: str = "[]"
    created: float = 0.0


@dataclass(frozen=True)
class RunningRow:
    """An answer that was being written after the message `parent`, and whether its process is
    still alive."""

    parent: str | None
    body: str
    alive: bool


@dataclass(frozen=True)
class Stored:
    """A whole conversation as it is stored."""

    entry: Entry
    head: str | None
    version: int
    choices: Mapping[str, Any]
    rows: tuple[Row, ...]
    files: Mapping[tuple[str, str], str]
    running: RunningRow | None = None

    @property
    def tree(self) -> MessageTree:
        return MessageTree({row.id: row.parent for row in self.rows})
