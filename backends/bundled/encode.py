"""Conversations as JSON to tokens, in the very form in which the engine reads and writes them.

The prompt is made by `llama_prompt`, piece by piece, markup and content apart, as the engine
does; what is learned is the assistant's turns with the token that ends them, nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.base import Message, Text
from backends.llama_prompt import template_pieces
from tools.base import ToolCall, ToolResult, ToolSpec

IGNORED = -100  # the label that torch's cross entropy leaves out


@dataclass(frozen=True)
class Example:
    """Token ids, and beside each the label to learn, or `IGNORED`."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]


def specs_of(tools: Sequence[Mapping[str, Any]]) -> list[ToolSpec]:
    """Tools in the form of the OpenAI API; `raw` in a function names its plain-text parameter."""
    functions = [tool.get("function", tool) for tool in tools]
    return [
        ToolSpec(
            function["name"],
            function.get("description") or "",
            function.get("parameters") or {"type": "object", "properties": {}},
            function.get("raw"),
        )
        for function in functions
    ]


def messages_of(
    messages: Sequence[Mapping[str, Any]], specs: Sequence[ToolSpec]
) -> list[Message]:
    """Messages in the form of the OpenAI API as the project's own."""
    raw = {spec.name: spec.raw for spec in specs}
    found: list[Message] = []
    for message in messages:
        text = str(message.get("content") or "")
        parts = (Text(text),) if text else ()
        if message["role"] == "tool":
            name = str(message.get("name", "tool"))
            found.append(Message("tool", result=ToolResult("", name, text)))
        else:
            calls = tuple(_call(call["function"], raw) for call in message.get("tool_calls") or ())
            found.append(Message(message["role"], parts, calls=calls))
    return found


def _call(function: Mapping[str, Any], raw: Mapping[str, str | None]) -> ToolCall:
    name, arguments = function["name"], function["arguments"]
    input = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    plain = raw.get(name)
    return ToolCall("", name, json.loads(input)[plain] if plain else input, plain)


def fitting_tokenizer(gguf: Path) -> Any:
    """The tokenizer inside a GGUF file, splitting numbers into digits as llama.cpp does."""
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    return tokenizer


class Encoder:
    """Encodes with one tokenizer, whose chat template is ChatML or alike."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        # Encoding content with another tokenizer object would be as good: here special tokens
        # are split by hand, since content must never become one.
        self._end = tokenizer.eos_token

    def tokens(self, text: str, markup: bool) -> list[int]:
        ids: list[int] = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=not markup
        )["input_ids"]
        return ids

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        pieces = template_pieces(messages, tools, self._apply)
        return [token for piece in pieces for token in self.tokens(piece.text, piece.markup)]

    def example(self, conversation: Mapping[str, Any]) -> Example:
        """The whole conversation; learned are the assistant's turns not marked otherwise."""
        specs = specs_of(conversation.get("tools") or ())
        messages = messages_of(conversation["messages"], specs)
        learned = iter(
            message.get("train", True)
            for message in conversation["messages"]
            if message["role"] == "assistant"
        )
        pieces = template_pieces(messages, specs, self._apply)
        opening = pieces[-1].text.split(self._end)[-1].lstrip("\n")
        ids: list[int] = []
        labels: list[int] = []
        learning = False
        for before, piece in zip([None, *pieces], pieces[:-1], strict=False):
            tokens = self.tokens(piece.text, piece.markup)
            ids += tokens
            if not piece.markup:
                own = before is not None and before.text.endswith(opening)
                learning = own and next(learned)
                labels += tokens if learning else [IGNORED] * len(tokens)
            else:  # the first token after an answer ends it
                labels += [tokens[0] if learning else IGNORED, *[IGNORED] * (len(tokens) - 1)]
                learning = False
        if learning:
            end = self.tokens(self._end, True)
            ids, labels = ids + end, labels + end
        return Example(tuple(ids), tuple(labels))

    def _apply(self, messages: list[dict[str, str]]) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        )
