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
from backends.errors import RequestRefused
from backends.messages import Document, Message, Picture, Text
from tools.base import ToolCall, ToolError, ToolSpec

DENSEST: Final = 8
"""Characters that a token stands for at most, over a whole conversation in which a run of one
character counts once. English has 4 to 5, code 3 to 4, Chinese 1 to 2; only a text of nothing
but very long words comes near it."""


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
    return body


def tool_fields(
    tools: Sequence[ToolSpec], names: Names, config: GenerationConfig
) -> dict[str, Any]:
    """The tools on offer, and the one that must be called, if it is among them."""
    if not tools:
        return {}
    fields: dict[str, Any] = {"tools": tool_definitions(tools, names)}
    if config.tool_choice is not None and config.tool_choice in {spec.name for spec in tools}:
        chosen = {"name": names.sent(config.tool_choice)}
        fields["tool_choice"] = {"type": "function", "function": chosen}
    return fields


def refused_options(body: str) -> frozenset[str]:
    """The options that an error with this body says the server does not know."""
    options = _OPTIONS if _UNKNOWN.search(body) else ("stream_options",)
    return frozenset(o for o in options if re.search(rf"\b{o}\b", body))


def without(body: Mapping[str, Any], options: Collection[str]) -> dict[str, Any]:
    """`body` as it is sent: in plain JSON types, and without what the server does not know."""
    plain: dict[str, Any] = encodable(body)
    sent = {key: value for key, value in plain.items() if key not in options}
    if "max_tokens" in options:  # OpenAI's newer models
        sent["max_completion_tokens"] = plain["max_tokens"]
    return sent


def most_of_least(messages: Sequence[Mapping[str, Any]]) -> int:
    """A number that `least_tokens` is not above, found without a look at the texts."""
    return sum(len(text) for text in _texts(messages)) // DENSEST


def least_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    """A number of tokens that `messages` have at least, with any tokenizer, calls apart."""
    once = (re.sub(r"(.)\1+", r"\1", text, flags=re.S) for text in _texts(messages))
    return sum(map(len, once)) // DENSEST


def _texts(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content") or ""
        if isinstance(content, str):
            yield content
        else:
            yield from (part.get("text", "") for part in content)


_OPTIONS: Final = ("stream_options", "max_tokens", "temperature", "top_p", "seed", "min_tokens")
_UNKNOWN: Final = re.compile(r"unsupported|not supported|unknown|unrecognized|not permitted", re.I)


# -- messages and tools ----------------------------------------------------------------------------

MAX_NAME_CHARS = 64
"""Characters in a function's name, as OpenAI and vLLM accept them (`^[a-zA-Z0-9_-]{1,64}$`)."""

NOT_RUN = "The call was interrupted before it gave a result."
"""Stands for the result of a call that has none: servers refuse a call without its result."""


class Names:
    """Tool names as servers accept them, and back.

    A name that is fine stays as it is, whatever comes before it in `names`. Any other gets its
    odd characters replaced, and a few hexadecimal digits where that would not be unique, so
    that the same set of names always gives the same mapping.
    """

    def __init__(self, names: Iterable[str]) -> None:
        distinct = list(dict.fromkeys(names))
        self._sent = {name: name for name in distinct if _accepted(name)}
        self._own = dict(self._sent)
        for name in distinct:
            if name not in self._sent:
                sent = _spelled(name, self._own)
                self._sent[name] = sent
                self._own[sent] = name

    def sent(self, name: str) -> str:
        """How the server is told of `name`."""
        return self._sent.get(name, name)

    def own(self, sent: str) -> str:
        """Our name for what the server calls `sent`; a name we never sent stays as it is."""
        return self._own.get(sent, sent)


def names_of(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Names:
    """The names of the tools on offer, and of those called in the history."""
    called = [call.name for message in messages for call in message.calls]
    results = [message.result.name for message in messages if message.result]
    return Names([spec.name for spec in tools] + called + results)


def chat_messages(
    messages: Sequence[Message], names: Names, plain: Callable[[str], str] = str
) -> list[dict[str, Any]]:
    """The request's `messages`.

    `plain` is applied to every text, for servers that would read special tokens in it. An
    answer that said nothing is left out. A call without a result gets one that says so, since
    servers refuse the whole conversation otherwise. Of a document only a line is sent: what the
    model is to read of it is text by the time it comes here. Raises `RequestRefused` when a
    picture's file is gone.
    """
    sent: list[dict[str, Any]] = []
    waiting: dict[str, ToolCall] = {}
    for message in messages:
        if message.role == "tool":
            if message.result is not None:
                waiting.pop(message.result.call_id, None)
                name, text = names.sent(message.result.name), plain(message.result.text)
                sent.append(_result(message.result.call_id, name, text))
            continue
        sent.extend(_unanswered(waiting, names))
        waiting = {call.id: call for call in message.calls}
        if message.role != "assistant":
            sent.append({"role": message.role, "content": _content(message, plain)})
        elif message.text or message.calls:
            sent.append(_answer(message, names, plain))
    sent.extend(_unanswered(waiting, names))
    return sent


def glm4_messages(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The request's `messages` for a server that puts them, as they are, into the GLM-4 form.

    A call is a text that begins with the tool's name, and the tools are in the system message.
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

    Exactly as the model wrote it where that is one; else (a raw input, or JSON that the model
    got wrong) the same text in an object, for servers parse it and refuse what does not parse.
    """
    try:
        arguments = call.arguments()
    except ToolError:
        return json.dumps({"input": call.input}, ensure_ascii=False)
    if call.raw is None and arguments:
        return call.input
    return json.dumps(arguments, ensure_ascii=False)


def encodable(value: Any) -> Any:
    """The same value as plain JSON types, with texts that UTF-8 can hold."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, Mapping):
        return {whole_text(str(key)): encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(item) for item in value]
    return value


def whole_text(text: str) -> str:
    """`text` with surrogate pairs joined to the character they stand for, lone ones replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _accepted(name: str) -> bool:
    return re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{MAX_NAME_CHARS}}}", name) is not None


def _spelled(name: str, taken: Mapping[str, str]) -> str:
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


def _unanswered(waiting: Mapping[str, ToolCall], names: Names) -> Iterator[dict[str, Any]]:
    for call in waiting.values():
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
