"""A grammar for llama.cpp that constrains an answer to text or a valid call of an offered tool.

It is for models that read `chat_template.compact_listing`. An answer is then

    an empty line and text, or
    the name of a tool that exists, and its input: JSON that fits the schema, or free text.

JSON has the format of `json.dumps`, on which the bundled model was trained, so that the grammar
only excludes mistakes. An answer has one call at most: its input extends to the answer's end.

The grammar is in llguidance's dialect of Lark, whose cost for each token is negligible (GBNF tests
the whole vocabulary): llama.cpp tests the sampled token first, and the others only when the
grammar rejects that one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from backends.chat_completions.request import whole_text
from backends.llama_cpp.json_schema import arguments_schema
from tools.base import ToolSpec

# "x-guidance" of llguidance: the spaces of `json.dumps`, since small models may repeat optional
# ones without end; and lenient, since an unknown keyword would otherwise disable the grammar.
GUIDANCE: Final = {
    "lenient": True,
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
}
MAX_SCHEMAS_CHARS: Final = (
    400_000  # characters of schemas in one grammar; those beyond are any object
)


def answer_grammar(tools: Sequence[ToolSpec], ends: Sequence[int] = ()) -> str:
    """The grammar of an answer that may be text or a call.

    `ends` are the ids of tokens that may end it: of llama.cpp's end tokens llguidance knows only
    one, and not always the one that the model was trained on.
    """
    rules: list[str] = []
    room = MAX_SCHEMAS_CHARS
    choices = [r'"\n" TEXT']
    for index, spec in enumerate(tools):
        rule = _input_rule(spec, room)
        room -= len(rule)
        rules.append(f"input{index}: {rule}")
        choices.append(f"{_quoted(spec.name)} input{index}")
    return _grammar(" | ".join(choices), rules, ends)


def input_grammar(tool: ToolSpec, ends: Sequence[int] = ()) -> str:
    """The grammar of a call's input, for a call whose name is part of the prompt."""
    return _grammar("input", [f"input: {_input_rule(tool, MAX_SCHEMAS_CHARS)}"], ends)


def _grammar(answer: str, rules: Sequence[str], ends: Sequence[int]) -> str:
    ending = f" <[{','.join(map(str, ends))}]>?" if ends else ""
    # Text must have a visible character first: an answer of empty lines is none.
    return whole_text(
        "\n".join(["%llguidance {}", f"start: ({answer}){ending}", r"TEXT: /\S(?s:.*)/", *rules])
    )


def _input_rule(spec: ToolSpec, room: int) -> str:
    if spec.raw is not None:
        return "TEXT"
    schema = arguments_schema(spec.parameters)
    if len(json.dumps(schema)) > room:
        schema = {"type": "object"}
    return f"%json {json.dumps(schema | {'x-guidance': GUIDANCE}, ensure_ascii=False)}"


def _quoted(name: str) -> str:
    return json.dumps(f"{name}\n", ensure_ascii=False)
