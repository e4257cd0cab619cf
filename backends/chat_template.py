"""Messages to a prompt for a GGUF model, where only the template's own words may be control tokens.

A prompt is a list of `Piece`s: markup, tokenized with the model's special tokens, and content,
tokenized as plain text, so that `<|im_end|>` in a user's message stays ordinary text.

A model of the GLM-4 family gets GLM-4 turns. Any other model gets its own chat template, rendered
with placeholders and split at them afterwards, since a template may move or repeat contents. The
tools are then a compact list, a signature and a line each, and are called in the GLM-4 form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends import glm4
from backends.messages import Message
from tools.base import ToolSpec

# Private-use characters: no tokenizer's markup has them, and no template touches them.
_OPEN, _CLOSE = "\ue0f0", "\ue0f1"
_PLACE = re.compile(f"{_OPEN}(\\d+){_CLOSE}")

ApplyTemplate = Callable[[list[dict[str, str]]], str]


@dataclass(frozen=True)
class Piece:
    """A part of the prompt; with `markup` special tokens in it are tokenized as such."""

    text: str
    markup: bool


def is_glm4(template: str) -> bool:
    """Whether a chat template is of the GLM-4 family."""
    return "<|observation|>" in template or "[gMASK]" in template


def glm4_pieces(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[Piece]:
    """The prompt in GLM-4's own protocol, up to the answer."""
    pieces = [Piece("[gMASK]<sop>", True)]
    for turn in glm4.turns(messages, tools):
        pieces += [
            Piece(f"<|{turn.role}|>", True),
            Piece(f"{turn.metadata}\n{turn.content}", False),
        ]
    return [*pieces, Piece("<|assistant|>", True)]


def template_pieces(
    messages: Sequence[Message], tools: Sequence[ToolSpec], apply: ApplyTemplate
) -> list[Piece]:
    """The prompt in the model's own chat template, up to the answer."""
    contents: list[str] = []

    def placed(text: str) -> str:
        contents.append(text)
        return f"{_OPEN}{len(contents) - 1}{_CLOSE}"

    turns = [(role, placed(text)) for role, text in _plain_turns(messages, tools)]
    prompt = apply([{"role": role, "content": place} for role, place in turns])
    pieces: list[Piece] = []
    for index, text in enumerate(_PLACE.split(prompt)):
        if index % 2:
            pieces.append(Piece(contents[int(text)], False))
        elif text:
            pieces.append(Piece(text, True))
    return pieces


def _plain_turns(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[tuple[str, str]]:
    """Roles that every template knows: a tool's result is the user's turn."""
    turns: list[tuple[str, str]] = []
    for message in messages:
        if message.role == "system":
            turns.append(("system", message.text))
        elif message.role == "user":
            turns.append(("user", message.prompt))
        elif message.result is not None:
            turns.append(("user", f"Result of {message.result.name}:\n{message.result.text}"))
        else:
            turns.append(("assistant", _answer(message, shaped=bool(tools))))
    if tools:
        listing = compact_listing(tools)
        if turns and turns[0][0] == "system":
            turns[0] = ("system", f"{turns[0][1]}\n\n{listing}")
        else:
            turns.insert(0, ("system", listing))
    return _merged(turns)


def _answer(message: Message, shaped: bool) -> str:
    """An answer as the model wrote it: where it may call tools, text follows an empty line."""
    lines = [f"\n{message.text}" if shaped else message.text] if message.text else []
    return "\n".join([*lines, *(f"{call.name}\n{call.input}" for call in message.calls)])


def _merged(turns: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """`turns` with neighbours of the same role joined: several templates reject such neighbours."""
    merged: list[tuple[str, str]] = []
    for role, text in turns:
        if merged and merged[-1][0] == role:
            merged[-1] = (role, f"{merged[-1][1]}\n\n{text}")
        else:
            merged.append((role, text))
    return merged


def compact_listing(tools: Sequence[ToolSpec]) -> str:
    """The tools as signatures, and how to call one; short, for small models.

    The bundled model's adapter was trained on this text: a change needs a new training.
    """
    lines = [f"{_signature(spec)}: {_summary(spec.description)}" for spec in tools]
    return (
        "To call a tool, write its name on the first line and its input below: plain text for "
        "<text>, JSON for (arguments). To answer, leave the first line empty. Tools:\n"
        + "\n".join(line.removesuffix(": ") for line in lines)
    )


def _signature(spec: ToolSpec) -> str:
    """`name <code>` for plain text, else `name(a, b: number, c?: x|y)`; no type means string."""
    if spec.raw is not None:
        return f"{spec.name} <{spec.raw}>"
    required = set(spec.parameters.get("required", ()))
    shown = []
    for name, schema in spec.parameters.get("properties", {}).items():
        kind = _type(schema)
        optional = "" if name in required else "?"
        shown.append(f"{name}{optional}" + (f": {kind}" if kind != "string" else ""))
    return f"{spec.name}({', '.join(shown)})"


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "|".join(str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return "|".join(_type(choice) for choice in schema["anyOf"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"[{_type(schema.get('items', {}))}]"
    if kind == "string" and schema.get("format") in ("date", "date-time", "time"):
        return str(schema["format"])
    return kind if isinstance(kind, str) else "|".join(kind)


def _summary(text: str) -> str:
    """The first sentence, of 120 characters at most."""
    line = text.strip().split("\n", 1)[0]
    return re.split(r"\.(?=\s|$)", line, maxsplit=1)[0][:120].strip()
