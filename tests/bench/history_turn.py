"""What storing adds to a turn of 1,000 drawn tokens, beside the same turn that is not stored.

Turns with a history on the disk and without any alternate in one process, on a scripted endpoint
that streams 100 tokens a second; each draw is a look at the session, as the page does it, as soon
as there is something new. A draw's time is that from the look before: what a write holds up is in
it. The turn's time is from its start to its end.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from app.core.agent.loop import TurnConfig
from app.core.history.history import History
from app.core.models.host import ModelHost
from app.core.sessions.registry import Sessions
from app.core.sessions.session import Session
from app.core.sessions.turn_slots import Visitor
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.bench.figures import Figure, at_most, spread
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text
from tools.registry import Registry

TOKENS, RATE, PAIRS = 1_000, 100.0, 5
SHARE, DRAW_MS = 1.03, 2.0
TEXT = "word" * TOKENS


def measure() -> list[Figure]:
    times: dict[bool, list[float]] = {True: [], False: []}
    draws: dict[bool, list[float]] = {True: [], False: []}
    with (
        tempfile.TemporaryDirectory() as name,
        ScriptedServer(lambda _: [Text(TEXT, 4, RATE)]) as server,
    ):
        backend = OpenAIBackend(server.url, "scripted", None, retries=0)
        history = History.open(Path(name) / "history")

        def make(mode: str, workspace: Path, visitor: Visitor) -> Session:
            return Session(workspace, Registry(()), ModelHost(lambda: backend), None, visitor)

        sessions = Sessions(Path(name) / "sessions", make, 3600.0, 3, history)
        for pair in range(PAIRS):
            for stored in (True, False) if pair % 2 else (False, True):
                session = sessions.renew(f"{pair}", "chat", temporary=not stored)
                seconds, gaps = _turn(session)
                times[stored].append(seconds)
                draws[stored] += gaps
        sessions.close()
        history.close()
        backend.close()
    shares = [one / other for one, other in zip(times[True], times[False], strict=True)]
    added = [
        (_percentile(draws[True], at) - _percentile(draws[False], at)) * 1000 for at in (50, 95)
    ]
    return [
        at_most("a stored turn, over one that is not", statistics.median(shares), SHARE, "", 3),
        Figure("  of the pairs", spread(shares, "", 3)),
        Figure("  stored", spread(times[True], "s")),
        at_most("added to a draw, median", added[0], DRAW_MS, "ms"),
        at_most("added to a draw, 95 of 100 below", added[1], DRAW_MS, "ms"),
        Figure("  draws", f"{len(draws[True])} and {len(draws[False])}"),
    ]


def _turn(session: Session) -> tuple[float, list[float]]:
    """Seconds of the turn, and from each look at it to the next."""
    looks: list[float] = []
    began = before = time.perf_counter()
    session.start_turn(user("go"), TurnConfig(tools=None))
    while True:
        view = session.view()
        looks.append(time.perf_counter() - before)
        before = time.perf_counter()
        if view.live is None:
            return time.perf_counter() - began, looks
        session.wait(view.version, 1.0)


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
