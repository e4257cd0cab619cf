"""`@tool`: the schema made of a function, a model's arguments checked, results made text."""

import dataclasses
import json
import re
import threading
import typing
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from tools import tool
from tools.base import Attachment, Tool, ToolCall, ToolCancelled, ToolContext, ToolError, ToolResult
from tools.functions import docstring
from tools.functions.parameters import ToolDefinitionError
from tools.text import cut_middle, encodable, without_paths


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Item(BaseModel):
    """One thing that is bought."""

    title: str
    price: float = Field(ge=0, description="in euros")


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


class Inner(TypedDict):
    size: int


class Options(TypedDict, total=False):
    inner: typing.Required[Inner]
    note: str


CONTEXT = ToolContext(Path("/nowhere"))


def schema(function):
    made = tool(function).specs(native=False)[0].parameters
    jsonschema.Draft202012Validator.check_schema(made)
    return made


def properties(function):
    return schema(function)["properties"]


def call(function, arguments, context=CONTEXT):
    made = function if isinstance(function, Tool) else tool(function)
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return made.run(ToolCall("c1", made.name, text), context)


def got(function, arguments):
    """What the function was called with."""
    seen = []

    def spy(*args, **kwargs):
        seen.append((args, kwargs))

    spy.__wrapped__, spy.__name__ = function, function.__name__
    call(spy, arguments)
    args, kwargs = seen[0]
    return args[0] if len(args) == 1 and not kwargs else args


def trouble(function, arguments):
    with pytest.raises(ToolError) as caught:
        call(function, arguments)
    return str(caught.value)


# the schema


