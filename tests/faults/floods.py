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
from tests.faults.stage import Stage, own_app, resident_mb, until, words_on
from tests.faults.threaded_page import Refused, ThreadedPage
from tests.faults.threaded_page import ask as request
from tests.running_app import start_app
from tests.scripted_steps import Text

STRANGER, NEXT = "127.0.0.2", "127.0.0.3"
"""Loopback addresses that visitors come from."""

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
        f"gaps of {gap:.1f} s in an answer; {runs:.1f} runs a second; the server was silent for {silence:.1f} s at most",
        f"SIGTERM is obeyed after {stop:.1f} s" if stopped else "SIGTERM is not obeyed in 60 s",
        held,
    )


def _ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# -- new pages ------------------------------------------------------------------------------------

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
            runs = other.runs
            other.send("hello")
            works = other.wait_for_runs(runs + 1, 60) and "Heard: hello" in other.text
    return Outcome(
        f"{NEW_PAGES} pages of new visitors are opened from one address",
        f"{opened} were opened, {refused} refused: {words or 'nothing is said'}",
        f"a visitor from another address {'is answered' if works else 'is not answered'}",
        0 < opened < NEW_PAGES and bool(words) and works,
    )


# -- uploads ---------------------------------------------------------------------------------------

FILE_MB, FILES = 100, 10
MAX_MORE_MB = 50.0
GIVEN_BACK_SECONDS = 60.0


def make_uploads(stage: Stage) -> Outcome:
    """One visitor gives files that are never sent, and leaves."""
    data = bytes(FILE_MB * 2**20)
    with own_app({}) as scripted:
        url = scripted.app.url
        with ThreadedPage(url, source=NEXT) as page:
            page.rerun()
            page.wait_until_rest(30)
            page.upload("small.bin", b"small")
        before = resident_mb(scripted.app.pid)
        statuses: list[int] = []
        words = ""
        with ThreadedPage(url, source=STRANGER) as page:
            page.rerun()
            page.wait_until_rest(30)
            for number in range(FILES):
                try:
                    answer = page.upload(f"{number}.bin", data)
                except (OSError, Refused) as error:
                    statuses.append(0)
                    words = words or str(error)
                    continue
                statuses.append(answer.status)
                if answer.status >= 400:
                    words = words or answer.body[:200].decode("utf-8", "replace")
            full = resident_mb(scripted.app.pid)
        left = time.monotonic()
        until(lambda: resident_mb(scripted.app.pid) - before <= MAX_MORE_MB, GIVEN_BACK_SECONDS)
        seconds = time.monotonic() - left
        after = resident_mb(scripted.app.pid)
        with ThreadedPage(url, source=NEXT) as page:
            page.rerun()
            works = page.wait_until_rest(30) and page.upload("a.bin", b"a").status < 300
    taken = sum(200 <= status < 300 for status in statuses)
    return Outcome(
        f"a visitor gives {FILES} files of {FILE_MB} MB that are never sent, and leaves",
        f"{taken} were taken{f', then: {words}' if words else ', none refused'}; the server grew "
        f"from {before:.0f} to {full:.0f} MB",
        f"{after:.0f} MB {seconds:.0f} s after the visitor left; the next visitor's upload "
        f"{'works' if works else 'does not work'}",
        taken < FILES and bool(words) and after - before <= MAX_MORE_MB and works,
    )


VISITORS = 5


def make_memory(stage: Stage) -> Outcome:
    """Visitors who leave files behind that they never sent; nobody comes afterwards."""
    data = bytes(FILE_MB * 2**20)
    with own_app({}) as scripted:
        url = scripted.app.url
        for name in ("first", "second"):  # what the server keeps of any visitor, it has then
            with ThreadedPage(url, source=NEXT) as page:
                page.rerun()
                page.wait_until_rest(30)
                page.upload(f"{name}.bin", b"small")
        before = resident_mb(scripted.app.pid)
        statuses: list[int] = []
        with contextlib.ExitStack() as stack:
            for number in range(VISITORS):
                page = stack.enter_context(ThreadedPage(url, source=f"127.0.0.{10 + number}"))
                page.rerun()
                page.wait_until_rest(30)
                statuses.append(page.upload("large.bin", data).status)
            full = resident_mb(scripted.app.pid)
        left = time.monotonic()
        until(lambda: resident_mb(scripted.app.pid) - before <= MAX_MORE_MB, GIVEN_BACK_SECONDS)
        seconds = time.monotonic() - left
        after = resident_mb(scripted.app.pid)
    return Outcome(
        f"{VISITORS} visitors with a file of {FILE_MB} MB each leave, and nobody comes",
        f"the server grew from {before:.0f} to {full:.0f} MB with them "
        f"({', '.join(map(str, sorted(set(statuses))))})",
        f"{after:.0f} MB {seconds:.0f} s after they left",
        after - before <= MAX_MORE_MB and full - before > FILE_MB,
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


# -- fairness --------------------------------------------------------------------------------------

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


FAULTS: Sequence[Fault] = (
    Fault("flood-of-reruns", make_reruns),
    Fault("flood-of-pages", make_pages),
    Fault("flood-of-uploads", make_uploads),
    Fault("memory-given-back", make_memory),
    Fault("descriptors-out", make_descriptors),
    Fault("fairness", make_fairness),
)
