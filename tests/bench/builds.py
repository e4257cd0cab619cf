"""Two builds of the app to measure in turn: this checkout, and an earlier one.

The earlier one is the checkout that `GLM_BENCH_BASELINE` names, else the commit below, checked out
in a temporary folder; where there is neither, this build is measured alone.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure
from tests.support.running_app import ROOT

BASELINE = "38db0de"
"""The last commit before the server was made to hold under load."""
DROPPED = ("openai==3.54.0", "jiter==0.19.0", "sniffio==1.3.1")
"""What that commit needs and this project no longer installs; it lies in its checkout, which is on
its path."""


@dataclass(frozen=True)
class Build:
    """A checkout of the app; `earlier` is the one that this is compared with."""

    root: Path
    earlier: bool


@contextlib.contextmanager
def builds() -> Iterator[list[Build]]:
    """The earlier build, where there is one, and this one."""
    this = Build(ROOT, earlier=False)
    if named := os.environ.get("GLM_BENCH_BASELINE"):
        yield [Build(Path(named), earlier=True), this]
        return
    with tempfile.TemporaryDirectory(prefix="glm-earlier-") as folder:
        place = Path(folder, "checkout")
        git = ["git", "-C", str(ROOT), "worktree"]
        made = subprocess.run(
            [*git, "add", "--detach", str(place), BASELINE], capture_output=True, check=False
        )
        if made.returncode:
            yield [this]
            return
        try:
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
            subprocess.run([*pip, "--target", str(place), *DROPPED], check=True)
            yield [Build(place, earlier=True), this]
        finally:
            subprocess.run(
                [*git, "remove", "--force", str(place)], capture_output=True, check=False
            )


def compared(figures: Mapping[bool, Figure]) -> Figure:
    """This build's figure, with the earlier one's value beside it; by `Build.earlier`."""
    this, earlier = figures[False], figures.get(True)
    if earlier is None:
        return this
    return Figure(this.name, f"{this.value} (was {earlier.value})", this.aim, this.holds)
