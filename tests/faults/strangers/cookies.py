"""Whose conversation it is: cookies of other apps, values that nobody gave out, https."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from secrets import token_hex, token_urlsafe

from tests.e2e.visitor import ask
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import Stage, port_of, words_on
from tests.faults.strangers.paths import Raw, raw
from tests.faults.threaded_page import Refused, ThreadedPage
from tests.support.loopback_web import Site, html

PAGE = "Accept: text/html"

OTHERS = (
    "a/b=1",
    "prefs=dark mode",
    "x[a]=1",
    'state={"a": 1, "b": [2, 3]}',
    "user=a@b.example",
    'quoted="an open quote',
    "empty=",
    "=nameless",
    "no-value-at-all",
    "$Version=1",
    "spaced name=1",
    "(bracket)=1",
    "comma=a,b,c",
    "equals=a=b==",
    "percent=%00%0d%0a",
    "latin=caf\xe9",
    "long=" + "x" * 3000,
    "path=/; domain=127.0.0.1",
    "; ; ",
)
"""What other programs on the same host may have set: a cookie counts for all ports."""


def visitor_given(answer: Raw) -> tuple[str, str] | None:
    """Name and value of the visitor's cookie that an answer sets, None where it sets none."""
    for line in answer.set_cookies:
        if found := re.match(r"(glm_visitor\w*)=([^;]*)", line):
            return found[1], found[2].strip('"')
    return None


def newcomer(url: str) -> tuple[str, str]:
    """The cookie that a browser is given which has none."""
    given = visitor_given(raw(url, "/", "", PAGE))
    if given is None:
        raise RuntimeError("the page gives no cookie")
    return given


def make_cookie_forms(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    url, word = scripted.app.url, f"word-{token_hex(6)}"
    name, own = newcomer(url)
    broken: list[str] = []
    lost: list[str] = []
    for other in OTHERS:
        for cookie in (f"{name}={own}; {other}", f"{other}; {name}={own}"):
            answer = raw(url, "/", cookie, PAGE)
            broken += [other] if answer.status != 200 else []
            lost += [other] if visitor_given(answer) not in (None, (name, own)) else []
    with stage.visitor(scripted.app) as visitor, Site() as site:
        page = visitor.open()
        ask(page, word)
        site.pages["/"] = html("<p>another app</p>")
        neighbour = visitor.context.new_page()
        neighbour.goto(f"http://127.0.0.1:{port_of(site.url)}/")
        settable = [other for other in OTHERS if "=" in other and not other.startswith(";")]
        neighbour.evaluate("all => all.forEach(one => document.cookie = one)", settable)
        loaded = page.reload()
        status = loaded.status if loaded else 0
        with contextlib.suppress(Exception):
            page.get_by_text(f"Heard: {word}").wait_for(timeout=8000)
        kept = word in words_on(page)
        seen = words_on(page)
    first = " ".join(seen.split())[:60]
    return Outcome(
        f"{len(OTHERS)} cookies of other apps before and behind the visitor's own; another app on "
        "the host sets them in a browser, and the page is loaded anew",
        f"{len(set(broken))} broke the page, {len(set(lost))} lost the visitor"
        + (f", such as {(broken or lost)[0]}" if broken or lost else "")
        + f"; in the browser: status {status}, {first}",
        f"the conversation is {'there' if kept else 'gone'} after the reload",
        not broken and not lost and kept and status == 200,
    )


def make_cookie_values(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    url, word = scripted.app.url, f"word-{token_hex(6)}"
    name, own = newcomer(url)
    turned = own[:-3] + own[-3:].swapcase() if own[-3:].lower() != own[-3:].upper() else own + "x"
    chosen = token_urlsafe(32)
    made = (chosen, turned, own[:-1], own + own, "1", "x" * 3000, json.dumps({"a": 1}), "")
    taken = []
    for value in made:
        given = visitor_given(raw(url, "/", f"{name}={value}", PAGE))
        taken += [value] if given in (None, (name, value)) else []
    shared = False
    cookies = {name: chosen}
    try:
        with ThreadedPage(url, cookies=cookies) as first:
            first.rerun()
            first.wait_until_rest(20)
            first.send(word)
            first.wait_for_text(f"Heard: {word}", 20)
            with ThreadedPage(url, cookies=cookies) as second:
                second.rerun()
                second.wait_until_rest(20)
                shared = word in second.text
    except Refused:
        pass
    again = visitor_given(raw(url, "/", f"{name}={own}", PAGE))
    plain = " ".join(raw(url, "/", "", PAGE).set_cookies)
    https = " ".join(raw(url, "/", "", PAGE, "X-Forwarded-Proto: https").set_cookies)
    secure = "Secure" in https and "Secure" not in plain and "HttpOnly" in https
    return Outcome(
        f"{len(made)} values of the visitor's cookie that the server did not give out, one of them "
        "in two pages at once; a page behind https",
        f"{len(taken)} of {len(made)} taken over; the two pages share "
        f"{'a conversation' if shared else 'nothing'}; behind https: "
        f"{'Secure' if secure else https[:80] or 'no cookie'}",
        f"a value that the server gave out is {'kept' if again in (None, (name, own)) else 'lost'}",
        not taken and not shared and secure and again in (None, (name, own)),
    )


FAULTS: Sequence[Fault] = (
    Fault("cookie-forms", make_cookie_forms, quick=True),
    Fault("cookie-values", make_cookie_values, quick=True),
)
