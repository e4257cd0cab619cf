"""Tokens a second drawn in the browser on the bundled model, over what the engine alone gives.

Alternately, in one run: the app in its own process and one browser page, then the same model,
settings and prompt through `backends.llama_cpp` in this process, while the page is idle. Counted
in the browser: the tokens drawn between the first and the last draw of the answer (its tokens,
shared out by characters) over the time between the two. Counted of the engine: its tokens after
the first one over the time after it. The share is the median of the pairs' shares.
"""

from __future__ import annotations

import re
import statistics
import threading
import time

from playwright.sync_api import Page

from app.core.modes import defaults
from app.core.settings import Settings
from backends import bundled
from backends.events import AnswerFinished, TextDelta
from backends.llama_cpp.backend import LlamaCpp
from backends.messages import Message, Text, user
from tests.bench.draws import draws, most_in_a_second, watch_draws
from tests.bench.figures import Figure, at_least, at_most, spread
from tests.support.running_app import open_browser, send, start_app, wait_for_answer

PAIRS = 5
TOKENS = 256
SHARE, DRAWS = 0.9, 20
PROMPT = "Tell me a long story about a lighthouse keeper and the sea, with many details."


def measure() -> list[Figure]:
    environment = {"GLM_MAX_TOKENS": str(TOKENS)}
    engine = bundled.open_model()
    with start_app(environment) as app, open_browser() as browser:
        page = browser.new_page()
        page.goto(app.url)
        page.get_by_text("Ready").wait_for()
        _in_the_browser(page)
        _by_the_engine(engine)
        pairs = [(_in_the_browser(page), _by_the_engine(engine)) for _ in range(PAIRS)]
    engine.close()
    shown, alone = [one[0] for one, _ in pairs], [two for _, two in pairs]
    shares = [one / two for one, two in zip(shown, alone, strict=True)]
    return [
        at_least("drawn, as a share of the engine's", statistics.median(shares), SHARE, ""),
        Figure("  shares of the pairs", spread(shares, "")),
        Figure("  drawn in the browser", spread(shown, "tokens/s", 1)),
        Figure("  the engine alone", spread(alone, "tokens/s", 1)),
        at_most("draws in the busiest second", max(one[1] for one, _ in pairs), DRAWS, "", 0),
    ]


def _in_the_browser(page: Page) -> tuple[float, int]:
    """Tokens a second, and the most draws within one."""
    page.get_by_role("button", name="New conversation").click()
    page.get_by_text("What's on your mind?").wait_for()
    watch_draws(page)
    send(page, PROMPT)
    answer = wait_for_answer(page)
    said = re.search(r"([\d,]+) tokens ·", answer.inner_text())
    if said is None:
        raise RuntimeError("the answer has no figures under it")
    tokens = int(said[1].replace(",", ""))
    seen = draws(page)
    first, last = seen[0], seen[-1]
    written = tokens * (last.length - first.length) / last.length
    return written / (last.time - first.time), most_in_a_second(seen)


def _by_the_engine(engine: LlamaCpp) -> float:
    """Tokens a second."""
    mode = defaults("chat", Settings(max_tokens=TOKENS))
    messages = (Message("system", (Text(mode.system),)), user(PROMPT))
    first, written = 0.0, 0
    for event in engine.generate(messages, (), mode.generation, threading.Event()):
        if isinstance(event, TextDelta) and not first:
            first = time.monotonic()
        elif isinstance(event, AnswerFinished):
            written = event.usage.completion_tokens
    return (written - 1) / (time.monotonic() - first)
