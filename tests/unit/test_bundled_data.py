"""The generator of training conversations, and the held-out requests that it must not know."""

import itertools
import json
from datetime import date
from random import Random

import jsonschema
import pytest

from backends.bundled.data import unseen
from backends.bundled.data.generate import conversation
from backends.bundled.data.tasks import phrase
from backends.bundled.encode import specs_of
from backends.bundled.evaluate import cases, fits, holds, signature
from scripts.bundled_model import Workshop
from tools.base import ToolCall


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    workshop = Workshop(tmp_path_factory.mktemp("work"))
    yield workshop
    workshop.close()


@pytest.fixture(scope="module")
def made(workshop):
    return [conversation(Random(f"test/{number}"), workshop) for number in range(25)]


def test_the_same_seed_makes_the_same_requests(workshop, made):
    again = conversation(Random("test/3"), workshop)
    asked = [each["content"] for each in made[3]["messages"] if each["role"] == "user"]
    assert [each["content"] for each in again["messages"] if each["role"] == "user"] == asked


def test_every_call_is_to_an_offered_tool_with_arguments_that_fit(made):
    for each in made:
        specs = {spec.name: spec for spec in specs_of(each["tools"])}
        for message in each["messages"]:
            for call in message.get("tool_calls", ()):
                function = call["function"]
                spec = specs[function["name"]]
                jsonschema.validate(json.loads(function["arguments"]), dict(spec.parameters))


def test_what_is_learned_runs(made):
    for each in made:
        messages = each["messages"]
        for call, result in itertools.pairwise(messages):
            if result["role"] == "tool" and call.get("train", True):
                assert "Traceback" not in result["content"], call


def test_turns_alternate_and_end_with_an_answer(made):
    for each in made:
        roles = ["user" if m["role"] == "tool" else m["role"] for m in each["messages"]]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
        assert each["messages"][-1].get("content")


def test_every_function_that_does_not_exist_can_be_asked_for():
    random = Random(1)
    for line in unseen.LINES:
        for _ in range(8):
            function = unseen.Function(random, line)
            task = function.task(random, date(2026, 1, 31))
            jsonschema.validate(json.loads(task.input), dict(function.spec.parameters))
            assert not set("<>[") & set(task.ask), task.ask


def test_values_keep_their_bars_and_braces():
    assert phrase(Random(1), "{Plot|Plot} {f}", f="|x| {a}") == "Plot |x| {a}"


def test_held_out_requests_are_many_and_not_the_templates_words(made):
    found = cases()
    assert len({case.asks for case in found}) >= 300
    asked = {m["content"] for each in made for m in each["messages"] if m["role"] == "user"}
    own = {case.asks[-1] for case in found if case.kind not in ("none", "follow")}
    assert not own & asked


def test_a_signature_is_read_as_the_listing_writes_it():
    spec = signature("f(a, b?: integer, c: x|y, d: [string]): Does it")
    assert (spec.name, spec.description) == ("f", "Does it")
    assert spec.parameters["required"] == ["a", "c", "d"]
    assert spec.parameters["properties"]["c"]["enum"] == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "check", "right"),
    [
        ("24133", "24133", True),
        ("124133", "24133", False),
        ("1267650600228229401496703205376", "1267650600228229401496703205376", True),
        ("1267650600228229401496703205377", "1267650600228229401496703205376", False),
        ("42.1648", "42.16", True),
        ("42.3", "42.16", False),
        ("34 days.", "34 days", True),
        ("134 days.", "34 days", False),
        ("78.0", "78", True),
        ("78.5", "78", False),
        ("4.999999999999999", "5", True),
        ("24,133", "24133", True),
        ("[figure 2: 640x480]", "figure", True),
        ("Traceback", "figure", False),
        ("2.138", "2.0|2.138|2", True),
    ],
)
def test_what_holds_a_check(text, check, right):
    assert holds(text, check) is right


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ('{"city": "peking", "n": 2}', True),
        ('{"city": "Beijing", "n": 2.0}', True),
        ('{"city": "Beijing", "n": 2, "more": 1}', False),
        ('{"city": "Beijing"}', False),
        ('{"city": "Beijing", "n": true}', False),
        ("no JSON", False),
    ],
)
def test_which_arguments_fit(given, right):
    assert fits(ToolCall("1", "f", given), '{"city": "Beijing|Peking", "n": 2}') is right
