"""Passwords of locked files, where there is no page to type them into."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from getpass import getpass
from typing import TYPE_CHECKING

from app.cli.signals import SignalHandler

if TYPE_CHECKING:
    from app.core.document_qa.session_documents import Ask


def at_terminal(stopping: SignalHandler) -> Ask:
    """Asks whoever sits there, unseen by what reads standard input or output."""

    def ask(name: str, wrong: bool) -> str | None:
        why = "That password does not open" if wrong else "A password is needed for"
        with stopping.typing(), contextlib.suppress(EOFError):
            return getpass(f"{why} {name}. Password, or Enter to go on without it: ")
        return None

    return ask


def given(passwords: Mapping[str, str], otherwise: Ask | None) -> Ask:
    """Those that came with a prompt, by the files' names; asks for others, and for wrong ones."""

    def ask(name: str, wrong: bool) -> str | None:
        if name in passwords and not wrong:
            return passwords[name]
        return otherwise(name, wrong) if otherwise else None

    return ask
