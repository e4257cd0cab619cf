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

from backends.chat_template import Piece, glm4_pieces, is_glm4, template_pieces
from backends.messages import Message, Text
from tools.base import ToolCall, ToolResult, ToolSpec

IGNORED = -100  # the label that torch's cross entropy leaves out


@dataclass(frozen=True)
class Example:
    """Token ids, and beside each the label to learn, or `IGNORED`.

    `branches` are the places where conversations begin that share all that stands before the
    first of them, and nothing else; empty for one conversation.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    branches: tuple[int, ...] = ()


def packed(examples: Sequence[Example], window: int) -> list[Example]:
    """Conversations that begin alike (with the same tools, say) as few examples of at most
    `window` tokens, in which the beginning is read once. What is longer alone is left out."""
    fitting = [example for example in examples if len(example.ids) <= window]
    found: list[Example] = []
    while fitting:
        shared = _shared(fitting)
        ids, labels = list(fitting[0].ids[:shared]), list(fitting[0].labels[:shared])
        branches: list[int] = []
        while fitting and len(ids) + len(fitting[0].ids) - shared <= window:
            example = fitting.pop(0)
            branches.append(len(ids))
            ids += example.ids[shared:]
            labels += example.labels[shared:]
        found.append(Example(tuple(ids), tuple(labels), tuple(branches)))
    return found


def _shared(examples: Sequence[Example]) -> int:
    """How many tokens all begin with, of which none is learned, nor the one behind them."""
    learned = (
        next((at for at, label in enumerate(e.labels) if label != IGNORED), len(e.labels))
        for e in examples
    )
    longest = max(0, min(learned) - 1)
    first = examples[0].ids
    return next(
        (at for at in range(longest) if any(e.ids[at] != first[at] for e in examples[1:])), longest
    )


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


def messages_of(messages: Sequence[Mapping[str, Any]], specs: Sequence[ToolSpec]) -> list[Message]:
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
    """Encodes for one tokenizer: GLM-4 turns where its template is GLM-4's, else its template."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._glm4 = is_glm4(tokenizer.chat_template or "")

    def tokens(self, text: str, markup: bool) -> list[int]:
        """Token ids; special tokens in `text` count as such only in markup."""
        ids: list[int] = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=not markup
        )["input_ids"]
        return ids

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The prompt up to the answer."""
        return [
            token
            for piece in self._pieces(messages, tools)
            for token in self.tokens(piece.text, piece.markup)
        ]

    def example(self, conversation: Mapping[str, Any]) -> Example:
        """The whole conversation; learned are the assistant's turns not marked otherwise."""
        specs = specs_of(conversation.get("tools") or ())
        messages = messages_of(conversation["messages"], specs)
        learned = [
            bool(message.get("train", True))
            for message in conversation["messages"]
            if message["role"] == "assistant"
            for _ in range(self._turns_in(message))
        ]
        pieces = self._pieces(messages, specs)
        opening = pieces[-1].text if self._glm4 else self._opening()
        ids: list[int] = []
        labels: list[int] = []
        learning = False
        turn = 0
        for at, piece in enumerate(pieces):
            tokens = self.tokens(piece.text, piece.markup)
            last = at == len(pieces) - 1
            if piece.markup and last:  # of what opens the next answer, only the end of this one
                tokens = self._end(messages) if self._glm4 else tokens[:1]
            ids += tokens
            if not piece.markup:
                own = at > 0 and pieces[at - 1].text.endswith(opening)
                learning = own and learned[turn]
                turn += own
                labels += tokens if learning else [IGNORED] * len(tokens)
            else:  # the first token after an answer ends it
                labels += [tokens[0] if learning else IGNORED, *[IGNORED] * (len(tokens) - 1)]
                learning = False
        return Example(tuple(ids), tuple(labels))

    def _pieces(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[Piece]:
        if self._glm4:
            return glm4_pieces(messages, tools)
        return template_pieces(messages, tools, self._apply)

    def _turns_in(self, message: Mapping[str, Any]) -> int:
        """GLM-4 gives text and each call a turn; a template has one for all."""
        if not self._glm4:
            return 1
        return bool(str(message.get("content") or "").strip()) + len(
            message.get("tool_calls") or ()
        )

    def _end(self, messages: Sequence[Message]) -> list[int]:
        """GLM-4 ends a call with the token of its result, and an answer with that of the user."""
        return self.tokens("<|observation|>" if messages[-1].calls else "<|user|>", True)

    def _opening(self) -> str:
        """What the template writes before an answer."""
        asked = [{"role": "user", "content": "?"}]
        without = self._tokenizer.apply_chat_template(asked, tokenize=False)
        return self._apply(asked).removeprefix(without)

    def _apply(self, messages: list[dict[str, str]]) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        )
