"""A browser tool in a test: what it searches and reads, made to order, and how it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.base import ToolCall, ToolContext, ToolResult
from tools.browser import BrowserTool
from tools.browser.base import Link, Page, ReadFailed
from tools.browser.search.base import Result
from tools.browser.search.chain import Found
from tools.browser.step_file import STEP


class Lists:
    """Finds the same results each time."""

    names = "lists"

    def __init__(self, *results: Result, notes: Sequence[str] = ()) -> None:
        self.results, self.notes = results, tuple(notes)

    def search(self, query: str, days: int | None, limit: int, *_: Any) -> Found:
        return Found(self.results, self.notes)


class Pages:
    """Reads pages that are made for it, for what no server says: what a reader may hand over."""

    def __init__(self, make: Callable[[str], Page | ReadFailed]) -> None:
        self.make, self.asked, self.expected = make, list[list[str]](), list[list[str]]()

    def expect(self, urls: Sequence[str]) -> None:
        self.expected.append(list(urls))

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        self.asked.append(list(urls))
        return [self.make(url) for url in urls]

    def close(self) -> None:
        pass


def page(url: str, *lines: str, links: Sequence[Link] = (), title: str = "Title") -> Page:
    return Page(url, title, 200, lines, tuple(links), datetime.now(UTC))


def ask(tool: BrowserTool, text: str, workspace: Path, **context: Any) -> ToolResult:
    workspace.mkdir(exist_ok=True)
    call = ToolCall("1", "simple_browser", text, raw="input")
    return tool.run(call, ToolContext(workspace, **context))


def step(result: ToolResult) -> Any:
    (found,) = [each for each in result.attachments if each.mime == STEP]
    return json.loads(found.path.read_bytes())
