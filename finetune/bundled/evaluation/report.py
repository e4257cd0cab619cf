"""Formats the scores as Markdown tables: by kind of request, with targets, and times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from finetune.bundled.evaluation.cases import Case
from finetune.bundled.evaluation.run import Outcome, Turn

BUILT_IN = {"python", "simple_browser", "cogview"}
TARGET_FIRST_TOKEN_S, TARGET_TURN_S = 1.0, 3.0  # on two cores

Right = Callable[[Outcome], bool]


def report(outcomes: Sequence[Outcome], turns: Sequence[Turn]) -> str:
    """All tables of a run."""
    parts = [by_kind(outcomes), headline(outcomes), times(turns)]
    return "\n\n".join(part for part in parts if part)


def by_kind(outcomes: Sequence[Outcome]) -> str:
    """A table with a row per kind of request: their number, and the shares that were right."""
    lines = ["| requests | number | right tool | right result | right answer |",
             "| --- | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for kind in dict.fromkeys(outcome.case.kind for outcome in outcomes):
        some = [each for each in outcomes if each.case.kind == kind]
        whole = [each for each in some if not each.case.is_call_only]
        cells = [_share(some, _choice), _share(some, _result), _share(whole, _answer)]
        lines.append(f"| {kind} | {len(some)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def headline(outcomes: Sequence[Outcome]) -> str:
    """A table of the figures with targets."""
    rows: list[tuple[str, int, Callable[[Case], bool], Right]] = [
        ("right tool, or none, all tools on", 95, lambda c: c.with_app_tools, _choice),
        ("the same where a tool fits", 95, lambda c: c.with_app_tools and bool(c.wanted), _choice),
        ("nothing called where none fits", 85, lambda c: not c.wanted, _choice),
        ("built-in calls that do what was asked", 75, _built_in, _result),
        ("unseen function, one offered: all right", 75, _of_kind("unseen alone"), _result),
        ("unseen function, four offered: all right", 65, _of_kind("unseen of four"), _result),
        ("whole turns with a right final answer", 70, lambda c: not c.is_call_only, _answer),
    ]
    lines = ["| figure | aim | reached |", "| --- | ---: | ---: |"]
    for name, aim, chosen, right in rows:
        some = [each for each in outcomes if chosen(each.case)]
        if some:
            lines.append(f"| {name} | {aim}% | {_share(some, right)} |")
    return "\n".join(lines)


def times(turns: Sequence[Turn]) -> str:
    """A table of the median times of turns with calls; empty without any."""
    called = [turn for turn in turns if turn.calls]
    first = [turn.first_token for turn in called if turn.first_token is not None]
    once = [turn.seconds for turn in called if [c.name for c in turn.calls] == ["python"]]
    lines = [
        "| eight tools on, second turn on (medians) | aim | reached |",
        "| --- | ---: | ---: |",
    ]
    if first:
        lines.append(
            f"| first token of a call | {TARGET_FIRST_TOKEN_S:g} s | {median(first):.2f} s |"
        )
    if once:
        lines.append(f"| turn with one Python call | {TARGET_TURN_S:g} s | {median(once):.2f} s |")
    return "\n".join(lines) if first else ""


def _choice(outcome: Outcome) -> bool:
    return outcome.choice


def _result(outcome: Outcome) -> bool:
    return outcome.result


def _answer(outcome: Outcome) -> bool:
    return outcome.answer


def _of_kind(kind: str) -> Callable[[Case], bool]:
    return lambda case: case.kind == kind


def _built_in(case: Case) -> bool:
    return bool(case.wanted) and all(each.tool in BUILT_IN for each in case.wanted)


def _share(outcomes: Sequence[Outcome], right: Right) -> str:
    if not outcomes:
        return ""
    count = sum(map(right, outcomes))
    return f"{count}/{len(outcomes)} = {count / len(outcomes):.1%}"
