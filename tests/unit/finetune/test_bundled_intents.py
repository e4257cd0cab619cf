"""The requests for Python that the bundled model learns from: filled, runnable, unambiguous."""

from random import Random

import pytest

from finetune.bundled.__main__ import ToolRunner
from finetune.bundled.data.generate import PYTHON_SKILLS
from finetune.bundled.data.intents import Intent, dressed, filled, mistyped, one_of, telling

ADD = Intent(lambda r: {"a": r.randint(1, 9), "b": 1500}, "Add {a~} and {b}", "print({a} + {b})",
             "It is [[]].", "{a}加{b}", "是 [[]]。", broken=("print", "prnt"))  # fmt: skip


def tasks(count, seed="intents"):
    for number in range(count):
        r = Random(f"{seed}/{number}")
        yield r.choices(list(PYTHON_SKILLS), list(PYTHON_SKILLS.values()))[0](r)


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    runner = ToolRunner(tmp_path_factory.mktemp("work"))
    yield runner
    runner.close()


def test_every_request_is_filled_and_means_one_thing():
    known = {}
    for task in tasks(8000):
        for each in (task, *task.follow):
            assert each.ask.strip(), each.input
            assert "{}" not in each.ask
        assert known.setdefault(task.ask.rstrip(".?").lower(), task.input) == task.input, task.ask


def test_code_runs_and_its_result_is_in_the_answer(runner):
    for task in tasks(60):
        for each in (task, *task.follow):
            result = runner.result("python", each.input)
            assert "Error" not in result, each.input
            assert result.strip()
            assert "[[]]" not in each.answer(result)


def test_a_first_try_that_is_meant_to_fail_fails(runner):
    broken = [task.broken for task in tasks(1500) if task.broken]
    assert len(broken) > 5
    for code in broken[:10]:
        assert "Error" in runner.result("python", code)


def test_an_intent_speaks_english_and_chinese_about_the_same_code():
    made = [ADD.task(Random(seed)) for seed in range(60)]
    assert {task.ask.isascii() for task in made} == {True, False}
    assert all(task.input.startswith("print(") and "1500" in task.input for task in made)
    assert any("1,500" in task.ask for task in made)
    assert any(task.broken and task.broken.startswith("prnt(") for task in made)


def test_numbers_may_be_words_ordinals_and_money():
    asks = {one_of(Random(seed), "{n~} {n#} {n$}", {"n": 3}) for seed in range(40)}
    assert any(ask.startswith("three 3rd") for ask in asks)
    assert any("$3" in ask for ask in asks)


def test_other_braces_of_code_stay():
    assert filled('d = {"a": {n}, {m}}', {"n": 2}) == 'd = {"a": 2, {m}}'
    assert filled("{n#}", {"n": 12}) == "12th"


def test_an_answer_may_depend_on_true():
    answer = telling("True, it is.||False, it is not.")
    assert answer("True\n") == "True, it is."
    assert answer("False\n") == "False, it is not."
    assert telling("It is [[]].")("4\n") == "It is 4."


def test_dressing_keeps_the_numbers_and_a_typo_changes_one_word():
    for seed in range(50):
        assert "17 * 23" in dressed(Random(seed), "Compute 17 * 23")
    assert mistyped(Random(1), "compute 17 * 23") != "compute 17 * 23"
    assert mistyped(Random(1), "17 * 23") == "17 * 23"
