"""The page when its server is gone, stands still, or was started anew."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Sequence

from playwright.sync_api import Page

from tests.e2e.visitor import Visitor, answer, ask, said
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import Stage, folder, new_lines, own_app, until, unused_port, words_on
from tests.support.running_app import send, wait_for_answer
from tests.support.scripted_steps import Endless

SIGN_SECONDS = 3.0
"""Within which a page says that its server is gone."""
LOOK_SECONDS = 12.0
_GONE = re.compile(r"server|connect|reach", re.IGNORECASE)
_ANEW = re.compile(r"(start|begin|began|load)\w* (\w+ )?(anew|again|new)|restart", re.IGNORECASE)


def sign(page: Page, before: str, pattern: re.Pattern[str], seconds: float) -> tuple[str, float]:
    """What the page says newly once a line of it matches, and after how many seconds; empty where
    none does."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        said = new_lines(before, words_on(page))
        if pattern.search(said):
            return said, passed
        time.sleep(0.1)
    return "", passed


def told(line: str, seconds: float) -> str:
    """A sign as it is seen, with its time."""
    return f"after {seconds:.1f} s: {line}" if line else f"nothing in {seconds:.0f} s"


def visitor_cookie(visitor: Visitor) -> list[str]:
    """The values of the cookies that name a visitor."""
    cookies = visitor.context.cookies()
    return [each["value"] for each in cookies if each["name"].startswith("glm_visitor")]


def make_gone(stage: Stage) -> Outcome:
    with own_app({}) as scripted, stage.visitor(scripted.app) as visitor:
        page = visitor.open()
        said_before = ask(page, "hello")
        before = words_on(page)
        os.killpg(scripted.app.pid, signal.SIGKILL)
        line, seconds = sign(page, before, _GONE, LOOK_SECONDS)
        kept = said_before in words_on(page)
    return Outcome(
        "the server is killed (SIGKILL) beside an open page",
        told(line, seconds),
        f"the conversation is {'still' if kept else 'no longer'} on the page",
        bool(line) and seconds <= SIGN_SECONDS and kept,
    )


def make_gone_answering(stage: Stage) -> Outcome:
    with own_app({}) as scripted, stage.visitor(scripted.app) as visitor:
        scripted.says(Endless(rate=40))
        page = visitor.open()
        send(page, "on and on")
        answer(page).get_by_text("word word word").first.wait_for()
        before = words_on(page)
        os.killpg(scripted.app.pid, signal.SIGKILL)
        line, seconds = sign(page, before, _GONE, LOOK_SECONDS)
        kept = "word word word" in words_on(page)
    return Outcome(
        "the server is killed (SIGKILL) in an answer's middle",
        told(line, seconds),
        f"the half of the answer is {'still' if kept else 'no longer'} on the page",
        bool(line) and seconds <= SIGN_SECONDS and kept,
    )


def make_frozen(stage: Stage) -> Outcome:
    with own_app({}) as scripted, stage.visitor(scripted.app) as visitor:
        scripted.says(Endless(rate=40))
        page = visitor.open()
        send(page, "on and on")
        answer(page).get_by_text("word word word").first.wait_for()
        before = words_on(page)
        os.killpg(scripted.app.pid, signal.SIGSTOP)
        try:
            line, seconds = sign(page, before, _GONE, LOOK_SECONDS)
        finally:
            os.killpg(scripted.app.pid, signal.SIGCONT)
        length = len(said(page))
        goes_on = until(lambda: len(said(page)) > length, 20)
        first = line.splitlines()[0] if line else ""
        cleared = until(lambda: not first or first not in words_on(page), 20)
    return Outcome(
        "the server stands still (SIGSTOP) in an answer's middle, and then goes on",
        told(line, seconds) + ("" if cleared or not line else ", and it stays afterwards"),
        f"the answer {'goes on' if goes_on else 'does not go on'} afterwards",
        bool(line) and goes_on and cleared,
    )


def make_restarted(stage: Stage) -> Outcome:
    port = unused_port()
    with folder() as place, contextlib.ExitStack() as stack:
        environment = {"GLM_DATA": str(place / "data")}
        first = stack.enter_context(contextlib.ExitStack())
        scripted = first.enter_context(own_app(environment, port=port))
        visitor = stack.enter_context(stage.visitor(scripted.app))
        page = visitor.open()
        ask(page, "hello")
        known = visitor_cookie(visitor)
        os.killpg(scripted.app.pid, signal.SIGKILL)
        first.close()
        before = words_on(page)
        with own_app(environment, port=port) as again:
            line, seconds = sign(page, before, _ANEW, 30)
            page.goto(again.app.url)
            wait_for_answer(page)
            kept = said(page)
            works = ask(page, "once more")
            same = visitor_cookie(visitor) == known
    return Outcome(
        "the server is killed and started again beside an open page",
        told(line, seconds),
        f"the last answer stands there: {kept}; the next message is answered: {works}; the "
        f"visitor's cookie is {'still taken' if same else 'new'}",
        bool(line) and (kept, works) == ("Heard: hello", "Heard: once more") and same,
    )


FAULTS: Sequence[Fault] = (
    Fault("server-gone", make_gone),
    Fault("server-gone-answering", make_gone_answering),
    Fault("server-frozen", make_frozen),
    Fault("server-restarted", make_restarted),
)
