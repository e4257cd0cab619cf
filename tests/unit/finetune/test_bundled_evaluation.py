"""The requests that measure the bundled model, and how what comes of them is judged: a server
that answers from a script stands for the model, the app's tools are real."""

from __future__ import annotations

import json

import jsonschema
import pytest

from backends.openai_api.backend import OpenAIBackend
from finetune.bundled.__main__ import ToolRunner
from finetune.bundled.evaluation.cases import BROWSER, PAINTER, Case, Wanted, cases, signature
from finetune.bundled.evaluation.checks import fits, holds, reports
from finetune.bundled.evaluation.report import report
from finetune.bundled.evaluation.run import TODAY, Evaluator, Outcome
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Status, Text
from tools.base import ToolCall


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    runner = ToolRunner(tmp_path_factory.mktemp("work"))
    yield runner
    runner.close()


@pytest.fixture
def examine(runner):
    """Puts a case to a model that writes these GLM-4 answers."""

    def ask(case, *answers):
        script = [each if isinstance(each, Status) else Text(each) for each in answers]
        with ScriptedServer(script) as server:
            backend = OpenAIBackend(server.url, "scripted", None, protocol="glm4", retries=0)
            try:
                return Evaluator(backend, runner).ask(case), server.requests
            finally:
                backend.close()

    return ask


def right(outcome):
    return outcome.choice, outcome.result, outcome.answer


PRODUCT = Case("python", ("6 times 7?",), (Wanted("python", "42"),))
LAMP = signature("lamp(room, on: boolean): Switch a lamp")


@pytest.mark.parametrize(
    ("answers", "judged"),
    [
        (["python\nprint(6 * 7)", "\nIt is 42."], (True, True, True)),
        (["python\nprint(6 * 7)", "\nDone."], (True, True, False)),
        (["python\nprint(6 + 7)", "\nIt is 42."], (True, False, False)),
        (["python\nprint(42 / 0)", "\nIt is 42."], (True, False, False)),
        (["python\n6 *", "python\n6 * 7", "\nIt is 42."], (True, True, True)),
        (["\nIt is 42."], (False, False, False)),
        (['current_time\n{"zone": "UTC"}', "\n42"], (False, False, False)),
        ([Status(500)], (False, False, False)),
    ],
)
def test_a_call_is_run_and_its_answer_read(examine, answers, judged):
    outcome, _ = examine(PRODUCT, *answers)
    assert right(outcome) == judged


def test_the_model_is_told_the_day_and_the_tools(examine):
    _, requests = examine(PRODUCT, "\nIt is 42.")
    told = requests[0].body["messages"][0]["content"]
    assert TODAY in json.dumps(requests[0].body["messages"])
    assert "days_between" in json.dumps(requests[0].body), told


def test_python_forgets_between_cases(examine):
    examine(PRODUCT, "python\nx = 42", "\nDone.")
    outcome, _ = examine(PRODUCT, "python\nprint(x)", "\nIt is 42.")
    assert not outcome.result


def test_only_the_last_request_is_judged(examine):
    case = Case("follow", ("6 times 6?", "and times 7?"), PRODUCT.wanted)
    outcome, requests = examine(
        case, "python\nprint(6 * 6)", "\n36", "python\nprint(6 * 7)", "\nIt is 42."
    )
    assert right(outcome) == (True, True, True)
    assert "36" in json.dumps(requests[-1].body["messages"])


@pytest.mark.parametrize(
    ("case", "answer", "judged"),
    [
        (Case("none", ("Hi",)), "\nHello!", (True, True, True)),
        (Case("none", ("Hi",)), "weather\n{}", (False, False, False)),
        (Case("none", ("Capital of Japan?",), check="Tokyo"), "\nKyoto.", (True, True, False)),
        (Case("none", ("Buy milk",), check="refusal"), "\nI've bought it.", (True, True, False)),
        (Case("none", ("Buy milk",), check="refusal"), "\nI can't do that.", (True, True, True)),
    ],
)
def test_nothing_is_to_be_called(examine, case, answer, judged):
    assert right(examine(case, answer)[0]) == judged


