"""What the scripted server can be told to say: steps, and the chunks they become. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MODEL: Final = "scripted"


@dataclass(frozen=True)
class Text:
    """Content, `size` characters a piece (0: in one piece), `rate` pieces a second (0: at once)."""

    text: str
    size: int = 0
    rate: float = 0.0


@dataclass(frozen=True)
class Reasoning:
    text: str
    key: str = "reasoning_content"


@dataclass(frozen=True)
class ToolCall:
    """A native call; text arguments are sent as they are, in pieces of `size` characters."""

    name: str
    arguments: Mapping[str, Any] | str = ""
    id: str = "call_1"
    index: int = 0
    size: int = 0


@dataclass(frozen=True)
class Delta:
    """Any delta of the first choice."""

    delta: Mapping[str, Any]


@dataclass(frozen=True)
class Chunk:
    """Any JSON as one event."""

    chunk: Any


@dataclass(frozen=True)
class Raw:
    """Any bytes in the body."""

    data: bytes


@dataclass(frozen=True)
class Endless:
    """Content without an end, `rate` pieces a second."""

    text: str = "word "
    rate: float = 100.0


@dataclass(frozen=True)
class Wait:
    """Nothing for so many seconds. As the first step, before the status line is sent."""

    seconds: float


@dataclass(frozen=True)
class Finish:
    reason: str | None = "stop"


@dataclass(frozen=True)
class Usage:
    """Sent when the request asked for it."""

    prompt_tokens: int = 10
    completion_tokens: int = 5
    cached_tokens: int = 0


@dataclass(frozen=True)
class End:
    """The body ends here, properly, without `[DONE]`."""


@dataclass(frozen=True)
class Drop:
    """The connection is reset here."""


@dataclass(frozen=True)
class Status:
    """A whole answer that is no stream. A mapping is sent as JSON, a text as HTML."""

    code: int
    body: Mapping[str, Any] | str = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Step = (
    Text
    | Reasoning
    | ToolCall
    | Delta
    | Chunk
    | Raw
    | Endless
    | Wait
    | Finish
    | Usage
    | End
    | Drop
    | Status
)
Answer = Step | Sequence[Step]
Script = Sequence[Answer] | Callable[[dict[str, Any]], Answer]


def pieces(text: str, size: int) -> list[str]:
    """`text` cut into pieces of `size` characters, 0 for one piece."""
    return [text[i : i + size] for i in range(0, len(text), size)] if size else [text]


def chunk(
    body: Mapping[str, Any], delta: Mapping[str, Any] | None = None, reason: str | None = None
) -> dict[str, Any]:
    """A chunk of a streamed answer to the request `body`."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": body.get("model", MODEL),
        "choices": [choice],
    }


def usage(step: Usage) -> dict[str, Any]:
    """A `usage` object."""
    return {
        "prompt_tokens": step.prompt_tokens,
        "completion_tokens": step.completion_tokens,
        "total_tokens": step.prompt_tokens + step.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": step.cached_tokens},
    }


def completion(steps: Sequence[Step], body: Mapping[str, Any]) -> Status:
    """The same steps for a request that asked for no stream."""
    text, calls, reason, counted = "", [], "stop", Usage()
    for step in steps:
        match step:
            case Status():
                return step
            case Text():
                text += step.text
            case ToolCall():
                arguments = step.arguments
                written = arguments if isinstance(arguments, str) else json.dumps(arguments)
                function = {"name": step.name, "arguments": written}
                calls.append({"id": step.id, "type": "function", "function": function})
            case Finish():
                reason = step.reason or "stop"
            case Usage():
                counted = step
    message = {"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {})
    choice = {"index": 0, "message": message, "finish_reason": reason}
    whole = chunk(body) | {"object": "chat.completion", "choices": [choice]}
    return Status(200, whole | {"usage": usage(counted)})


def echo(rate: float) -> Callable[[dict[str, Any]], Answer]:
    """A script for use by hand: says what it was told, at `rate` pieces a second."""

    def answer(body: dict[str, Any]) -> Answer:
        content = next(
            (m.get("content") for m in reversed(body.get("messages", [])) if m["role"] == "user"),
            "",
        )
        told = content if isinstance(content, str) else json.dumps(content)
        text = f"You said:\n\n> {told}\n\n" + "And **so on**, as a text that takes a while. " * 20
        return [Text(text, size=4, rate=rate), Finish(), Usage(len(told) // 4, len(text) // 4)]

    return answer