def test_every_kind_of_type_has_a_plain_schema():
    def f(
        text: str,
        whole: int,
        number: float,
        yes: bool,
        names: list[str],
        pair: tuple[int, str],
        table: dict[str, float],
        mode: Literal["a", "b"],
        color: Color,
        point: Point,
        item: Item,
        options: Options,
        day: date,
        moment: datetime,
        anything: Any,
        either: int | str,
        maybe: Optional[int] = None,  # noqa: UP045 - the older spelling is a user's too
        limit: int = 5,
        shade: Color = Color.RED,
        at: Point = Point(1, 2),  # noqa: B008
    ) -> str:
        """Does all."""

    made = schema(f)
    assert made["required"] == [
        "text", "whole", "number", "yes", "names", "pair", "table", "mode", "color", "point",
        "item", "options", "day", "moment", "anything", "either",
    ]  # fmt: skip
    assert made["additionalProperties"] is False and "$defs" not in made
    p = made["properties"]
    assert p["text"] == {"type": "string"}
    assert p["whole"] == {"type": "integer"}
    assert p["number"] == {"type": "number"}
    assert p["yes"] == {"type": "boolean"}
    assert p["names"] == {"type": "array", "items": {"type": "string"}}
    assert p["pair"]["prefixItems"] == [{"type": "integer"}, {"type": "string"}]
    assert p["table"] == {"type": "object", "additionalProperties": {"type": "number"}}
    assert p["mode"] == {"type": "string", "enum": ["a", "b"]}
    assert p["color"] == {"type": "string", "enum": ["red", "blue"]}
    assert p["point"] == {
        "type": "object",
        "properties": {"x": {"type": "number"}, "y": {"type": "number", "default": 0.0}},
        "required": ["x"],
    }
    assert p["item"]["description"] == "One thing that is bought."
    assert p["item"]["properties"]["title"] == {"type": "string"}  # a field of that name stays
    assert p["item"]["properties"]["price"]["description"] == "in euros"
    assert p["options"]["required"] == ["inner"]
    assert p["options"]["properties"]["inner"]["properties"] == {"size": {"type": "integer"}}
    assert p["day"] == {"type": "string", "format": "date"}
    assert p["moment"] == {"type": "string", "format": "date-time"}
    assert p["anything"] == {}
    assert p["either"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert p["maybe"] == {"type": "integer"}
    assert p["limit"] == {"type": "integer", "default": 5}
    assert p["shade"]["default"] == "red"
    assert p["at"]["default"] == {"x": 1.0, "y": 2.0}
    json.dumps(made)


def test_a_type_that_contains_itself_keeps_its_definition():
    def f(tree: Tree) -> str: ...

    made = schema(f)
    assert made["properties"]["tree"] == {"$ref": "#/$defs/Tree"}
    assert made["$defs"]["Tree"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    jsonschema.validate({"tree": {"name": "a", "children": [{"name": "b"}]}}, made)
    assert got(f, {"tree": {"name": "a", "children": [{"name": "b"}]}}).children[0].name == "b"


def test_the_text_of_annotated_wins_over_the_docstring():
    def f(a: Annotated[int, "from the type"], b: int, c: Annotated[int, Field(gt=0)]) -> str:
        """Adds.

        Args:
            a: from the docstring
            b (int): second
                number
            c: third: with a colon

        Returns:
            The sum.
        """

    p = properties(f)
    assert p["a"]["description"] == "from the type"
    assert p["b"]["description"] == "second number"
    assert p["c"] == {
        "type": "integer",
        "exclusiveMinimum": 0,
        "description": "third: with a colon",
    }
    assert tool(f).specs(native=True)[0].description == "Adds."


@pytest.mark.parametrize(
    "text",
    [
        "Add.\n\nMore of it.\n\nArgs:\n  a: one\n  *b (int, optional): two\n    lines\n",
        "Add.\n\nMore of it.\n\nParameters\n----------\na : int\n    one\nb : int, optional\n"
        "    two\n    lines\n\nReturns\n-------\nint\n    a: the sum\n",
        "Add.\n\nMore of it.\n\n:param a: one\n:param int b: two\n    lines\n:returns: a: b\n",
    ],
    ids=["google", "numpy", "sphinx"],
)
def test_three_styles_of_docstring(text):
    assert docstring.read(text) == ("Add.\n\nMore of it.", {"a": "one", "b": "two lines"})


@given(st.text())
def test_no_docstring_is_wrong(text):
    docstring.read(text)


def test_a_type_may_hold_brackets_and_one_text_may_be_for_several():
    google = "Add.\n\nArgs:\n    a (tuple(int, int)): one\n    b (Callable[[int], str]): two\n"
    assert docstring.read(google) == ("Add.", {"a": "one", "b": "two"})
    numpy = "Add.\n\nParameters\n----------\na, b : int\n    both\n"
    assert docstring.read(numpy) == ("Add.", {"a": "both", "b": "both"})


def test_what_is_not_understood_stays_in_the_description():
    text = "Add.\n\nArgs:\n    a -- one"
    assert docstring.read(text) == (text, {})
    assert docstring.read(":\x1c:") == (":\x1c:", {})


def test_an_ordinary_text_with_colons_is_no_section():
    text = "Look up a price.\n\nOne warning: prices change.\nNote this too."
    assert docstring.read(text) == (text, {})


def test_the_older_annotation_of_three_parts():
    def f(
        city: Annotated[str, "the city", True],
        unit: Annotated[str, "the unit", False],
        days: Annotated[int, "how many", False] = 3,
    ) -> str: ...

    made = schema(f)
    assert made["required"] == ["city"]
    assert made["properties"]["unit"] == {"type": "string", "description": "the unit"}
    assert made["properties"]["days"]["default"] == 3
    assert got(f, {"city": "Rome"}) == ("Rome", None, 3)


def test_bare_and_with_options_it_stays_a_function():
    @tool
    def double(n: int) -> int:
        """Doubles."""
        return 2 * n

    @tool(name="shop.buy", acts=True, stateful=True, seconds=5)
    def buy(what: str) -> str:
        return what

    assert double(4) == 8 and double.__name__ == "double" and double.__doc__ == "Doubles."
    assert (double.name, double.acts, double.stateful) == ("double", False, False)
    assert (buy.name, buy.acts, buy.stateful, buy.seconds) == ("shop.buy", True, True, 5)
    assert isinstance(double, Tool) and buy.specs(False)[0].description == ""
    assert buy("x") == "x"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(a): ...", "The parameter a of f has no type"),
        ("def f(*args: int): ...", "f takes *args"),
        ("def f(**more: int): ...", "f takes *more"),
        ("def f(a: object.__subclasses__): ...", "The type of a in f"),
        ("class Odd: ...\ndef f(a: Odd): ...", "The type of a in f, Odd, can't be described"),
        ("from collections.abc import Callable\ndef f(a: Callable[[int], int]): ...", "type of a"),
        ("def f(a: 'Missing'): ...", "The types of f can't be read: name 'Missing'"),
        ("from pydantic import Field\ndef f(a: int = Field(3)): ...", "has a Field as its default"),
        ("f = 3", "Only a function can be a tool"),
        ("class f: ...", "Only a function can be a tool"),
    ],
)
def test_what_can_not_be_a_tool_is_told_in_one_sentence(source, said):
    space = {}
    exec(source, space)
    with pytest.raises(ToolDefinitionError) as caught:
        tool(space["f"])
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x00"])
def test_a_name_that_no_protocol_carries_is_refused(name):
    with pytest.raises(ToolDefinitionError):
        tool(name=name)(lambda: "")