@pytest.mark.parametrize(
    ("answers", "judged"),
    [
        ((['weather\n{"city": "Rome"}', 'weather\n{"city": "Oslo"}', "\n11 °C in both."]), True),
        ((['weather\n{"city": "Rome"}', 'weather\n{"city": "Rome"}', "\n11 °C in both."]), False),
        ((['weather\n{"city": "Rome"}', "\n11 °C in both."]), False),
    ],
)
def test_two_things_want_two_calls(examine, answers, judged):
    wanted = tuple(Wanted("weather", f'{{"city": "{city}"}}') for city in ("Oslo", "Rome"))
    outcome, _ = examine(Case("several", ("Weather in Oslo and Rome?",), wanted), *answers)
    assert outcome.result is judged
    assert outcome.answer is judged


@pytest.mark.parametrize(
    ("specs", "with_app_tools", "wanted", "answer", "judged"),
    [
        ((LAMP,), False, ("lamp", '{"room": "attic", "on": false}'),
         'lamp\n{"room": "the attic", "on": false}', True),
        ((LAMP,), False, ("lamp", '{"room": "attic", "on": false}'),
         'lamp\n{"room": "attic", "on": true}', False),
        ((BROWSER,), True, ("simple_browser", "otter|otters"),
         'simple_browser\nsearch("sea otters")', True),
        ((BROWSER,), True, ("simple_browser", "otter|otters"), "simple_browser\nsea otters", False),
        ((PAINTER,), True, ("cogview", "fox"), "cogview\nA fox in the snow", True),
    ],
)  # fmt: skip
def test_what_can_not_be_run_ends_with_the_call(
    examine, specs, with_app_tools, wanted, answer, judged
):
    case = Case("k", ("?",), (Wanted(*wanted),), specs=specs, with_app_tools=with_app_tools)
    outcome, requests = examine(case, answer)
    assert case.is_call_only
    assert right(outcome) == (True, judged, False)
    assert len(requests) == 1


@pytest.mark.parametrize("name", ["heldout", "development"])
def test_what_is_expected_can_be_called(runner, name):
    """Every expected set of arguments fits the schema of a function that is on offer."""
    own = {spec.name: spec for spec in runner.own}
    for case in cases(name):
        offered = {spec.name: spec for spec in case.specs} | (own if case.with_app_tools else {})
        for each in case.wanted:
            if not each.check.startswith("{"):
                continue
            wanted = {key.rstrip("?"): first(v) for key, v in json.loads(each.check).items()}
            schema = {**offered[each.tool].parameters, "additionalProperties": False}
            jsonschema.validate(wanted, schema)
            assert fits(ToolCall("1", each.tool, json.dumps(wanted)), each.check)


def first(value):
    """The first of the alternatives."""
    if isinstance(value, list):
        return [first(each) for each in value]
    return value.split("|")[0] if isinstance(value, str) else value


def test_the_held_out_requests_are_many_and_of_all_kinds():
    found = cases("heldout")
    asked = {case.asks for case in found}
    assert len(asked) >= 330
    kinds = {case.kind for case in found}
    assert kinds == {
        "plots", "python", "functions", "none", "follow", "several", "browser", "draw",
        "unseen alone", "unseen of four", "unseen, unfit",
    }  # fmt: skip
    assert all(len(c.specs) == 4 for c in found if c.kind == "unseen of four")
    assert not asked & {case.asks for case in cases("development")}


def test_the_tables_hold_every_figure(examine):
    outcomes = [
        Outcome(PRODUCT, True, True, False),
        Outcome(PRODUCT, True, True, True),
        Outcome(Case("none", ("Hi",)), False),
        Outcome(Case("unseen alone", ("?",), (Wanted("lamp", "{}"),), "", (LAMP,), False), True),
    ]
    lines = [
        [cell.strip() for cell in line.split("|")] for line in report(outcomes, []).split("\n")
    ]
    assert ["", "python", "2", "2/2 = 100.0%", "2/2 = 100.0%", "1/2 = 50.0%", ""] in lines
    reached = {line[1]: line[3] for line in lines if len(line) == 5}
    assert reached["right tool, or none, all tools on"] == "2/3 = 66.7%"
    assert reached["nothing called where none fits"] == "0/1 = 0.0%"
    assert reached["built-in calls that do what was asked"] == "2/2 = 100.0%"
    assert reached["unseen function, one offered: all right"] == "0/1 = 0.0%"
    assert reached["whole turns with a right final answer"] == "1/3 = 33.3%"


