"""The scores as tables: a line a kind of request, the figures that are aimed at, the times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from finetune.bundled.evaluation.cases import Case
from finetune.bundled.evaluation.run import Outcome, Turn

BUILT_IN = {"python", "simple_browser", "cogview"}
FIRST_TOKEN, WHOLE_TURN = 1.0, 3.0  # seconds at most, on two cores

Right = Callable[[Outcome], bool]


def report(outcomes: Sequence[Outcome], turns: Sequence[Turn]) -> str:
    """All that can be told of a run, in Markdown."""
    parts = [by_kind(outcomes), headline(outcomes), times(turns)]
    return "\n\n".join(part for part in parts if part)


def by_kind(outcomes: Sequence[Outcome]) -> str:
    """A line a kind: how many requests, and how many of them were right, in three steps."""
    lines = ["| requests | number | right tool | right result | right answer |",
             "| --- | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for kind in dict.fromkeys(outcome.case.kind for outcome in outcomes):
        some = [each for each in outcomes if each.case.kind == kind]
        whole = [each for each in some if not each.case.call_alone]
        cells = [_share(some, _choice), _share(some, _result), _share(whole, _answer)]
        lines.append(f"| {kind} | {len(some)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def headline(outcomes: Sequence[Outcome]) -> str:
    """The figures that are aimed at."""
    rows: list[tuple[str, int, Callable[[Case], bool], Right]] = [
        ("right tool, or none, all tools on", 95, lambda c: c.house, _choice),
        ("the same where a tool fits", 95, lambda c: c.house and bool(c.wanted), _choice),
        ("nothing called where none fits", 85, lambda c: not c.wanted, _choice),
        ("built-in calls that do what was asked", 75, _built_in, _result),
        ("unseen function, one offered: all right", 75, _of("unseen alone"), _result),
        ("unseen function, four offered: all right", 65, _of("unseen of four"), _result),
        ("whole turns with a right final answer", 70, lambda c: not c.call_alone, _answer),
    ]
    lines = ["| figure | aim | reached |", "| --- | ---: | ---: |"]
    for name, aim, chosen, right in rows:
        some = [each for each in outcomes if chosen(each.case)]
        if some:
            lines.append(f"| {name} | {aim}% | {_share(some, right)} |")
    return "\n".join(lines)


def times(turns: Sequence[Turn]) -> str:
    """Medians over the warm turns in which a tool was called; empty where none was."""
    called = [turn for turn in turns if turn.calls]
    first = [turn.first_token for turn in called if turn.first_token is not None]
    once = [turn.seconds for turn in called if [c.name for c in turn.calls] == ["python"]]
    lines = [
        "| eight tools on, second turn on (medians) | aim | reached |",
        "| --- | ---: | ---: |",
    ]
    if first:
        lines.append(f"| first token of a call | {FIRST_TOKEN:g} s | {median(first):.2f} s |")
    if once:
        lines.append(f"| turn with one Python call | {WHOLE_TURN:g} s | {median(once):.2f} s |")
    return "\n".join(lines) if first else ""


def _choice(outcome: Outcome) -> bool:
    return outcome.choice


def _result(outcome: Outcome) -> bool:
    return outcome.result


def _answer(outcome: Outcome) -> bool:
    return outcome.answer


def _of(kind: str) -> Callable[[Case], bool]:
    return lambda case: case.kind == kind


def _built_in(case: Case) -> bool:
    return bool(case.wanted) and all(each.tool in BUILT_IN for each in case.wanted)


def _share(outcomes: Sequence[Outcome], right: Right) -> str:
    if not outcomes:
        return ""
    count = sum(map(right, outcomes))
    return f"{count}/{len(outcomes)} = {count / len(outcomes):.1%}"
