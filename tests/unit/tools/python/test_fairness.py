"""Python is shared by visitors: a stranger's many calls don't keep the next one waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.kernel_harness import LIMITS, KernelHarness, begin, harness
from tests.unit.tools.python.test_tool import eventually
from tools.base import ToolCall, ToolContext, ToolError, ToolResult
from tools.python import ChildProcess, PythonTool
from tools.python.kernels.local import LocalHost
from tools.python.kernels.pool import KernelPool
from tools.python.kernels.quota import WINDOW_S, Allowance
from tools.registry import Registry

__all__ = ["harness"]

CALLS = 24
UNTIL_THERE = (
    "import os, time\nprint('in', flush=True)\n"
    "while not os.path.exists({!r}):\n    time.sleep(0.02)"
)


def started(harness: KernelHarness, tool: PythonTool, owner: str, calls: int) -> Callable[[], None]:
    """Starts an answer of so many calls, that each write down whose they are; stops it."""
    cancel = threading.Event()
    code = f"with open({str(harness.folder / 'order')!r}, 'a') as f: f.write({owner!r})"
    asked = [ToolCall(str(at), "python", code, raw="code") for at in range(calls)]
    context = ToolContext(Path(), cancel, owner=owner)
    work = threading.Thread(target=lambda: Registry((tool,)).run_all(asked, lambda _: context))
    work.start()

    def stop() -> None:
        cancel.set()
        work.join(90)

    return stop


def order(harness: KernelHarness) -> str:
    path = harness.folder / "order"
    return path.read_text() if path.exists() else ""


def test_a_visitor_comes_before_the_remaining_calls_of_another(harness: KernelHarness) -> None:
    """24 calls in one answer, on the only kernel there is."""
    pool = harness.pool(max_kernels=1, spares=False)
    hold = begin(harness.session(pool, "hold"), UNTIL_THERE.format(str(harness.folder / "go")))
    stop = started(harness, harness.session(pool, "many"), "a", CALLS)
    assert eventually(lambda: len(pool._waiting) == 1, 30)
    other = started(harness, harness.session(pool, "lone"), "b", 1)
    assert eventually(lambda: len(pool._waiting) == 2, 30)
    (harness.folder / "go").touch()
    assert hold().error is None
    assert eventually(lambda: "b" in order(harness), 90)
    stop()
    other()
    assert order(harness).index("b") <= 1


def test_many_sessions_of_one_visitor_wait_for_another_visitors_one(harness: KernelHarness) -> None:
    pool = harness.pool(max_kernels=1, spares=False)
    hold = begin(harness.session(pool, "hold"), UNTIL_THERE.format(str(harness.folder / "go")))
    stops = [started(harness, harness.session(pool, f"a{at}"), "a", 1) for at in range(CALLS)]
    assert eventually(lambda: len(pool._waiting) == CALLS, 30)
    stops.append(started(harness, harness.session(pool, "b"), "b", 1))
    assert eventually(lambda: len(pool._waiting) == CALLS + 1, 30)
    (harness.folder / "go").touch()
    assert hold().error is None
    assert eventually(lambda: "b" in order(harness), 90)
    for stop in stops:
        stop()
    assert order(harness).index("b") <= 1


def test_a_visitor_who_used_up_the_hour_is_told_and_others_go_on(harness: KernelHarness) -> None:
    pool = KernelPool(LocalHost(ChildProcess(), LIMITS), allowance=Allowance(0.001))
    harness.pools.append(pool)
    tools = Registry((harness.session(pool, "one"),)), Registry((harness.session(pool, "two"),))

    def ask(tool: Registry, owner: str) -> ToolResult:
        call = ToolCall("1", "python", "import time\ntime.sleep(0.01)\n'ran'", raw="code")
        return tool.run(call, ToolContext(Path(), owner=owner))

    assert ask(tools[0], "a").text == "'ran'"
    refused = ask(tools[0], "a")
    assert refused.error is not None and "within an hour" in refused.text
    assert "In 60 minutes it runs again" in refused.text
    assert ask(tools[1], "a").error is not None, "another conversation is another hour"
    assert ask(tools[1], "b").text == "'ran'"


def test_an_hour_later_it_runs_again() -> None:
    now = [0.0]
    allowance = Allowance(60.0, lambda: now[0])
    for _ in range(3):
        allowance.check("a")
        now[0] += 25
        allowance.spend("a", 25)
    with pytest.raises(ToolError, match=r"runs for the|In 60 minutes"):
        allowance.check("a")
    allowance.check("b")
    now[0] = 25 + WINDOW_S - 61
    with pytest.raises(ToolError, match="In 2 minutes it runs again"):
        allowance.check("a")
    now[0] = 25 + WINDOW_S
    allowance.check("a")
    assert Allowance(None).check("a") is None


def test_what_is_long_ago_is_not_kept() -> None:
    now = [0.0]
    allowance = Allowance(60.0, lambda: now[0])
    for owner in range(100):
        allowance.spend(owner, 1)
    now[0] = WINDOW_S
    allowance.check("b")
    assert not allowance._spent
