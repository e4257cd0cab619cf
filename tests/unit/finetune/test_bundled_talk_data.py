"""Training data for talk, the app's own functions, the browser, pictures and several calls."""

import json
from datetime import date, timedelta
from pathlib import Path
from random import Random

import jsonschema
import pytest

from finetune.bundled.data import several, talk
from finetune.bundled.data.dates import datewords
from finetune.bundled.data.tasks import RESULT_SEPARATOR, Task
from finetune.bundled.data.tools import browsing, drawing, functions, trouble
from tools.base import ToolCall, ToolContext, ToolError
from tools.functions.loading import load_tools

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 3, 31)
TOOLS = {tool.name: tool for tool in load_tools([ROOT / "tools" / "user"]).tools}
SPECS = {spec.name: spec for tool in TOOLS.values() for spec in tool.specs(True)}
# Skills whose point is that the call fails.
REFUSED = {"differing", "no_unit", "no_zone", "no_place", "busy"}


def results(task: Task, folder: Path) -> list[tuple[bool, str]]:
    """Whether each call went well, and its result."""
    found = []
    for step in task.calls:
        if step.observation is not None:
            found.append((True, step.observation))
            continue
        try:
            call = ToolCall("1", step.tool, step.input)
            found.append((True, TOOLS[step.tool].run(call, ToolContext(folder)).text))
        except ToolError as error:
            found.append((False, str(error)))
    return found


def with_follows(task: Task) -> list[Task]:
    return [task, *(each for next_ in task.follow for each in with_follows(next_))]


@pytest.mark.parametrize("skill", functions.OWN, ids=lambda skill: skill.__name__)
def test_calls_of_the_own_functions_do_what_they_say(skill, tmp_path):
    tool, _ = functions.OWN[skill]
    for number in range(150):
        r = Random(number)
        for task in with_follows(skill(r, TODAY + timedelta(days=number * 7))):
            assert not set("{|}") & set(task.ask)
            for step in task.calls:
                jsonschema.validate(json.loads(step.input), dict(SPECS[step.tool].parameters))
            seen = results(task, tmp_path)
            assert all(well for well, _ in seen) == (skill.__name__ not in REFUSED), (task, seen)
            assert task.answer(seen[-1][1]).strip()
        assert SPECS[tool]


@pytest.mark.parametrize("skill", trouble.OWN, ids=lambda skill: skill.__name__)
def test_only_the_call_that_is_mended_fails(skill, tmp_path):
    for number in range(40):
        task = skill(Random(number), TODAY)
        seen = results(task, tmp_path)
        for step, (well, text) in zip(task.calls, seen, strict=True):
            if skill.__name__ not in REFUSED:
                assert well != step.mistaken, (step, text)
            else:
                assert not step.mistaken
        assert task.answer(RESULT_SEPARATOR.join(text for _, text in seen)).strip()


def test_feasts_lie_ahead_or_behind():
    for month, day in datewords.FEASTS.values():
        for today in (date(2026, 1, 1), date(2026, 12, 25), date(2026, 12, 31)):
            assert 0 < (datewords.upcoming(month, day, today) - today).days <= 366
            assert 0 < (today - datewords.past(month, day, today)).days <= 366


def test_what_is_cited_stands_in_the_page_that_is_cited():
    for number in range(600):
        r = Random(number)
        skill = r.choices(list(browsing.SKILLS), list(browsing.SKILLS.values()))[0]
        task = skill(r, TODAY)
        answer = task.answer("")
        assert not set("{|}") & set(task.ask + answer), task.ask
        if "【" not in answer:
            assert skill is browsing.nothing
            continue
        page, _, quote = answer[answer.index("【") + 1 : answer.index("】")].partition("†")
        blocks = [block for step in task.calls for block in (step.observation or "").split("\n\n")]
        opened = [block for block in blocks if block.startswith(f"[{page}] ") and ": " in block]
        assert any(quote in line for block in opened for line in block.split("\n")), (task, quote)


def test_a_page_is_clicked_only_after_it_was_listed():
    for number in range(200):
        calls = browsing.plain(Random(number), TODAY).calls
        assert calls[0].input.startswith("search(")
        clicked = json.loads(calls[1].input.removeprefix("mclick(").removesuffix(")"))
        assert all(f"\n[{each}] " in (calls[0].observation or "") for each in clicked)


def test_talk_is_varied_and_calls_nothing():
    r = Random(1)
    made = [talk.saying(r, ["python", "weather"]) for _ in range(3000)]
    assert all(not task.calls and task.answer("").strip() for task in made)
    assert not any(set("{|}") & set(task.ask) or "  " in task.ask for task in made)
    assert len({task.ask.strip("?.!。！？").lower() for task in made}) > 1000
    chinese = sum(not task.ask.isascii() for task in made) / len(made)
    assert 0.08 < chinese < 0.3


def test_what_a_tool_on_offer_does_is_not_refused():
    r = Random(1)
    plain = {talk.impossible(r, TODAY, ["python"]).ask for _ in range(2000)}
    assert any("alarm" in ask for ask in plain)
    assert any("news" in ask for ask in plain)
    helped = ["set_alarm", browsing.BROWSER.name, drawing.COGVIEW.name]
    asked = [talk.impossible(r, TODAY, helped).ask for _ in range(2000)]
    assert not any(ask.startswith(("Set an alarm", "Wake me")) for ask in asked)
    assert not any("headlines" in ask for ask in asked)


def test_knowledge_is_left_to_a_tool_for_it():
    assert talk.clashes("How do you say cat in French?", ["python", "translate_text"])
    assert not talk.clashes("How do you say cat in French?", ["python", "weather"])


def test_several_things_are_several_calls_in_their_order(tmp_path):
    r = Random(2)
    names = [*SPECS, drawing.COGVIEW.name]
    for _ in range(80):
        task = several.task(r, TODAY, names, lambda: pytest.fail("no Python here"))
        assert len(task.calls) >= 2
        seen = results(task, tmp_path)
        answer = task.answer(RESULT_SEPARATOR.join(text for _, text in seen))
        assert answer.strip()
        assert RESULT_SEPARATOR not in answer
