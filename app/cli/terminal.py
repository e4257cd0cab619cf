"""Writes turns to a terminal: answers to one stream, everything else to another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from app.core.agent.events import Event, MessageFinished, TurnFinished
from backends.events import Notice, TextDelta
from backends.messages import Message
from tools.base import ToolCall, ToolError, ToolResult, for_user
from tools.media import LATEX, TABLE
from tools.text import one_line

if TYPE_CHECKING:
    from app.core.document_qa.answer_report import AnswerReport

# Control characters, with which a model or page could move the cursor or rename the window.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ERASE_LINE = "\r\x1b[K"


class TerminalWriter:
    """Streams answers to `out`, and writes calls, results, notices, errors and the report on
    documents to `err` as lines. See `Writer`."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err
        self.account: Callable[[], AnswerReport | None] = lambda: None
        self._line_open = self._ends_open = False
        self._notice = False

    def handle(self, event: Event) -> None:
        """Write an event of a turn."""
        match event:
            case TextDelta(text):
                self._text(text)
            case Notice(text):
                self._show_notice(text)
            case MessageFinished(Message(role="tool", result=ToolResult() as result)):
                self._result(result)
            case MessageFinished(message):
                self._end_line()
                for call in message.calls:
                    self._call(call)
            case TurnFinished(reason, _, error):
                self._end_line()
                if (account := self.account()) is not None:
                    for line in account.lines:
                        self.say(one_line(line, 400))
                if reason == "error":
                    self.say(error or "The answer broke off.")
                elif reason in _ENDINGS:
                    self.say(_ENDINGS[reason])

    def refuse(self, sentence: str) -> None:
        """Write why a request was not run."""
        self.say(sentence)

    def say(self, line: str) -> None:
        """Write a line to `err`."""
        self._show_notice("")
        self._err.write(_CONTROLS.sub("", line) + "\n")
        self._err.flush()

    def _text(self, text: str) -> None:
        self._show_notice("")
        if not self._line_open:
            text = text.lstrip("\n")
        if not text:
            return
        self._out.write(_CONTROLS.sub("", text) if self._out.isatty() else text)
        self._out.flush()
        self._line_open = True
        self._ends_open = not text.endswith("\n")

    def _end_line(self) -> None:
        if self._line_open and self._ends_open:
            self._out.write("\n")
            self._out.flush()
        self._line_open = False

    def _show_notice(self, text: str) -> None:
        """Show a line that the next one replaces; only on a terminal. An empty text removes it."""
        if not self._err.isatty() or not (text or self._notice):
            return
        self._err.write(_ERASE_LINE + _CONTROLS.sub("", one_line(text, 78)))
        self._err.flush()
        self._notice = bool(text)

    def _call(self, call: ToolCall) -> None:
        self.say(f"[{one_line(call.name, 40)}] {one_line(_input(call), 200)}")

    def _result(self, result: ToolResult) -> None:
        shown = f"error: {result.error}" if result.error else result.text
        self.say(f"  -> {one_line(shown, 200)} ({result.seconds:.1f} s)")
        for attachment in for_user(result):
            if attachment.mime in (TABLE, LATEX):  # the text says the same
                continue
            self.say(f"  -> {attachment.path}")


def _input(call: ToolCall) -> str:
    """The argument of a call with a single string; otherwise the arguments as written."""
    try:
        match list(call.arguments().values()):
            case [str() as only]:
                return only
    except ToolError:
        pass
    return call.input


_ENDINGS = {
    "tool_limit": "The limit of tool rounds was reached before there was an answer.",
    "length": "The answer was cut at the token limit (GLM_MAX_TOKENS).",
    "cancelled": "Stopped.",
}
