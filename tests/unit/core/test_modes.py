"""The modes' defaults."""

from __future__ import annotations

from datetime import date

import pytest

from app.core.models.selection import is_bundled
from app.core.modes import CHAT_SYSTEM, Mode, defaults
from app.core.settings import Settings

SERVER = "http://127.0.0.1:1/v1#m"


@pytest.mark.parametrize("mode", ["chat", "tools"])
def test_chat_and_tools_know_the_date(mode: Mode) -> None:
    assert date.today().isoformat() in defaults(mode, Settings(model=SERVER)).system


def test_the_bundled_model_has_the_prompt_that_it_was_trained_on() -> None:
    assert defaults("chat", Settings()).system == CHAT_SYSTEM
    assert defaults("chat", Settings(model=SERVER)).system.startswith(CHAT_SYSTEM)


def test_the_bundled_model_is_told_from_others() -> None:
    assert is_bundled("") and is_bundled("bundled")
    assert not is_bundled(SERVER) and not is_bundled("no model at all")
