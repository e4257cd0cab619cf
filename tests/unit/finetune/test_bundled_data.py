"""The generator of training conversations, and the held-out requests that it must not know."""

import itertools
import json
from datetime import date
from random import Random

import jsonschema
import pytest

from finetune.bundled.__main__ import ToolRunner
from finetune.bundled.data.generate import family
from finetune.bundled.data.tasks import phrase
from finetune.bundled.data.unseen import unseen
from finetune.bundled.evaluation.cases import cases
from finetune.examples import specs_of


class Remembering(ToolRunner):
    """Tools that say to the same input what they said before; `results` is what was said."""

    def __init__(self, folder):
        super().__init__(folder)
        self.results = {}

    def result(self, name, input):
        if (name, input) not in self.results:
            self.results[name, input] = super().result(name, input)
        return self.results[name, input]


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    runner = Remembering(tmp_path_factory.mktemp("work"))
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def families(runner):
    return [family(Random(f"test/{number}"), runner) for number in range(8)]


@pytest.fixture(scope="module")
def made(families):
    return [
        (specs_of(each["tools"]), messages)
        for each in families
        for messages in each["conversations"]
    ]


def test_the_same_seed_makes_the_same_requests(runner, families):
    known = len(runner.results)
    again = family(Random("test/3"), runner)
    assert len(runner.results) == known > 0
    assert asked(again["conversations"]) == asked(families[3]["conversations"])


def test_every_call_is_to_an_offered_tool_with_arguments_that_fit(made):
    for offered, messages in made:
        specs = {spec.name: spec for spec in offered}
        for message in messages:
            for call in message.get("tool_calls", ()):
                function = call["function"]
                spec = specs[function["name"]]
                jsonschema.validate(json.loads(function["arguments"]), dict(spec.parameters))


def test_code_that_is_learned_runs(made):
    for _, messages in made:
        for call, result in itertools.pairwise(messages):
            if result["role"] == "tool" and call.get("train", True):
                assert "Traceback" not in result["content"], call


def test_turns_alternate_and_end_with_an_answer(made):
    for _, messages in made:
        roles = ["user" if m["role"] == "tool" else m["role"] for m in messages]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
        assert messages[-1].get("content")


def test_every_function_that_does_not_exist_can_be_asked_for():
    random = Random(1)
    for line in unseen.LINES:
        for _ in range(8):
            function = unseen.Function(random, line)
            task = function.task(random, date(2026, 1, 31))
            if task.tool is not None:
                jsonschema.validate(json.loads(task.input), dict(function.spec.parameters))
            assert not set("<>[") & set(task.ask), task.ask


def test_values_keep_their_bars_and_braces():
    assert phrase(Random(1), "{Plot|Plot} {f}", f="|x| {a}") == "Plot |x| {a}"


def test_held_out_requests_are_not_the_templates_words(families):
    made = {text for each in families for text in asked(each["conversations"])}
    own = {case.asks[-1] for case in cases() if case.kind not in ("none", "follow")}
    assert not own & made


def asked(conversations):
    return [m["content"] for messages in conversations for m in messages if m["role"] == "user"]