def test_a_return_type_that_can_not_be_read_does_no_harm():
    space = {}
    exec("def f(a: int) -> 'Missing': return a", space)
    assert call(space["f"], {"a": 1}).text == "1"


def test_names_that_pydantic_keeps_for_itself():
    def f(json: str, copy: int, model_config: str, _private: int, schema: str = "s") -> str: ...

    given_values = {"json": "j", "copy": 1, "model_config": "m", "_private": 2}
    assert got(f, given_values) == ("j", 1, "m", 2, "s")


# the arguments


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        (int, "3", 3),
        (int, 3.0, 3),
        (float, "2.5", 2.5),
        (float, 2, 2.0),
        (bool, "true", True),
        (bool, "no", False),
        (str, 3, "3"),
        (str, "[1]", "[1]"),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[int, ...], ["1", 2], (1, 2)),
        (set[int], [1, 1], {1}),
        (list[int], "[1, 2]", [1, 2]),
        (dict[str, int], '{"a": "1"}', {"a": 1}),
        (Literal[1, 2], "2", 2),
        (Color, "blue", Color.BLUE),
        (Point, {"x": "1"}, Point(1.0)),
        (Point, '{"x": 1, "y": 2}', Point(1, 2)),
        (list[Point], [{"x": 1}], [Point(1)]),
        (Item, {"title": "pen", "price": 1}, Item(title="pen", price=1)),
        (Options, {"inner": {"size": "4"}}, {"inner": {"size": 4}}),
        (list[Options], [{"inner": {"size": "4"}}], [{"inner": {"size": 4}}]),
        (date, "2025-02-03", date(2025, 2, 3)),
        (datetime, "2025-02-03T04:05", datetime(2025, 2, 3, 4, 5)),
        (int | None, None, None),
        (int | list[int], [1], [1]),
        (str, "a\ud83d", "a\ufffd"),
        (str, "\ud83d\ude00", "😀"),
    ],
)  # fmt: skip
def test_gentle_coercion(kind, sent, value):
    def f(a: kind) -> str: ...

    assert got(f, {"a": sent}) == value
    assert type(got(f, {"a": sent})) is type(value)


def test_null_for_an_optional_argument_is_its_default():
    def f(a: int = 7, b: str | None = "x") -> str: ...

    assert got(f, {"a": None, "b": None}) == (7, None)
    assert got(f, "") == (7, "x")


def test_positional_only_and_keyword_only_parameters():
    @tool
    def f(a: int, /, b: int = 2, *, c: int) -> str:
        return f"{a}{b}{c}"

    assert call(f, {"c": 3, "a": 1}).text == "123"


GOOD = {"title": "a", "price": 1}


