"""A grammar for llama.cpp that holds an answer to the tools on offer.

It is for models that read `chat_template.compact_listing`. An answer is then

    an empty line and text, or
    the name of a tool that exists, and its input: JSON that fits the schema, or free text.

JSON looks as `json.dumps` writes it and as the bundled model was trained to, so that nothing but
a mistake is ever ruled out. One call an answer: an input is read to the answer's end.

The grammar is in llguidance's form of Lark, which costs next to nothing for each token (GBNF
would walk through the whole vocabulary); llama.cpp asks it about the chosen token first, and
about all others only when that one is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from backends.chat_completions.request import whole_text
from backends.llama_cpp.json_schema import arguments_schema
from tools.base import ToolSpec

# "x-guidance" of llguidance: spaces as `json.dumps` has them, since small models go on for ever
# in free ones; and lenient, since an unknown keyword would otherwise hold the answer to nothing.
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
    """For an answer that may be text or a call.

    `ends` are the ids of tokens that may end it: of those that llama.cpp knows to end an answer
    llguidance knows one alone, and not always the one that a model was taught.
    """
    rules: list[str] = []
    left = MAX_SCHEMAS_CHARS
    choices = [r'"\n" TEXT']
    for at, spec in enumerate(tools):
        rule = _input_rule(spec, left)
        left -= len(rule)
        rules.append(f"input{at}: {rule}")
        choices.append(f"{_quoted(spec.name)} input{at}")
    return _grammar(" | ".join(choices), rules, ends)


def input_grammar(tool: ToolSpec, ends: Sequence[int] = ()) -> str:
    """For the input alone of a call that is begun already."""
    return _grammar("input", [f"input: {_input_rule(tool, MAX_SCHEMAS_CHARS)}"], ends)


def _grammar(answer: str, rules: Sequence[str], ends: Sequence[int]) -> str:
    ending = f" <[{','.join(map(str, ends))}]>?" if ends else ""
    # Text begins with something to see: an answer of nothing but empty lines is none.
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
