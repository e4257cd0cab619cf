"""One visitor's many questions, and the next visitor's one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import NEXT, STRANGER, Stage
from tests.faults.threaded_page import ThreadedPage
from tests.support.running_app import start_app

CALLS = 24


def make_fairness(stage: Stage) -> Outcome:
    """The bundled model writes one answer at a time; a stranger asks for many."""
    environment = {"GLM_SLOTS": "1", "GLM_MAX_TOKENS": "48"}
    with start_app(environment) as app, contextlib.ExitStack() as stack:
        with ThreadedPage(app.url, source=NEXT) as alone:
            alone.rerun()
            alone.wait_until_rest(60)
            alone.send("Tell me a story about a fox.")
            alone.wait_until_rest(120)  # the first waits for the model's load
            alone.wait_for_text("token", 60)
            began = time.monotonic()
            runs = alone.runs
            alone.send("Tell me a story about a hare.")
            alone.wait_for_runs(runs + 1, 120)
            one = time.monotonic() - began
        crowd: list[ThreadedPage] = []
        first = stack.enter_context(ThreadedPage(app.url, source=STRANGER))
        for number in range(CALLS):
            page = (
                first
                if not number
                else stack.enter_context(ThreadedPage(app.url, cookies={}, source=STRANGER))
            )
            page.rerun()
            page.wait_until_rest(60)
            crowd.append(page)
        for number, page in enumerate(crowd):
            page.send(f"Tell me a story about {number} foxes.")
        time.sleep(1.0)
        other = stack.enter_context(ThreadedPage(app.url, source=NEXT))
        other.rerun()
        other.wait_until_rest(60)
        began, runs = time.monotonic(), other.runs
        other.send("Tell me a story about a bear.")
        served = other.wait_for_runs(runs + 1, 150)
        waited = time.monotonic() - began
        told = [line for line in other.text.splitlines() if "first token after" in line]
        running = sum(page.runs < 2 for page in crowd)
    return Outcome(
        f"a stranger asks for {CALLS} answers at once of a model that writes one at a time, then "
        "another visitor asks",
        f"the other visitor has the answer after {waited:.1f} s ({one:.1f} s where nobody else "
        f"asks): {told[-1] if told else 'nothing yet'}",
        f"{running} of the stranger's answers still wait or run then",
        served and waited <= 4 * one + 2,
    )


FAULTS: Sequence[Fault] = (Fault("fairness", make_fairness),)
