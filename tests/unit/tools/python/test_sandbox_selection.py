"""Which sandbox is in force, and the sentences for limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.service import Service
from app.core.settings import Loaded, Settings
from tools.python import ChildProcess, PythonLimits
from tools.python.limits.causes import cause_of
from tools.python.sandbox import selection
from tools.python.sandbox.bubblewrap import Bubblewrap
from tools.python.sandbox.selection import choose_sandbox

LIMITS = PythonLimits(memory_mb=2048, processes=40, file_mb=5)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> str:
    """A machine without bubblewrap."""
    monkeypatch.setattr(selection, "why_not", lambda: "bubblewrap is not installed")
    return "bubblewrap is not installed"


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "why_not", lambda: None)


@pytest.mark.usefixtures("works")
@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("setting", ["auto", "bubblewrap"])
def test_bubblewrap_wherever_it_works(setting: selection.Setting, local: bool) -> None:
    chosen = choose_sandbox(setting, local, LIMITS)
    assert chosen.launcher == Bubblewrap(LIMITS) and not chosen.warning


@pytest.mark.usefixtures("trouble")
def test_without_it_a_server_of_ones_own_goes_on_with_a_warning() -> None:
    chosen = choose_sandbox("auto", True, LIMITS)
    assert chosen.launcher == ChildProcess(LIMITS) and chosen.warning
    assert "without a sandbox" in chosen.reason and "not installed" in chosen.reason


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize(
    ("setting", "local"), [("auto", False), ("bubblewrap", True), ("bubblewrap", False)]
)
def test_without_it_python_is_not_on_offer_to_strangers(
    setting: selection.Setting, local: bool
) -> None:
    chosen = choose_sandbox(setting, local, LIMITS)
    assert chosen.launcher is None and "switched off" in chosen.reason


@pytest.mark.parametrize("local", [True, False])
def test_none_is_none_and_says_so(local: bool) -> None:
    chosen = choose_sandbox("none", local, LIMITS)
    assert chosen.launcher == ChildProcess(LIMITS) and chosen.warning
    assert "GLM_PYTHON_SANDBOX=none" in chosen.reason


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize(("local", "offered"), [(True, True), (False, False)])
def test_a_tool_that_is_switched_off_is_not_offered(
    local: bool, offered: bool, tmp_path: Path
) -> None:
    settings = Settings(data=str(tmp_path))
    service = Service(Loaded(settings, {}), local=local)
    try:
        registry = service.registry("tools", tmp_path / "workspace")
        assert ("python" in {tool.name for tool in registry.tools}) == offered
        registry.close()
    finally:
        service.close()


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        ("MemoryError", "memory limit of 2,048 MB"),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8 GiB", "memory limit"),
        ("OSError: [Errno 12] Cannot allocate memory", "memory limit"),
        ("RuntimeError: can't start new thread", "limit of 40 processes and threads"),
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", "limit of 40 processes"),
        ("OSError: [Errno 27] File too large", "limit of 5 MB for one file"),
        ("OSError: [Errno 28] No space left on device", "limit of 5 MB for /tmp"),
        ("ValueError: 27", None),
        (None, None),
    ],
)
def test_an_error_at_a_limit_is_told_with_the_limit(error: str | None, limit: str | None) -> None:
    told = cause_of(error, LIMITS)
    assert (limit in str(told)) if limit else told is None