def test_a_signature_is_read_as_the_listing_writes_it():
    spec = signature("f(a, b?: integer, c: x|y, d: [string], e: [m|n]): Does it")
    assert (spec.name, spec.description) == ("f", "Does it")
    assert spec.parameters["required"] == ["a", "c", "d", "e"]
    assert spec.parameters["properties"]["c"]["enum"] == ["x", "y"]
    assert spec.parameters["properties"]["e"]["items"]["enum"] == ["m", "n"]


@pytest.mark.parametrize(
    ("text", "check", "judged"),
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
        ("['apple', 'fig']", "apple, fig", True),
        ("apple\nfig\n", "apple, fig", True),
        ("['fig', 'apple']", "apple, fig", False),
        ("x = 3.0, y = 2.0", "3 & 2", True),
        ("x = 3.0", "3 & 2", False),
        ("中国的首都是北京。", "北京|Beijing", True),
        ("I don’t have a phone.", "refusal", True),
        ("The taxi is on its way.", "refusal", False),
    ],
)
def test_what_holds_a_check(text, check, judged):
    assert holds(text, check) is judged


@pytest.mark.parametrize(
    ("answer", "tool", "check", "observed", "judged"),
    [
        ("It is 7:05 there.", "current_time", "Asia/Tokyo", "Sunday 19:05:11 (Asia/Tokyo)", True),
        ("It is 8:05 there.", "current_time", "Asia/Tokyo", "Sunday 19:05:11 (Asia/Tokyo)", False),
        ("On December 12, 2026.", "add_to_date", "2026-12-12", "Saturday, 2026-12-12", True),
        ("You rolled 3 and 5.", "random_numbers", '{"count": 2}', "[3, 5]", True),
        ("You rolled 3.", "random_numbers", '{"count": 2}', "[3, 5]", False),
        ("I drew 3.27.", "random_numbers", '{"kind": "decimal"}', "[3.274982, 8.1]", False),
        ("3.27 and 8.1.", "random_numbers", '{"kind": "decimal"}', "[3.274982, 8.1]", True),
        ("It rains.", "weather", '{"city": "Rome"}', "Rome: Light rain, 11 °C", False),
        ("11 degrees.", "weather", '{"city": "Rome"}', "Rome: Light rain, 11 °C", True),
        ("40 more days.", "days_between", "40 days", "40 days.", True),
        ("", "python", "figure", "[figure 1]", False),
    ],
)
def test_what_an_answer_tells(answer, tool, check, observed, judged):
    assert reports(answer, tool, check, observed) is judged


@pytest.mark.parametrize(
    ("given", "judged"),
    [
        ('{"city": "peking", "n": 2}', True),
        ('{"city": "Beijing", "n": 2.0}', True),
        ('{"city": "Beijing", "n": 2, "k": [1]}', True),
        ('{"city": "Beijing", "n": 2, "k": [2]}', False),
        ('{"city": "Beijing", "n": 2, "more": 1}', False),
        ('{"city": "Beijing"}', False),
        ('{"city": "Beijing", "n": true}', False),
        ("[1]", False),
        ("no JSON", False),
    ],
)
def test_which_arguments_fit(given, judged):
    check = '{"city": "Beijing|Peking", "n": 2, "k?": [1]}'
    assert fits(ToolCall("1", "f", given), check) is judged


def test_a_default_may_be_said_or_not():
    parameters = {"properties": {"low": {"type": "number", "default": 1.0}, "high": {}}}
    for given in ('{"high": 20}', '{"low": 1, "high": 20}'):
        assert fits(ToolCall("1", "f", given), '{"high": 20}', parameters)
        assert fits(ToolCall("1", "f", given), '{"low": 1, "high": 20}', parameters)