def shop(items: list[Item], count: int, mode: Literal["a", "b"] = "a") -> str: ...


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"items": [], "count": "abc"}, 'count should be a valid integer, but is "abc".'),
        ({"items": [], "count": 1.5}, "count should be a valid integer, but is 1.5."),
        ({"items": [], "count": None}, "count should be a valid integer, but is null."),
        ({"items": []}, "are wrong: count is missing."),
        (
            {"count": 1, "items": [GOOD, GOOD, {"title": "c", "price": "dear"}]},
            'items[2].price should be a valid number, but is "dear".',
        ),
        ({"items": '[{"title": "a"}]', "count": 1}, "items[0].price is missing."),
        ({"items": [{"title": "a", "price": -1}], "count": 1}, "items[0].price should be greater"),
        ({"items": [3], "count": 1}, "items[0] should be a valid dictionary"),
        ({"items": [], "count": 1, "mode": "c"}, "mode should be 'a' or 'b', but is \"c\"."),
        (
            {"items": [], "count": 1, "nr": 2},
            'there is no argument "nr" (it has items, count, mode).',
        ),
        ("[1]", "must be one JSON object, not list"),
        ("{not json", "are not valid JSON"),
        ('{"items": [], "count": ' + "9" * 5000 + "}", "are not valid JSON"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(sent, said):
    assert said in trouble(shop, sent)


def test_several_errors_are_listed_and_many_are_counted():
    said = trouble(shop, {"count": "x", "mode": 3, "more": 1})
    assert said.splitlines() == [
        "The arguments of shop are wrong:",
        "- items is missing",
        '- count should be a valid integer, but is "x"',
        "- mode should be 'a' or 'b', but is 3",
        '- there is no argument "more" (it has items, count, mode)',
    ]
    said = trouble(shop, {"items": [{}] * 1000, "count": "9" * 100_000})
    assert said.endswith("- and 1995 more") and len(said) < 1000


def test_the_branches_of_a_union_come_in_one_sentence():
    def f(a: int | list[int] | Point) -> str: ...

    assert trouble(f, {"a": "x"}).endswith(
        "a should be a valid integer or a valid list or a dictionary or an instance of Point, "
        'but is "x".'
    )
    assert 'a[0] should be a valid integer, but is "x"' in trouble(f, {"a": ["x"]})


def test_an_enum_and_a_tuple_too_short():
    def f(color: Color, pair: tuple[int, str]) -> str: ...

    said = trouble(f, {"color": "green", "pair": [1]})
    assert "color should be 'red' or 'blue', but is \"green\"" in said
    assert "pair[1] is missing" in said


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["items", "count", "mode", "color", "x"]), values))
def test_whatever_is_sent_is_taken_or_refused_in_words(sent):
    def f(items: list[Item], count: int | Point, color: Color, mode: Options | None = None) -> str:
        return "ok"

    try:
        assert call(f, sent).text == "ok"
    except ToolError as error:
        said = str(error)
    else:
        return
    assert said.startswith("The arguments of f are wrong:") and len(said) < 2000


# the result


@dataclasses.dataclass
class Report:
    city: str
    when: date


class Unprintable:
    def __repr__(self):
        return "<thing>"


circle: list[Any] = []
circle.append(circle)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (None, "Done."),
        (3, "3"),
        (2.5, "2.5"),
        (True, "True"),
        ({"stadt": "Köln", 1: (1, 2)}, '{"stadt": "Köln", "1": [1, 2]}'),
        ([1, "二"], '[1, "二"]'),
        (Report("Rom", date(2025, 1, 2)), '{"city": "Rom", "when": "2025-01-02"}'),
        (Item(title="a", price=1), '{"title": "a", "price": 1.0}'),
        (Color.RED, "red"),
        ({"a": np.float64(1.5), "b": np.arange(2)}, '{"a": 1.5, "b": [0, 1]}'),
        ({"a": Unprintable()}, '{"a": "<thing>"}'),
        (Unprintable(), "<thing>"),
        (circle, "[[...]]"),
        (date(2025, 1, 2), "2025-01-02"),
        ([], "[]"),
    ],
)
def test_results_become_text(value, text):
    assert call(lambda: value, {}).text == text


