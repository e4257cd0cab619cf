"""A chat-completions request: options, messages and tools. Pure: nothing is sent from here."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from backends import glm4
from backends.base import GenerationConfig
from backends.chat_completions.options import OPTIONAL, sampling_fields
from backends.errors import RequestRefused
from backends.messages import Document, Message, Picture, Text
from tools.base import ToolCall, ToolError, ToolSpec

MAX_CHARS_PER_TOKEN: Final = 8
"""The most characters per token over a whole conversation, where a run of one character counts
once. English has 4 to 5, code 3 to 4, Chinese 1 to 2; only text of very long words comes near."""


def request_body(
    model: str, messages: Sequence[Mapping[str, Any]], config: GenerationConfig
) -> dict[str, Any]:
    """A streamed request without tools."""
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": config.max_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
    }
    if config.seed is not None:
        body["seed"] = config.seed
    if config.min_tokens > 0:  # OpenAI has no such option, but vLLM and SGLang know it
        body["min_tokens"] = config.min_tokens
    return body | sampling_fields(config)


def tool_fields(
    tools: Sequence[ToolSpec], names: Names, config: GenerationConfig
) -> dict[str, Any]:
    """The fields of the offered tools, and of the forced call if its tool is among them."""
    if not tools:
        return {}
    fields: dict[str, Any] = {"tools": tool_definitions(tools, names)}
    if config.tool_choice is not None and config.tool_choice in {spec.name for spec in tools}:
        chosen = {"name": names.sent(config.tool_choice)}
        fields["tool_choice"] = {"type": "function", "function": chosen}
    return fields


def refused_options(body: str) -> frozenset[str]:
    """The options that the server rejects, by an error's body."""
    options = _OPTIONS if _UNKNOWN.search(body) else ("stream_options",)
    return frozenset(o for o in options if re.search(rf"\b{o}\b", body))


def without(body: Mapping[str, Any], options: Collection[str]) -> dict[str, Any]:
    """`body` in plain JSON types, without `options`, which the server rejects."""
    plain: dict[str, Any] = encodable(body)
    sent = {key: value for key, value in plain.items() if key not in options}
    if "max_tokens" in options:  # OpenAI's newer models
        sent["max_completion_tokens"] = plain["max_tokens"]
    return sent


def most_of_least(messages: Sequence[Mapping[str, Any]]) -> int:
    """An upper bound of `least_tokens`, from the lengths of the texts only."""
    return sum(len(text) for text in _texts(messages)) // MAX_CHARS_PER_TOKEN


def least_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    """A lower bound of the tokens of `messages` with any tokenizer; calls are not counted."""
    once = (re.sub(r"(.)\1+", r"\1", text, flags=re.S) for text in _texts(messages))
    return sum(map(len, once)) // MAX_CHARS_PER_TOKEN


