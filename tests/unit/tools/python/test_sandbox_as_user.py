"""The sandbox's tests once more, where they run as root: as an ordinary user without a right."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.sandboxed import needs_sandbox
from tools.safe_files import delete_folder

ROOT = Path(__file__).resolve().parents[4]
NOBODY = 65534
# All walls, and of the rest what depends on whose the processes and files are.
FILES = ("walls", "limits", "endings", "messages")
CHOSEN = "walls or fork_bomb_is or closed or everything or left_running_is or killed or flood"

pytestmark = [
    needs_sandbox,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.getuid() != 0, reason="these tests run as an ordinary user already"),
]


def test_all_holds_for_a_server_of_an_ordinary_user() -> None:
    home = tempfile.mkdtemp(prefix="as-user-", dir="/tmp")
    try:
        os.chown(home, NOBODY, NOBODY)
        tests = [f"tests/unit/tools/python/test_sandbox_{name}.py" for name in FILES]
        command = [
            *visible_python(), "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
            "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "env", f"HOME={home}",
            f"TMPDIR={home}", "PYTHONDONTWRITEBYTECODE=1", sys.executable, "-m", "pytest", "-o",
            "addopts=", "-p", "no:cacheprovider", f"--basetemp={home}/t", "--tb=short",
            "-k", CHOSEN, *tests,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        last = done.stdout.strip().splitlines()[-1]
        assert "passed" in last and "skipped" not in last, last
    finally:  # however deep what a test left there is
        delete_folder(Path(home))
    assert not os.path.lexists(home)


def visible_python() -> list[str]:
    """A way to see this Python though it lies in a folder of root's."""
    line = ["bwrap", "--dev-bind", "/", "/"]
    for place in dict.fromkeys((sys.base_prefix, sys.prefix, str(ROOT))):
        closed = [p for p in Path(place).parents if p.stat().st_mode & 0o005 != 0o005]
        for folder in closed[-1:]:
            inner = [p for p in reversed(Path(place).parents) if p.is_relative_to(folder)]
            line += ["--perms", "0755", "--tmpfs", str(folder)]
            for parent in inner[1:]:
                line += ["--perms", "0755", "--dir", str(parent)]
            line += ["--ro-bind", place, place]
    return [*line, "--"]
