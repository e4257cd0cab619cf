"""Messages and tools to tokens, where only the template's own words may be control tokens.

Three kinds of models:

    glm4      GLM-4, GLM-4-0414, GLM-4.1V: GLM-4's own turns (`glm4.prompt`), which a fine-tuned
              adapter has learned too; also for a GLM tokenizer that has no template
    tagged    GLM-4.5 and later: their own template with the tools, calls in tags
    template  any other: its template, tools in a compact list (see `chat_template`)

A picture stands in a message's text as a mark of ours until the text is cut into pieces; then
it becomes its tokens, in the place that it had.
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
    """`ids` are the tokens, `keys` the same for the kept prefix: like them, but the tokens of a
    picture tell which one it is. `begins` is what the prompt already wrote of the answer."""

    ids: Sequence[int]
    keys: Sequence[int]
    pictures: tuple[Placed, ...] = ()
    begins: str = ""


class Prompter:
    """Makes prompts for one tokenizer. Raises `ModelUnavailable` where it knows no chat."""

    def __init__(self, tokenizer: Any, name: str, sight: VisionInputs | None = None) -> None:
        self._tokenizer, self._name, self._sight = tokenizer, name, sight
        self.tokens = Tokens(tokenizer)
        self._template = str(tokenizer.chat_template or "")
        added = tokenizer.get_added_vocab()
        self.style = _style(self._template, added, name)
        self._special = re.compile("|".join(map(re.escape, added)) or r"(?!)")
        # A mark that nobody else can write.
        self._mark = f"\ue0f2{secrets.token_hex(8)}:"
        self._marked = re.compile(re.escape(self._mark) + "(\\d+)\ue0f3")

    @property
    def thinks(self) -> bool:
        """Whether the model may think before it answers."""
        return THINK in self._template

    def prompt(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], begins: str = ""
    ) -> Prompt:
        """The prompt up to the answer, and its first words where `begins` gives them.

        Raises `RequestRefused` when the template can't take the messages, or a picture is gone.
        """
        pictures: list[Picture] = []
        marked = [self._with_marks(message, pictures) for message in messages]
        pieces = self._pieces(marked, tools)
        if not (begins or tools):
            # Where tools may be called, the model itself begins: with a name or a newline.
            begins = self._opening
        if begins:
            pieces.append(Piece(begins, False))
        ids, keys, placed = array("q"), array("q"), []
        for piece in pieces:
            for at, text in enumerate(self._marked.split(piece.text)):
                if at % 2 == 0:
                    tokens = self.tokens.encode(text, piece.markup)
                    ids.extend(tokens)
                    keys.extend(tokens)
                elif self._sight is not None:
                    seen = self._sight.place(pictures[int(text)], len(ids))
                    placed.append(seen)
                    ids.extend(seen.ids)
                    keys.extend(seen.keys)
        return Prompt(ids, keys, tuple(placed), begins or self._begun(pieces[-1].text))

    def _pieces(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[Piece]:
        if self.style == "glm4":
            return glm4_pieces(messages, tools)
        if self.style == "template":
            return template_pieces(messages, tools, self._apply)
        names = chat_completions.names_of(messages, tools)
        sent = chat_completions.chat_messages(messages, names, plain=self._plain)
        offered = chat_completions.tool_definitions(tools, names)
        return [Piece(self._apply([_with_objects(message) for message in sent], offered), True)]

    def _apply(self, messages: Sequence[Mapping[str, Any]], tools: Any = None) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self._tokenizer.apply_chat_template(
                    messages, tools=tools or None, tokenize=False, add_generation_prompt=True
                )
            )
        except (TemplateError, TypeError, ValueError):
            raise RequestRefused(
                f"The model {self._name} can't read this conversation with its chat template. "
                "Clear the conversation, or choose another model."
            ) from None

    @cached_property
    def _opening(self) -> str:
        """What a GLM-4 template writes behind `<|assistant|>`: nothing, or a newline."""
        if self.style != "glm4" or not self._template:
            return ""
        try:
            asked = self._apply([{"role": "user", "content": "?"}])
        except RequestRefused:
            return ""
        return asked.rpartition(ASSISTANT)[2] if ASSISTANT in asked else ""

    def _begun(self, prompt: str) -> str:
        """What of the answer the template itself wrote at the end of the prompt."""
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
        """`text` whose control tokens are broken by an invisible character."""
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
    """A message as templates have it: arguments are objects, contents are texts."""
    calls = [
        {**call, "function": {**call["function"], "arguments": _object(call)}}
        for call in message.get("tool_calls", ())
    ]
    content = message.get("content") or ""
    return {**message, "content": content, **({"tool_calls": calls} if calls else {})}


def _object(call: Mapping[str, Any]) -> Any:
    return json.loads(call["function"]["arguments"])
