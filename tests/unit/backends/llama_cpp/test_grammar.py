"""The grammar that holds a GGUF model to its tools, as llama.cpp reads it.

llama.cpp says nothing about a grammar that it can't read, and then holds the model to nothing:
so it is asked what it writes after words that no model follows with a call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.llama_cpp.backend import LlamaCpp
from backends.llama_cpp.grammar import MAX_SCHEMAS_CHARS, answer_grammar, input_grammar
from tests.support.llama_asking import LAMP, PYTHON, load
from tools.base import ToolSpec

FOX = "The quick brown fox"


@pytest.fixture(scope="module")
def model() -> Iterator[LlamaCpp]:
    model = load()
    yield model
    model.close()


def written(
    model: LlamaCpp, grammar: str, prompt: str = FOX, **options: Any
) -> tuple[str, str | None]:
    """The text after `prompt`, under the grammar alone, and why it ended."""
    text, finish = "", None

    def called_back(piece: dict[str, Any]) -> bool:
        nonlocal text, finish
        for choice in piece.get("choices") or ():
            text += choice.get("text") or ""
            finish = choice.get("finish_reason") or finish
        return False

    tokens = [1, *model._engine.tokenize(prompt, False)]  # the first is <|im_start|>
    request = {"prompt": tokens, "grammar": grammar, "stream": True, "temperature": 0.0}
    request |= {"n_predict": 40, "max_tokens": 40, **options}
    model._engine.server.handle_completions(request, called_back)
    return text, finish


def function(name: str, properties: dict[str, Any], required: Sequence[str] = ()) -> ToolSpec:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return ToolSpec(name, "", schema)


# -- what it rules out ---------------------------------------------------------------------------


def test_an_answer_is_text_or_the_call_of_a_tool_that_exists(model: LlamaCpp) -> None:
    grammar = answer_grammar([LAMP, PYTHON], model._end_tokens)
    for prompt in (FOX, 'lamb\n{"at": 1}\n##\n' * 4, "pytho\nprint(1)\n##\n" * 4):
        for seed in range(3):
            text, _ = written(model, grammar, prompt, temperature=2.0, seed=seed, n_predict=12)
            name, newline, rest = text.partition("\n")
            assert newline and name in ("", "lamp", "python")
            assert rest[:1].strip() and (name != "lamp" or rest[0] == "{")


def test_a_name_that_does_not_exist_becomes_one_that_does(model: LlamaCpp) -> None:
    shown = 'lamb\n{"on": true, "room": "attic"}\n##\n' * 4  # neither lamb nor attic is there
    assert written(model, "", shown)[0].startswith("lamb\n")
    text, finish = written(model, answer_grammar([LAMP, PYTHON], model._end_tokens), shown)
    name, _, arguments = text.partition("\n")
    assert (name, finish) == ("lamp", "stop")
    jsonschema.validate(json.loads(arguments), dict(LAMP.parameters))


@pytest.mark.parametrize(
    "value",
    [
        {"type": "string", "enum": ["red", "green"]},
        {"const": "Zürich"},
        {"type": "integer", "minimum": 3, "maximum": 12},
        {"type": "boolean"},
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "maxLength": 4},
        {"type": ["string", "null"], "maxLength": 3},
        {"type": "array", "items": {"enum": [1, 2]}, "minItems": 2, "maxItems": 3},
        {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
        {"anyOf": [{"const": "all"}, {"type": "integer", "minimum": 1, "maximum": 9}]},
    ],
)
def test_arguments_fit_the_schema_whatever_the_model_wants(
    model: LlamaCpp, value: dict[str, Any]
) -> None:
    spec = function("f", {"x": value, "y": {"type": "boolean"}}, ["x", "y"])
    for seed in range(3):
        text, finish = written(model, input_grammar(spec), temperature=2.0, seed=seed)
        arguments = json.loads(text)
        jsonschema.validate(arguments, dict(spec.parameters))
        assert finish == "stop" and list(arguments) == ["x", "y"]


def test_a_function_without_parameters_is_called_with_an_empty_object(model: LlamaCpp) -> None:
    assert written(model, input_grammar(function("now", {}))) == ("{}", "stop")


def test_an_answer_of_nothing_but_white_space_is_none(model: LlamaCpp) -> None:
    assert written(model, input_grammar(PYTHON), prompt="a\n\n\n\nb\n\n\n\nc")[0][0].strip()


# -- what it doesn't -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "\nHello!\n\n* one\n* two\n\n```python\nx = {}\n```",
        'python\nimport math\n\nfor n in range(3):\n    print("a\\n", n)',
        'f\n{"x": "Zürich, \\"北京\\" a\\\\b\\nc", "y": [-1.5, 2, 1e-07], "z": {}}',
        'f\n{"x": "", "y": [], "z": {"k": null, "l": true}}',
        'f\n{"y": [0]}',
    ],
)
def test_what_a_model_was_trained_to_write_is_admitted(model: LlamaCpp, answer: str) -> None:
    """A text that it has before its eyes four times even a small model goes on with."""
    numbers = {"type": "array", "items": {"type": "number"}}
    spec = function("f", {"x": {"type": "string"}, "y": numbers, "z": {"type": "object"}})
    for grammar in ("", answer_grammar([PYTHON, spec], model._end_tokens)):
        text, _ = written(model, grammar, f"Q: Go on. A:{answer}\n##\n" * 4 + "Q: Go on. A:")
        size = min(len(answer), len(text))
        assert size > 5 and text[:size] == answer[:size]


# -- what it can't express -----------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
KEYWORDS = [
    "type", "enum", "const", "anyOf", "oneOf", "allOf", "not", "$ref", "items", "prefixItems",
    "minItems", "maxItems", "required", "properties", "additionalProperties",
    "patternProperties", "minLength", "maxLength", "pattern", "format", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "nullable", "x-guidance", "$defs",
    "if",
]  # fmt: skip
names = st.sampled_from(["string", "integer", "number", "array", "object", "null", "odd"])
references = st.sampled_from(["#", "#/properties/x", "#/$defs/a", "http://nowhere.invalid"])
patterns = st.text("ab()[]{}|*+?^$.\\dw-1,", max_size=8)
schemas = st.recursive(
    st.booleans() | json_values,
    lambda inner: st.dictionaries(
        st.sampled_from(KEYWORDS),
        inner
        | names
        | references
        | patterns
        | st.integers(-3, 2000)
        | st.lists(inner | names, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "a"]), inner, max_size=2),
        max_size=5,
    ),
    max_leaves=8,
)


@given(schemas, st.sampled_from(["properties", "top"]))
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_schema_frees_the_model_of_the_grammar(model: LlamaCpp, schema: Any, where: str) -> None:
    if where == "top" and isinstance(schema, dict):
        spec = ToolSpec("f", "", schema)
    else:
        spec = function("f", {"x": schema}, ["x"])
    text, _ = written(model, input_grammar(spec), n_predict=3)
    assert text.startswith("{")


def test_one_schema_out_of_hand_leaves_the_other_tools_as_they_are(model: LlamaCpp) -> None:
    vast = function("vast", {"x": {"enum": ["x" * 99] * 9_999}, "y": {"$ref": "#/nowhere"}}, ["x"])
    grammar = answer_grammar([vast, LAMP], model._end_tokens)
    assert len(grammar) < MAX_SCHEMAS_CHARS
    shown = 'lamp\n{"on": true, "room": "attic"}\n##\n' * 4  # there is no attic
    text, _ = written(model, grammar, shown)
    name, _, arguments = text.partition("\n")
    assert name == "lamp"
    jsonschema.validate(json.loads(arguments), dict(LAMP.parameters))


def test_very_many_large_schemas_become_any_object() -> None:
    large = [
        function(f"f{n}", {f"parameter_{n}_{m}": {"type": "string"} for m in range(900)})
        for n in range(40)
    ]
    grammar = answer_grammar(large)
    assert (
        len(grammar) < 1.2 * MAX_SCHEMAS_CHARS and "f39" in grammar and "parameter_0_0" in grammar
    )
    assert "parameter_39_0" not in grammar


def test_odd_characters_reach_the_grammar_whole(model: LlamaCpp) -> None:
    spec = function("f", {'a"b\n\ud800é': {"const": "\ud83d\ude00\x00"}}, ['a"b\n\ud800é'])
    grammar = input_grammar(spec)
    grammar.encode()
    text, _ = written(model, grammar)
    assert list(json.loads(text)) == ['a"b\n\ufffdé'] and "😀" in text
