"""Asks for the passwords of locked files in the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from getpass import getpass
from typing import TYPE_CHECKING

from app.cli.signals import SignalHandler

if TYPE_CHECKING:
    from app.core.document_qa.session_documents import Ask


def at_terminal(signals: SignalHandler) -> Ask:
    """A function that asks the user at the terminal, without echo.

    It reads from and writes to the terminal itself, not to standard input and output.
    """

    def ask(name: str, wrong: bool) -> str | None:
        why = "That password does not open" if wrong else "A password is needed for"
        with signals.typing(), contextlib.suppress(EOFError):
            return getpass(f"{why} {name}. Password, or Enter to go on without it: ")
        return None

    return ask


def given(passwords: Mapping[str, str], otherwise: Ask | None) -> Ask:
    """A function that looks passwords up, and asks for those that are missing or wrong.

    Arguments:
        passwords: passwords of a request, by the files' names.
        otherwise: asks the user; None: no password.
    """

    def ask(name: str, wrong: bool) -> str | None:
        if name in passwords and not wrong:
            return passwords[name]
        return otherwise(name, wrong) if otherwise else None

    return ask
