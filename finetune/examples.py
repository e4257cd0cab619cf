"""Encodes conversations from JSON to tokens and labels, in the form that the engines use.

`backends/chat_template.py` makes the prompt in pieces of markup and content, as for the engines.
The labels cover only the assistant's turns and the token that ends each of them.
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

IGNORED = -100  # the label that torch's cross entropy ignores


@dataclass(frozen=True)
class Example:
    """One or several encoded conversations.

    Attributes:
        ids: token ids.
        labels: for each token, its id if it is learned, or `IGNORED`; as long as `ids`.
        branches: the indices at which conversations begin that share the tokens before the first
            index, and nothing else; empty for one conversation.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    branches: tuple[int, ...] = ()


def packed(examples: Sequence[Example], window: int) -> list[Example]:
    """Pack conversations into few examples that contain their common prefix once.

    Arguments:
        examples: conversations that begin alike, for example with the same tools.
        window: maximum length of an example in tokens; longer conversations are left out.
    """
    fitting = [example for example in examples if len(example.ids) <= window]
    found: list[Example] = []
    while fitting:
        shared = _prefix_length(fitting)
        ids, labels = list(fitting[0].ids[:shared]), list(fitting[0].labels[:shared])
        branches: list[int] = []
        while fitting and len(ids) + len(fitting[0].ids) - shared <= window:
            example = fitting.pop(0)
            branches.append(len(ids))
            ids += example.ids[shared:]
            labels += example.labels[shared:]
        found.append(Example(tuple(ids), tuple(labels), tuple(branches)))
    return found


def _prefix_length(examples: Sequence[Example]) -> int:
    """The number of tokens that all begin with; neither these nor the next one are learned."""
    learned = (
        next((index for index, label in enumerate(e.labels) if label != IGNORED), len(e.labels))
        for e in examples
    )
    maximum = max(0, min(learned) - 1)
    first = examples[0].ids
    differing = (i for i in range(maximum) if any(e.ids[i] != first[i] for e in examples[1:]))
    return next(differing, maximum)


def specs_of(tools: Sequence[Mapping[str, Any]]) -> list[ToolSpec]:
    """Convert tools from the form of the OpenAI API.

    A function's extra key `raw` names its parameter that is plain text instead of JSON.
    """
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
    """Convert messages from the form of the OpenAI API; `specs` are their tools."""
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


def load_tokenizer(gguf: Path) -> Any:
    """The tokenizer of a GGUF file; it splits numbers into digits, as llama.cpp does."""
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    return tokenizer


class Encoder:
    """Encodes conversations with one tokenizer.

    Arguments:
        tokenizer: a tokenizer of transformers; GLM-4's own turns are used if its chat template is
            GLM-4's, otherwise its chat template.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._glm4 = is_glm4(tokenizer.chat_template or "")

    def tokens(self, text: str, markup: bool) -> list[int]:
        """The token ids of `text`; special tokens are recognised only in `markup`."""
        ids: list[int] = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=not markup
        )["input_ids"]
        return ids

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The token ids of the prompt, up to the beginning of the answer."""
        return [
            token
            for piece in self._pieces(messages, tools)
            for token in self.tokens(piece.text, piece.markup)
        ]

    def example(self, conversation: Mapping[str, Any]) -> Example:
        """Encode a whole conversation.

        Arguments:
            conversation: `messages`, and optionally `tools`, in the form of the OpenAI API. The
                assistant's turns are learned unless `train` is false.
        """
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
        for index, piece in enumerate(pieces):
            tokens = self.tokens(piece.text, piece.markup)
            last = index == len(pieces) - 1
            if piece.markup and last:  # it opens a next answer: keep what ends this one
                tokens = self._end(messages) if self._glm4 else tokens[:1]
            ids += tokens
            if not piece.markup:
                own = index > 0 and pieces[index - 1].text.endswith(opening)
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
        """The number of turns of a message: GLM-4 has one for the text and one for each call."""
        if not self._glm4:
            return 1
        return bool(str(message.get("content") or "").strip()) + len(
            message.get("tool_calls") or ()
        )

    def _end(self, messages: Sequence[Message]) -> list[int]:
        """The token after the last turn: GLM-4 ends calls with the result's role token, answers
        with the user's."""
        return self.tokens("<|observation|>" if messages[-1].calls else "<|user|>", True)

    def _opening(self) -> str:
        """The markup that the template writes before an answer."""
        messages = [{"role": "user", "content": "?"}]
        without = self._tokenizer.apply_chat_template(messages, tokenize=False)
        return self._apply(messages).removeprefix(without)

    def _apply(self, messages: list[dict[str, str]]) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        )
