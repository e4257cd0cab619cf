"""One client that takes what it can get, and what the others have meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import psutil

from tests.e2e.visitor import ask
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import NEXT, STRANGER, Stage, own_app, until, words_on
from tests.faults.threaded_page import Refused, ThreadedPage
from tests.faults.threaded_page import ask as request
from tests.support.scripted_steps import Text

# -- reruns ----------------------------------------------------------------------------------------

RERUNS_A_SECOND = 20
FLOOD_SECONDS = 15.0
MAX_RUNS_A_SECOND = 10.0
MAX_PAGE_SECONDS = 2.0
MAX_STOP_SECONDS = 10.0
MAX_SILENCE_SECONDS = 2.0


@contextlib.contextmanager
def rerunning(page: ThreadedPage) -> Iterator[None]:
    """Asks for the page 20 times a second until the block ends."""
    over = threading.Event()

    def flood() -> None:
        while not over.wait(1 / RERUNS_A_SECOND) and not page.closed:
            page.rerun()

    thread = threading.Thread(target=flood, name="flood", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5)


def longest_silence(url: str, seconds: float) -> float:
    """The longest time that the server took for one of many small answers, in seconds."""
    worst, until_then = 0.0, time.monotonic() + seconds
    while time.monotonic() < until_then:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            request(url, "/_stcore/health", source=NEXT, timeout=30.0)
        worst = max(worst, time.monotonic() - began)
        time.sleep(0.05)
    return worst


def open_page(url: str, source: str) -> tuple[float, bool]:
    """How long a new visitor waits for a page, at most a minute, and whether it came."""
    began = time.monotonic()
    try:
        with ThreadedPage(url, source=source, timeout=60.0) as page:
            page.rerun()
            came = page.wait_until_rest(60)
    except (Refused, OSError):
        came = False
    return time.monotonic() - began, came


def make_reruns(stage: Stage) -> Outcome:
    with own_app({}) as scripted:
        url = scripted.app.url
        scripted.says(Text("w " * 300, 2, 40), Text("Works."))
        quiet, _ = open_page(url, NEXT)
        with (
            ThreadedPage(url, source=STRANGER) as stranger,
            ThreadedPage(url, source=NEXT) as other,
        ):
            for page in (stranger, other):
                page.rerun()
                page.wait_until_rest(30)
            with rerunning(stranger):
                time.sleep(1)
                began = time.monotonic()
                other.send("an answer meanwhile")
                silence = longest_silence(url, FLOOD_SECONDS)
                fresh, came = open_page(url, NEXT)
                arrivals = [at for at in other.arrivals if at > began]
                pairs = itertools.pairwise(arrivals)
                gap = max((after - before for before, after in pairs), default=FLOOD_SECONDS)
                runs = stranger.runs / (time.monotonic() - began)
                asked = time.monotonic()
                psutil.Process(scripted.app.pid).send_signal(signal.SIGTERM)
                stopped = until(lambda: _ended(scripted.app.pid), 60)
                stop = time.monotonic() - asked
    held = (
        came
        and fresh <= MAX_PAGE_SECONDS + quiet
        and silence <= MAX_SILENCE_SECONDS
        and gap <= MAX_SILENCE_SECONDS
        and runs <= MAX_RUNS_A_SECOND
        and stopped
        and stop <= MAX_STOP_SECONDS
    )
    return Outcome(
        f"one visitor asks for the page {RERUNS_A_SECOND} times a second for {FLOOD_SECONDS:.0f} s",
        f"another visitor has a new page after {fresh:.1f} s ({quiet:.1f} s without the flood), "
        f"gaps of {gap:.1f} s in an answer; {runs:.1f} runs a second; the server was silent for "
        f"{silence:.1f} s at most",
        f"SIGTERM is obeyed after {stop:.1f} s" if stopped else "SIGTERM is not obeyed in 60 s",
        held,
    )


def _ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# -- new pages -------------------------------------------------------------------------------------

NEW_PAGES = 150


def make_pages(stage: Stage) -> Outcome:
    """New visitors without an end, from one address behind a proxy on this machine."""
    with own_app({"GLM_PROXIES": "127.0.0.0/8"}) as scripted, contextlib.ExitStack() as stack:
        url = scripted.app.url
        opened, refused, words = 0, 0, ""
        for _ in range(NEW_PAGES):
            try:
                page = ThreadedPage(url, source=STRANGER, forwarded="203.0.113.5", timeout=20.0)
            except (Refused, OSError) as error:
                refused += 1
                words = words or _sentence(str(error))
                continue
            stack.callback(page.close)
            page.rerun()
            opened += 1
        with ThreadedPage(url, source=NEXT, forwarded="203.0.113.9", timeout=60.0) as other:
            other.rerun()
            other.wait_until_rest(60)
            other.send("hello")
            works = other.wait_for_text("Heard: hello", 60)
    return Outcome(
        f"{NEW_PAGES} pages of new visitors are opened from one address",
        f"{opened} were opened, {refused} refused: {words or 'nothing is said'}",
        f"a visitor from another address {'is answered' if works else 'is not answered'}",
        0 < opened < NEW_PAGES and bool(words) and works,
    )


# -- descriptors -----------------------------------------------------------------------------------

DESCRIPTORS, PAGES = 256, 90


def limited(soft: int, hard: int) -> Sequence[str]:
    """A server that may have so many descriptors."""
    code = (
        "import os, resource, sys;"
        f" resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
        " os.execv(sys.executable, [sys.executable, '-m', 'streamlit', *sys.argv[1:]])"
    )
    return (sys.executable, "-c", code)


def make_descriptors(stage: Stage) -> Outcome:
    command = limited(DESCRIPTORS // 2, DESCRIPTORS)
    with contextlib.ExitStack() as stack:
        scripted = stack.enter_context(own_app({}, command=command))
        url = scripted.app.url
        visitor = stack.enter_context(stage.visitor(scripted.app))
        page = visitor.open()
        first = ask(page, "hello")
        soft = psutil.Process(scripted.app.pid).rlimit(psutil.RLIMIT_NOFILE)[0]
        opened, refused, hung = 0, "", 0
        for number in range(PAGES):
            try:
                crowd = ThreadedPage(url, source=STRANGER, timeout=10.0)
            except (Refused, OSError) as error:
                if isinstance(error, Refused) and error.args and "." in str(error):
                    refused = refused or str(error)
                else:
                    hung += 1
                if hung >= 3 or (refused and number > opened + 5):
                    break
                continue
            stack.callback(crowd.close)
            crowd.rerun()
            opened += 1
        newcomer = ""
        with contextlib.suppress(OSError):
            got = request(url, "/", {"Accept": "text/html"}, source=NEXT, timeout=10)
            newcomer = f"{got.status} {got.body[:300].decode('utf-8', 'replace')}"
        try:
            page.set_default_timeout(20_000)
            again = ask(page, "still there?")
            kept = first in words_on(page)
        except Exception as error:  # noqa: BLE001 - whatever keeps the page from it is the outcome
            again, kept = type(error).__name__, False
        log = scripted.app.log.read_text("utf-8", "replace")
    out = log.count("Too many open files")
    sentence = refused or ("" if newcomer.startswith("200") else newcomer)
    return Outcome(
        f"{PAGES} pages are opened on a server that may have {DESCRIPTORS} descriptors "
        f"(soft limit {DESCRIPTORS // 2})",
        f"{opened} were opened; the next was told: {_sentence(sentence) or 'nothing'}; the soft "
        f"limit was {soft}, descriptors ran out {out} times",
        f"the page that was open before goes on: {again}",
        bool(_sentence(sentence))
        and not out
        and soft == DESCRIPTORS
        and kept
        and again == "Heard: still there?",
    )


def _sentence(text: str) -> str:
    """What a refusal says, without its markup; empty where it is a status alone."""
    flat = " ".join(re.sub(r"(?s)<(style|script).*?</\1>|<[^>]*>", " ", text).split())
    words = flat.partition(" ")[2]
    return flat if len(words.split()) > 3 else ""


FAULTS: Sequence[Fault] = (
    Fault("flood-of-reruns", make_reruns),
    Fault("flood-of-pages", make_pages),
    Fault("descriptors-out", make_descriptors),
)
