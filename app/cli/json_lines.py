"""Reads requests and writes turns as JSON lines, for the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.agent.events import Event, MessageFinished, TurnFinished
from backends.messages import Message, Usage
from tools.base import ToolCall, ToolError, ToolResult, for_user
from tools.text import one_line

if TYPE_CHECKING:
    from app.core.document_qa.answer_report import AnswerReport

# Characters that Python's `splitlines` and others take for line ends, but JSON doesn't.
_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}


class BadRequest(ValueError):
    """A line that is not a valid request; the message is one sentence for the user."""


class Request(BaseModel):
    """A request, as one JSON object.

    Attributes:
        prompt: the user's message.
        files: paths of files to attach.
        images: paths of images to attach.
        passwords: passwords of locked files, by the files' names.
        continues: whether it belongs to the conversation of the previous request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    prompt: str
    files: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    passwords: dict[str, str] = Field(default={}, repr=False)
    continues: bool = Field(default=False, alias="continue")


def read_request(line: str) -> Request:
    """Parse a line of input: a JSON object if it begins with a brace, otherwise a prompt.

    Raises `BadRequest`.
    """
    line = line.strip()
    if not line.startswith("{"):
        return Request(prompt=line)
    try:
        return Request.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"])
        why = one_line(f"{where}{first['msg']}", 200)
        raise BadRequest(f"The line is no valid request: {why}.") from None


class JsonWriter:
    """Writes turns to `out`, one JSON object per line. See `Writer`.

    Each text is written as a whole, before the calls of its message. Raises what writing to `out`
    raises.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.account: Callable[[], AnswerReport | None] = lambda: None
        self._answers: list[Usage] = []

    def handle(self, event: Event) -> None:
        """Write an event of a turn."""
        match event:
            case MessageFinished(Message(role="tool", result=ToolResult() as result)):
                self._write(_result(result))
            case MessageFinished(message):
                if message.usage is not None:
                    self._answers.append(message.usage)
                if message.text:
                    self._write({"type": "text", "text": message.text})
                for call in message.calls:
                    self._write(_call(call))
            case TurnFinished():
                account = self.account()
                read = {} if account is None else {"read": account.values}
                self._write(_done(event, self._answers) | read)
                self._answers = []

    def refuse(self, sentence: str) -> None:
        """Write why a request was not run, as a turn that ended with this error."""
        self.handle(TurnFinished("error", Usage(), sentence))

    def _write(self, value: dict[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False)
        self._out.write(text.translate(_LINE_ENDS) + "\n")
        self._out.flush()


def _call(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = call.arguments()
    except ToolError:
        arguments = {"input": call.input}
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments}


def _result(result: ToolResult) -> dict[str, Any]:
    attachments = [
        {"mime": each.mime, "name": each.name, "path": str(each.path.absolute())}
        for each in for_user(result)
    ]
    return {
        "type": "tool_result",
        "id": result.call_id,
        "name": result.name,
        "text": result.text,
        "error": result.error,
        "attachments": attachments,
    }


def _done(turn: TurnFinished, answers: list[Usage]) -> dict[str, Any]:
    usage = {
        "prompt_tokens": turn.usage.prompt_tokens,
        "completion_tokens": turn.usage.completion_tokens,
        "cached_tokens": turn.usage.cached_tokens,
        "first_token_seconds": _rounded(turn.usage.first_token),
        "seconds": _rounded(turn.usage.seconds),
        "tokens_per_second": _rounded(_speed(answers)),
    }
    truncated = turn.reason == "length"
    reason = "stop" if truncated else turn.reason
    done = {"type": "done", "reason": reason, "usage": usage, "error": turn.error}
    return {**done, "truncated": True} if truncated else done


def _speed(answers: list[Usage]) -> float | None:
    """Tokens per second while the model wrote, without the time of tool calls."""
    tokens, writing = 0, 0.0
    for each in answers:
        if each.tokens_per_second is not None and each.first_token is not None:
            tokens += each.completion_tokens - 1
            writing += each.seconds - each.first_token
    return tokens / writing if writing > 0 else None


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
