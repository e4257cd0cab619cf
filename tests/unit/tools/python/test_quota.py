"""A visitor, and an address, hold so many kernels; the others don't notice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.kernel_harness import LIMITS, KernelHarness, begin, harness
from tests.unit.tools.python.test_tool import ask
from tools.base import ToolContext, ToolError, ToolResult
from tools.python import ChildProcess, PythonTool
from tools.python.kernels.local import LocalHost
from tools.python.kernels.pool import KernelPool
from tools.python.kernels.quota import Quota, Share

__all__ = ["harness"]

UNTIL_GO = (
    "import os, time\nprint('in', flush=True)\n"
    "while not os.path.exists({!r}):\n    time.sleep(0.02)"
)


def pool_with(harness: KernelHarness, quota: Quota) -> KernelPool:
    pool = KernelPool(LocalHost(ChildProcess(), LIMITS), 8, quota=quota)
    harness.pools.append(pool)
    return pool


def run(tool: PythonTool, code: str, owner: str) -> ToolResult:
    return ask(tool, code, ToolContext(Path(), owner=owner))


def test_the_longest_idle_kernel_of_a_visitor_gives_way_to_the_next(harness: KernelHarness) -> None:
    pool = pool_with(harness, lambda owner: (Share(owner, 2),))
    one, two, three = (harness.session(pool, name) for name in ("one", "two", "three"))
    other = harness.session(pool, "other")
    assert run(other, "x = 'mine'", "bob").error is None
    for tool in (one, two):
        assert run(tool, "x = 1", "ann").error is None
    assert run(three, "x = 3\nx", "ann").text == "3"
    assert pool.held == 3
    assert run(two, "x", "ann").text == "1", "the one that was used last is there"
    assert run(one, "x", "ann").error is not None, "the one that was idle for longest is not"
    assert run(other, "x", "bob").text == "'mine'"


def test_whose_kernels_are_all_at_work_is_told_and_others_are_served(
    harness: KernelHarness,
) -> None:
    pool = pool_with(harness, lambda owner: (Share(owner, 0), Share("one address", 1)))
    go = harness.folder / "go"
    wait = begin(harness.session(pool, "busy"), UNTIL_GO.format(str(go)))
    second = harness.session(pool, "second")
    with pytest.raises(ToolError, match=r"run code now as may at a time \(1\)"):
        run(second, "1", "bob")
    go.touch()
    assert wait().error is None
    assert run(second, "2", "bob").text == "2"


def test_without_a_quota_there_is_no_limit(harness: KernelHarness) -> None:
    def shares(_owner: str) -> Sequence[Share]:
        return (Share("all", 0),)

    pool = pool_with(harness, shares)
    for name in ("one", "two", "three"):
        assert run(harness.session(pool, name), "1", "ann").text == "1"
    assert pool.held == 3
