"""The agents of the commands: a conversation that ends with its command, or one that is kept."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from app.cli import history

# The rest is imported where it is needed: --help and a wrong option need not wait for it.
if TYPE_CHECKING:
    from app.api import Agent
    from app.core.history.stored import Entry
    from app.core.modes import Mode
    from app.core.service import Service
    from tools.base import ToolCall


def latest_of_terminal(mode: Mode | None) -> Entry | None:
    """The terminal's latest conversation; says so where there is none."""
    from app.core.history.database import HistoryError

    try:
        with history.opened() as kept:
            entry = history.latest(kept, mode)
    except (HistoryError, history.Unknown) as error:
        say(str(error))
        return None
    if entry is None:
        say("There is no conversation of this terminal to go on with.")
    return entry


@contextlib.contextmanager
def new_agent(service: Service, mode: Mode, yes: bool) -> Iterator[Agent]:
    """An agent with a new conversation; at its end, a message tells where its files are kept."""
    from app.api import Agent

    with _with_files(Agent(mode, service=service, approve=_allowed(yes), keep=True)) as agent:
        yield agent


@contextlib.contextmanager
def kept_agent(service: Service, mode: Mode, yes: bool, id: str | None = None) -> Iterator[Agent]:
    """An agent whose conversation is in the history where the service has one: a new one, or that
    with the `id`."""
    from app.api import Agent
    from app.api.kept import KeptAgent

    kept = service.history
    if kept is None:
        made = Agent(mode, service=service, approve=_allowed(yes), keep=True)
    else:
        if kept.problem:
            say(kept.problem)
        person = history.terminal_person()
        stored = kept.load(person, id) if id is not None else None
        made = KeptAgent(
            mode, history=kept, person=person, stored=stored,
            service=service, approve=_allowed(yes), keep=True,
        )  # fmt: skip
    with _with_files(made) as agent:
        yield agent
        if isinstance(made, KeptAgent) and made.problem:
            say(made.problem)


def _allowed(yes: bool) -> Callable[[ToolCall], bool] | None:
    return (lambda _: True) if yes else None


@contextlib.contextmanager
def _with_files(agent: Agent) -> Iterator[Agent]:
    """Says at the agent's end where its files are kept."""
    try:
        for sentence in agent.refused:
            say(sentence)
        yield agent
    finally:
        if folder := agent.close():
            say(f"Files are kept in {folder}")


def say(sentence: str) -> None:
    """Writes a sentence to standard error."""
    print(sentence, file=sys.stderr, flush=True)
