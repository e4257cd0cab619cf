"""Messages and tools to tokens, where only the template's own text may be control tokens.

Three kinds of models:

    glm4      GLM-4, GLM-4-0414, GLM-4.1V: GLM-4's own turns (`glm4.prompt`), on which adapters
              are trained too; also for a GLM tokenizer without a template
    tagged    GLM-4.5 and later: their own template with the tools, calls in tags
    template  any other: its template, tools in a compact list (see `chat_template`)

In a message's text a picture is a placeholder until the text is tokenized; the picture's tokens
then take the placeholder's position.
"""

from __future__ import annotations

import json
import re
import secrets
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from backends.chat_completions import request as chat_completions
from backends.chat_completions.options import NO_SWITCHES
from backends.chat_template import Piece, glm4_pieces, is_glm4, template_pieces
from backends.errors import ModelUnavailable, RequestRefused
from backends.glm4.tokens import ASSISTANT, WORD_JOINER
from backends.messages import Message, Part, Picture, Text
from backends.transformers.tokenizer import Tokens
from backends.transformers.vision import Placed, VisionInputs
from tools.base import ToolSpec

Style = Literal["glm4", "tagged", "template"]
THINK = "<think>"


@dataclass(frozen=True)
class Prompt:
    """A tokenized prompt.

    `ids` are the token ids, `keys` the keys of the cached prefix: equal to `ids` but for pictures,
    whose keys identify the picture. `begins` is the beginning of the answer that is already part
    of the prompt. `pieces` are its text, with a note in place of each picture.
    """

    ids: Sequence[int]
    keys: Sequence[int]
    pictures: tuple[Placed, ...] = ()
    begins: str = ""
    pieces: Sequence[Piece] = ()


class Prompter:
    """Makes prompts for one tokenizer. Raises `ModelUnavailable` if it has no chat template."""

    def __init__(self, tokenizer: Any, name: str, sight: VisionInputs | None = None) -> None:
        self._tokenizer, self._name, self._sight = tokenizer, name, sight
        self.tokens = Tokens(tokenizer)
        self._template = str(tokenizer.chat_template or "")
        added = tokenizer.get_added_vocab()
        self.style = _style(self._template, added, name)
        self._special = re.compile("|".join(map(re.escape, added)) or r"(?!)")
        # A random placeholder: no message can contain it.
        self._mark = f"\ue0f2{secrets.token_hex(8)}:"
        self._marked = re.compile(re.escape(self._mark) + "(\\d+)\ue0f3")

    @property
    def thinks(self) -> bool:
        """Whether the model may think before it answers."""
        return THINK in self._template

    @property
    def switches(self) -> bool:
        """Whether the template can switch thinking."""
        return self.style != "glm4" and "enable_thinking" in self._template

    def prompt(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        begins: str = "",
        switches: Mapping[str, Any] = NO_SWITCHES,
    ) -> Prompt:
        """The prompt up to the answer, whose first text is `begins`; `switches` are variables of
        the template.

        Raises `RequestRefused` when the template can't take the messages, or a picture is gone.
        """
        pictures: list[Picture] = []
        marked = [self._with_marks(message, pictures) for message in messages]
        pieces = self._pieces(marked, tools, switches)
        if not (begins or tools):
            # With tools the model writes the beginning: a tool's name or a newline.
            begins = self._opening
        if begins:
            pieces.append(Piece(begins, False))
        ids, keys, placed = array("q"), array("q"), []
        for piece in pieces:
            for index, text in enumerate(self._marked.split(piece.text)):
                if index % 2 == 0:
                    tokens = self.tokens.encode(text, piece.markup)
                    ids.extend(tokens)
                    keys.extend(tokens)
                elif self._sight is not None:
                    seen = self._sight.place(pictures[int(text)], len(ids))
                    placed.append(seen)
                    ids.extend(seen.ids)
                    keys.extend(seen.keys)
        if pictures:
            texts = (self._marked.sub("[picture]", each.text) for each in pieces)
            pieces = [replace(each, text=text) for each, text in zip(pieces, texts, strict=True)]
        begins = begins or self._answer_start(pieces[-1].text)
        return Prompt(ids, keys, tuple(placed), begins, pieces)

    def _pieces(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        switches: Mapping[str, Any],
    ) -> list[Piece]:
        if self.style == "glm4":
            return glm4_pieces(messages, tools)
        if self.style == "template":
            return template_pieces(
                messages, tools, lambda turns: self._apply(turns, None, switches)
            )
        names = chat_completions.names_of(messages, tools)
        sent = chat_completions.chat_messages(messages, names, plain=self._plain)
        offered = chat_completions.tool_definitions(tools, names)
        plain = [_with_objects(message) for message in sent]
        return [Piece(self._apply(plain, offered, switches), True)]

    def _apply(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Any = None,
        switches: Mapping[str, Any] = NO_SWITCHES,
    ) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self._tokenizer.apply_chat_template(
                    messages,
                    tools=tools or None,
                    tokenize=False,
                    add_generation_prompt=True,
                    **switches,
                )
            )
        except (TemplateError, TypeError, ValueError):
            raise RequestRefused(
                f"The model {self._name} can't read this conversation with its chat template. "
                "Clear the conversation, or choose another model."
            ) from None

    @cached_property
    def _opening(self) -> str:
        """The text that a GLM-4 template has after `<|assistant|>`: none, or a newline."""
        if self.style != "glm4" or not self._template:
            return ""
        try:
            rendered = self._apply([{"role": "user", "content": "?"}])
        except RequestRefused:
            return ""
        return rendered.rpartition(ASSISTANT)[2] if ASSISTANT in rendered else ""

    def _answer_start(self, prompt: str) -> str:
        """The beginning of the answer that the template has at the end of the prompt."""
        if self.style == "tagged":
            return prompt.rpartition(ASSISTANT)[2]
        return THINK if prompt.rstrip().endswith(THINK) else ""

    def _with_marks(self, message: Message, pictures: list[Picture]) -> Message:
        if not message.pictures:
            return message
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, Picture) and self._sight is None:
                parts.append(Text(f"[picture {part.name}: not shown to you]\n"))
            elif isinstance(part, Picture):
                parts.append(Text(f"{self._mark}{len(pictures)}\ue0f3"))
                pictures.append(part)
            else:
                parts.append(part)
        return replace(message, parts=tuple(parts))

    def _plain(self, text: str) -> str:
        """`text` with an invisible character in each control token, so that it is plain text."""
        return self._special.sub(lambda found: found[0][0] + WORD_JOINER + found[0][1:], text)


def _style(template: str, added: Mapping[str, int], name: str) -> Style:
    if "<arg_key>" in template:
        return "tagged"
    if is_glm4(template) or (not template and ASSISTANT in added and "[gMASK]" in added):
        return "glm4"
    if not template:
        raise ModelUnavailable(f"{name} has no chat template. Choose a model made for chat.")
    return "template"


def _with_objects(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message in the form that templates take: arguments are objects, contents are strings."""
    calls = [
        {**call, "function": {**call["function"], "arguments": _object(call)}}
        for call in message.get("tool_calls", ())
    ]
    content = message.get("content") or ""
    return {**message, "content": content, **({"tool_calls": calls} if calls else {})}


def _object(call: Mapping[str, Any]) -> Any:
    return json.loads(call["function"]["arguments"])
