"""The fields of a chat-completions request around its messages: pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from backends.base import GenerationConfig
from backends.chat_completions.messages import Names, encodable, tool_definitions
from tools.base import ToolSpec

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
