"""`doctor` says the truth: with bubblewrap there and hidden, with a model and without one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.core import doctor
from app.core.doctor import Check, examine
from app.core.service import Service
from app.core.settings import Loaded, Settings
from tools.python.sandbox.bubblewrap import why_not

ROOT = Path(__file__).resolve().parents[3]
LINE = re.compile(r"(ok|warning|fail) +(\w+) +(.+)")


def run_doctor(path: str, *arguments: str, **variables: str) -> tuple[int, dict[str, list[str]]]:
    """The exit code, and for each check its state and its words."""
    environment = {**os.environ, "PATH": path, **variables}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "doctor", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    lines = [LINE.fullmatch(line) for line in done.stdout.splitlines()]
    assert lines and all(lines), done.stdout + done.stderr
    return done.returncode, {line[2]: [line[1], line[3]] for line in lines if line}


@pytest.fixture
def without_bubblewrap(tmp_path: Path) -> str:
    """A search path with all programs of the system's but one."""
    for folder in ("/usr/bin", "/bin"):
        for program in Path(folder).iterdir():
            if program.name != "bwrap" and not (tmp_path / program.name).is_symlink():
                (tmp_path / program.name).symlink_to(program)
    return str(tmp_path)


@pytest.mark.skipif(why_not() is not None, reason=f"no sandbox here: {why_not()}")
def test_where_all_is_there() -> None:
    code, said = run_doctor(os.environ["PATH"])
    assert said["sandbox"] == ["ok", "Python runs in a sandbox (bubblewrap)."]
    assert said["kernel"][0] == "ok" and said["files"][0] == "ok"
    assert code == (1 if said["model"][0] == "fail" else 0)


def test_where_bubblewrap_is_hidden(without_bubblewrap: str) -> None:
    code, said = run_doctor(without_bubblewrap, GLM_PYTHON_SANDBOX="bubblewrap", GLM_MODEL="none")
    assert said["sandbox"][0] == "fail" and "not installed" in said["sandbox"][1]
    assert "apt install bubblewrap" in said["sandbox"][1]
    assert said["kernel"][0] == "fail" and said["model"][0] == "fail" and code == 1
    _, said = run_doctor(without_bubblewrap, GLM_MODEL="none")
    assert said["sandbox"][0] == "warning" and "without a sandbox" in said["sandbox"][1]
    assert said["kernel"][0] == "ok"


def test_a_bad_setting_is_named() -> None:
    settings = Loaded(Settings(model="none"), {}, ("GLM_SLOTS should be a whole number.",))
    service = Service(settings)
    try:
        check = doctor.check_settings(service)
    finally:
        service.close()
    assert check.state == "warning" and "GLM_SLOTS" in check.sentence


def test_a_check_that_breaks_off_is_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_moon(_: Service) -> Check:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(doctor, "CHECKS", (check_moon, doctor.check_search))
    service = Service(Loaded(Settings(), {}))
    try:
        moon, search = examine(service)
    finally:
        service.close()
    assert (moon.name, moon.state) == ("moon", "fail") and "secret" not in moon.sentence
    assert search.name == "search"


def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free >> 20
    settings = Settings(data=str(tmp_path / "new"), python_workspace_mb=free + 1000)
    service = Service(Loaded(settings, {}))
    try:
        assert doctor.check_files(service).state == "warning"
    finally:
        service.close()