def _texts(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content") or ""
        if isinstance(content, str):
            yield content
        else:
            yield from (part.get("text", "") for part in content)


_OPTIONS: Final = (
    "stream_options", "max_tokens", "temperature", "top_p", "seed", "min_tokens", *OPTIONAL
)  # fmt: skip
_UNKNOWN: Final = re.compile(r"unsupported|not supported|unknown|unrecognized|not permitted", re.I)


# -- messages and tools ----------------------------------------------------------------------------

MAX_NAME_CHARS = 64
"""Characters in a function's name, as OpenAI and vLLM accept them (`^[a-zA-Z0-9_-]{1,64}$`)."""

NOT_RUN = "The call was interrupted before it gave a result."
"""The result of a call that has none: servers reject a call without a result."""


class Names:
    """A two-way mapping between the app's tool names and names that servers accept.

    An accepted name stays the same, whatever comes before it in `names`. In any other name the
    characters that are not accepted are replaced, and a few hexadecimal digits of its hash are
    appended where the result is not unique: the same names always give the same mapping.
    """

    def __init__(self, names: Iterable[str]) -> None:
        distinct = list(dict.fromkeys(names))
        self._sent = {name: name for name in distinct if _accepted(name)}
        self._own = dict(self._sent)
        for name in distinct:
            if name not in self._sent:
                sent = _accepted_spelling(name, self._own)
                self._sent[name] = sent
                self._own[sent] = name

    def sent(self, name: str) -> str:
        """The name that stands for `name` in the request."""
        return self._sent.get(name, name)

    def own(self, sent: str) -> str:
        """The app's name for `sent`, the name in the request; an unknown name stays the same."""
        return self._own.get(sent, sent)


def names_of(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Names:
    """The names of the offered tools, and of those called in the history."""
    called = [call.name for message in messages for call in message.calls]
    results = [message.result.name for message in messages if message.result]
    return Names([spec.name for spec in tools] + called + results)


def chat_messages(
    messages: Sequence[Message], names: Names, plain: Callable[[str], str] = str
) -> list[dict[str, Any]]:
    """The request's `messages`.

    `plain` is applied to every text, for servers that tokenize special tokens in it. An empty
    answer is left out. A call without a result gets the result `NOT_RUN`, since servers reject
    the whole conversation otherwise. A document is sent as one line: the parts of it that the
    model reads are already text. Raises `RequestRefused` when a picture's file is gone.
    """
    sent: list[dict[str, Any]] = []
    pending: dict[str, ToolCall] = {}
    for message in messages:
        if message.role == "tool":
            if message.result is not None:
                pending.pop(message.result.call_id, None)
                name, text = names.sent(message.result.name), plain(message.result.text)
                sent.append(_result(message.result.call_id, name, text))
            continue
        sent.extend(_missing_results(pending, names))
        pending = {call.id: call for call in message.calls}
        if message.role != "assistant":
            sent.append({"role": message.role, "content": _content(message, plain)})
        elif message.text or message.calls:
            sent.append(_answer(message, names, plain))
    sent.extend(_missing_results(pending, names))
    return sent


def glm4_messages(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The request's `messages` for a server that only adds GLM-4's role tokens to them.

    A call is text that begins with the tool's name; the tools are in the system message.
    """
    return [
        {
            "role": turn.role,
            "content": f"{turn.metadata}\n{turn.content}"
            if turn.role == "assistant" and turn.metadata
            else turn.content,
        }
        for turn in glm4.turns(messages, tools)
    ]


def tool_definitions(tools: Sequence[ToolSpec], names: Names) -> list[dict[str, Any]]:
    """The request's `tools`."""
    return [
        {
            "type": "function",
            "function": {
                "name": names.sent(spec.name),
                "description": spec.description,
                "parameters": spec.parameters,
            },
        }
        for spec in tools
    ]


def arguments_text(call: ToolCall) -> str:
    """A call's input as the JSON object that a request needs.

    Unchanged if it is one; else (a raw input, or invalid JSON) the text as a member of an object,
    since servers parse the arguments and reject invalid JSON.
    """
    try:
        arguments = call.arguments()
    except ToolError:
        return json.dumps({"input": call.input}, ensure_ascii=False)
    if call.raw is None and arguments:
        return call.input
    return json.dumps(arguments, ensure_ascii=False)


def encodable(value: Any) -> Any:
    """`value` in plain JSON types, with strings that UTF-8 can encode."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, Mapping):
        return {whole_text(str(key)): encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(item) for item in value]
    return value


def whole_text(text: str) -> str:
    """`text` with surrogate pairs joined to one character, lone surrogates replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _accepted(name: str) -> bool:
    return re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{MAX_NAME_CHARS}}}", name) is not None


def _accepted_spelling(name: str, taken: Mapping[str, str]) -> str:
    spelled = re.sub(r"[^a-zA-Z0-9_-]", "_", name) or "unnamed"
    if len(spelled) <= MAX_NAME_CHARS and spelled not in taken:
        return spelled
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(8, len(digest)):
        unique = f"{spelled[: MAX_NAME_CHARS - length - 1]}_{digest[:length]}"
        if unique not in taken:
            return unique
    raise ValueError("tool names collide")  # two equal SHA-256 digests


def _answer(message: Message, names: Names, plain: Callable[[str], str]) -> dict[str, Any]:
    answer: dict[str, Any] = {"role": "assistant", "content": plain(message.text) or None}
    if message.calls:
        answer["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": names.sent(call.name),
                    "arguments": plain(arguments_text(call)),
                },
            }
            for call in message.calls
        ]
    return answer


def _missing_results(pending: Mapping[str, ToolCall], names: Names) -> Iterator[dict[str, Any]]:
    for call in pending.values():
        yield _result(call.id, names.sent(call.name), NOT_RUN)


def _result(call_id: str, name: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "name": name, "content": text}


def _content(message: Message, plain: Callable[[str], str]) -> str | list[dict[str, Any]]:
    if not any(isinstance(part, Picture) for part in message.parts):
        return plain(message.prompt)
    parts: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, Text | Document):
            text = part.line if isinstance(part, Document) else part.text
            parts.append({"type": "text", "text": plain(text)})
        elif isinstance(part, Picture):
            parts.append({"type": "image_url", "image_url": {"url": _data_url(part)}})
    return parts


def _data_url(picture: Picture) -> str:
    try:
        data = picture.path.read_bytes()
    except OSError:
        name = picture.name or "A picture of this conversation"
        raise RequestRefused(f"{name} is no longer there. Attach it again.") from None
    return f"data:{picture.mime};base64,{base64.b64encode(data).decode('ascii')}"
