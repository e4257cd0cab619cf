"""How many tokens of a request each of its parts takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.core.inspection.request_log import Inspected
from backends.chat_completions.request import arguments_text
from backends.errors import BackendError
from backends.messages import Message, Picture, Text
from backends.sent_request import SentRequest
from tools.base import ToolSpec

PartName = Literal[
    "system",
    "tools",
    "summary",
    "documents",
    "pictures",
    "history",
    "question",
    "calls",
    "template",
]

NAMES: Final[dict[PartName, str]] = {
    "system": "System prompt",
    "tools": "Tools",
    "summary": "Summary of earlier messages",
    "documents": "Documents",
    "pictures": "Pictures",
    "history": "Earlier messages",
    "question": "The question",
    "calls": "Calls and results since",
    "template": "Template and special tokens",
}

_BYTES_PER_TOKEN = 4
"""English has four to five bytes a token: for servers that don't say how many they counted."""


@dataclass(frozen=True)
class TokenParts:
    """Tokens of a request by part, in the order of `NAMES`; parts of none are left out. `exact`
    says that the model's own tokenizer counted them."""

    parts: dict[PartName, int]
    exact: bool

    @property
    def total(self) -> int:
        return sum(self.parts.values())


def token_parts(inspected: Inspected) -> TokenParts:
    """The tokens of a request by part: counted by the model's tokenizer where it is here, else
    estimated from the texts' lengths, so that they sum up to what the server counted."""
    request = inspected.request
    counted = inspected.usage.prompt_tokens if inspected.usage is not None else 0
    if request.tokenize is not None:
        try:
            return _counted(request, counted)
        except (BackendError, RuntimeError, AttributeError):
            pass  # the model was closed since
    return _estimated(request, counted)


def _counted(request: SentRequest, counted: int) -> TokenParts:
    tokenize = request.tokenize
    assert tokenize is not None
    parts = _texts(request, lambda text: len(tokenize(text, False)))
    whole = _count(request, request.tools) or 0
    if request.tools:
        parts["tools"] = max(whole - (_count(request, ()) or 0), 0)
    has_pictures = any(message.pictures for message in request.messages)
    if has_pictures and counted > whole:  # an engine whose count leaves pictures out
        parts["pictures"] = counted - whole
        whole = counted
    parts["template"] = max(max(whole, counted) - sum(parts.values()), 0)
    return TokenParts(_ordered(parts), exact=True)


def _count(request: SentRequest, tools: Sequence[ToolSpec]) -> int | None:
    return request.count(request.messages, tools) if request.count is not None else None


def _estimated(request: SentRequest, counted: int) -> TokenParts:
    lengths = _texts(request, lambda text: len(text.encode("utf-8", "replace")))
    if tools := request.body.get("tools"):
        lengths["tools"] = len(json.dumps(tools, ensure_ascii=False).encode("utf-8", "replace"))
    lengths = {name: size for name, size in lengths.items() if size}
    total = sum(lengths.values())
    if not total:
        return TokenParts({}, exact=False)
    pictures = any(message.pictures for message in request.messages)
    scale = counted / total if counted and not pictures else 1 / _BYTES_PER_TOKEN
    parts = {name: max(round(size * scale), 1) for name, size in lengths.items()}
    if pictures and counted > sum(parts.values()):
        parts["pictures"] = counted - sum(parts.values())
    return TokenParts(_ordered(parts), exact=False)


def _texts(request: SentRequest, measure: Callable[[str], int]) -> dict[PartName, int]:
    """The measures of a request's texts by part, without tools and template."""
    messages = request.messages
    asked = max((i for i, each in enumerate(messages) if each.role == "user"), default=-1)
    parts: dict[PartName, int] = {}
    for index, message in enumerate(messages):
        own: PartName = "history"
        if message.role == "system":
            own = "system"
        elif index == asked:
            own = "question"
        elif index > asked:
            own = "calls"
        for name, text in _named(message, own):
            parts[name] = parts.get(name, 0) + measure(text)
    return parts


def _named(message: Message, own: PartName) -> list[tuple[PartName, str]]:
    named: list[tuple[PartName, str]] = []
    for part in message.parts:
        if isinstance(part, Text):
            named.append((part.source or own, part.text))
        elif not isinstance(part, Picture):
            named.append((own, part.line))
    named += [(own, f"{call.name}{arguments_text(call)}") for call in message.calls]
    if message.result is not None:
        named.append((own, message.result.text))
    return named


def _ordered(parts: dict[PartName, int]) -> dict[PartName, int]:
    return {name: parts[name] for name in NAMES if parts.get(name)}
