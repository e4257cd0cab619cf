"""The made-up functions: what is sent stands in the request, or is a code or a form of it."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from random import Random

import jsonschema
import pytest

from finetune.bundled.data.tasks import Task
from finetune.bundled.data.unseen import unseen
from finetune.bundled.data.unseen.values import CODES, kind

TODAY = date(2026, 1, 31)


def drawn(count: int) -> list[tuple[unseen.Function, Task]]:
    made = []
    for number in range(count):
        random = Random(f"functions/{number}")
        function = random.choice(unseen.functions(random, random.choice([1, 4])))
        task = function.task(random, TODAY + timedelta(days=number % 500))
        made += [(function, each) for each in (task, *task.follow)]
    return made


@pytest.fixture(scope="module")
def made() -> list[tuple[unseen.Function, Task]]:
    return drawn(800)


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts(each)


def test_the_tasks_do_not_depend_on_the_hash_seed():
    code = f"from {__name__} import drawn; print([task.ask for _, task in drawn(20)])"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in "123"
    }  # fmt: skip
    assert len(printed) == 1


def test_every_template_names_what_there_is():
    for block in unseen.blocks():
        keys = {each.names[0] for each in block.parameters}
        needed = {each.names[0] for each in block.parameters if not each.optional}
        assert block.results, block.name
        for ask in block.asks:
            said = set(re.findall(r"[<\[](?:on:)?(\w+)[>:]", ask))
            assert said <= keys, (block.name, ask)
            assert needed <= said, (block.name, ask)
        for result in block.results:
            stretches = re.sub(r"\[(\w+):([^][]*)\]", "", "".join(result))
            assert set(re.findall(r"(?<!<)<(\w+)>(?!>)", stretches)) <= needed, block.name


def test_arguments_fit_the_schema_in_its_order(made):
    for function, task in made:
        if task.tool is None:
            continue
        arguments = json.loads(task.input)
        schema = dict(function.spec.parameters)
        jsonschema.validate(arguments, schema)
        assert list(arguments) == [name for name in schema["properties"] if name in arguments]


def test_nothing_is_left_unfilled(made):
    for _, task in made:
        answer = task.answer(task.observation or "")
        assert not re.search(r"[<>{}\[\]|]", task.ask), task.ask
        assert not re.search(r"<\w|>>|\[\w+:", answer + (task.observation or "")), answer


def test_strings_are_copied_from_the_request_or_stand_for_its_words(made):
    codes = {code.split("~")[0] for ways in CODES.values() for code in ways}
    followed = {id(each) for _, task in made for each in task.follow}
    for function, task in made:
        if task.tool is None or id(task) in followed:
            continue
        enums = re.findall(r"'enum': (\[.*?\])", str(function.spec.parameters))
        for text in texts(json.loads(task.input)):
            known = text in codes or any(repr(text) in enum for enum in enums)
            form = re.fullmatch(r"\d{4}-\d\d(-\d\d.*)?|\d\d:\d\d", text)
            assert known or form or text.casefold() in task.ask.casefold(), (text, task.ask)


def test_optional_ones_are_given_about_as_often_as_not_and_values_hardly_repeat(made):
    given: Counter[bool] = Counter()
    strings: Counter[str] = Counter()
    for function, task in made:
        if task.tool is None:
            continue
        arguments = json.loads(task.input)
        for each in function.block.parameters:
            if each.optional:
                given[function.shown[each.names[0]] in arguments] += 1
        strings.update(text for text in texts(arguments) if " " in text)
    assert 0.3 < given[True] / given.total() < 0.7
    assert len(strings) > 0.8 * strings.total()


def test_some_requests_lack_a_value_and_none_of_the_tools_fits_others(made):
    assert 0.005 < sum(task.tool is None for _, task in made) / len(made) < 0.08
    for number in range(200):
        random = Random(f"none/{number}")
        offered = [function.name for function in unseen.functions(random, 4)]
        task = unseen.impossible(random, TODAY, offered)
        assert task.tool is None
        assert task.answer("")


def test_half_of_the_sets_are_of_one_domain():
    sets = [unseen.functions(Random(f"sets/{number}"), 4) for number in range(200)]
    alike = sum(len({each.block.domain for each in one}) == 1 for one in sets)
    assert 60 < alike < 140
    assert all(len({each.name for each in one}) == len(one) for one in sets)


@pytest.mark.parametrize(
    ("written", "said", "sent"),
    [
        ("time", "noon", "12:00"),
        ("time", "half past six in the evening", "18:30"),
        ("minutes", "an hour and a half", 90),
        ("minutes", "two hours", 120),
        ("c2-12", "three", 3),
        ("date", "tomorrow", "2026-02-01"),
        ("month", "next month", "2026-02"),
        ("rest", "from rest", 0),
        ("$5-90", "$12", 12),
        ("%5-30", "15%", 15),
        ("f5-30", "15%", 0.15),
        ("!suv~SUV|compact~compact car", "compact car", "compact"),
        ("true~with tax|false~net", "net", False),
    ],
)
def test_what_is_said_and_what_is_sent(written, said, sent):
    random = Random(2)
    made = kind(random, written)
    values = dict(made.make(random, TODAY) for _ in range(3000))
    assert values[said] == sent


def test_currencies_are_sent_as_codes():
    random = Random(1)
    schemas = [kind(random, "currency") for _ in range(20)]
    assert any("enum" in each.schema for each in schemas)
    free = next(each for each in schemas if "enum" not in each.schema)
    assert dict(free.make(random, TODAY) for _ in range(500))["euros"] == "EUR"
