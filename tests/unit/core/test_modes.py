"""The modes' defaults."""

from __future__ import annotations

from datetime import date

from app.core.models.selection import is_bundled
from app.core.modes import CHAT_SYSTEM, defaults
from app.core.settings import Settings


def test_chat_and_tools_know_the_date():
    for mode in ("chat", "tools"):
        assert date.today().isoformat() in defaults(mode, Settings()).system
    assert defaults("chat", Settings()).system.startswith(CHAT_SYSTEM)


def test_the_bundled_model_is_told_from_others():
    assert is_bundled("") and is_bundled("bundled")
    assert not is_bundled("http://127.0.0.1:1/v1") and not is_bundled("no model at all")