def test_a_data_frame_is_shown_as_it_prints():
    frame = pd.DataFrame({"a": [1, 2]})
    assert call(lambda: frame, {}).text == str(frame)


def test_attachments_are_for_the_user():
    one, two = (Attachment(n, "image/png", Path("/x") / n) for n in ("a.png", "b.png"))
    assert call(lambda: one, {}).attachments == (one,)
    both = call(lambda: [one, two], {})
    assert both.attachments == (one, two) and both.text == "Made for the user: a.png, b.png."
    ready = ToolResult("", "", "text", None, (one,))
    assert call(lambda: ready, {}) == ready


def test_an_async_function_is_awaited():
    async def f(n: int) -> int:
        return n + 1

    assert call(f, {"n": 1}).text == "2"


def test_the_context_is_passed_in_and_not_shown():
    def f(n: int, context: ToolContext, more: "ToolContext | None" = None) -> str:
        assert more is context
        return f"{n} {context.workspace.name}"

    assert list(properties(f)) == ["n"]
    assert call(f, {"n": 1}, ToolContext(Path("/a/room"))).text == "1 room"
    assert "no argument" in trouble(f, {"n": 1, "context": "x"})


def test_nothing_is_run_after_stop():
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(ToolCancelled):
        call(lambda: pytest.fail("ran"), {}, ToolContext(Path("/x"), stopped))


def test_a_megabyte_is_cut_in_the_middle():
    text = call(lambda: "a" * 500_000 + "b" * 500_000, {}).text
    assert len(text) <= 20_000 and text.startswith("aaa") and text.endswith("bbb")
    left = len(text) - len("\n[... 980,000 characters left out ...]\n")
    assert f"[... {1_000_000 - left:,} characters left out ...]" in text
    assert call(tool(longest_text=100)(lambda: "x" * 101), {}).text.count("x") < 70


# text


@given(st.text(), st.integers(0, 200))
def test_cut_middle_keeps_the_limit_and_says_how_much_is_missing(text, limit):
    text *= 20
    cut = cut_middle(text, limit)
    if len(text) <= limit:
        assert cut == text
        return
    assert len(cut) <= limit
    if note := re.search(r"\n\[\.\.\. ([\d,]+) characters left out \.\.\.\]\n", cut):
        head, tail = cut[: note.start()], cut[note.end() :]
        assert head and tail and text.startswith(head) and text.endswith(tail)
        assert len(head) + len(tail) + int(note[1].replace(",", "")) == len(text)
    else:
        assert limit < 45 and text.startswith(cut)


@given(st.text(st.characters(exclude_categories=[]), max_size=50))
def test_encodable_only_replaces_halves(text):
    text.encode("utf-8", "surrogatepass")
    made = encodable(text)
    made.encode()
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert made == text


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (
            "[Errno 2] No such file or directory: '/home/John Doe/data/a.csv'",
            "[Errno 2] No such file or directory: 'a.csv'",
        ),
        ("can't open /srv/app/x/y.db: locked", "can't open y.db: locked"),
        ("see https://host/a/b/c and 1/2/3 and m/s", "see https://host/a/b/c and 1/2/3 and m/s"),
        ("C:\\Users\\me\\a.txt is gone", "a.txt is gone"),
        ("(/a/b/c/)", "(c)"),
    ],
)
def test_paths_are_cut_to_the_name(text, made):
    assert without_paths(text) == made


def test_not_required_in_a_typed_dictionary_with_string_annotations():
    space = {"TypedDict": TypedDict, "NotRequired": NotRequired, "__name__": __name__}
    exec(
        "from __future__ import annotations\n"
        "class T(TypedDict):\n    a: int\n    b: NotRequired[int]\n"
        "def f(t: T) -> str: ...",
        space,
    )
    # The class looks its names up where it says it was defined.
    assert properties(space["f"])["t"]["required"] == ["a"]
