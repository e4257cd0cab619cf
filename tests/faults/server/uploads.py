"""Files that visitors give and never send: how much the server takes, and when it lets them go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import NEXT, STRANGER, Stage, own_app, resident_mb, until
from tests.faults.threaded_page import Refused, ThreadedPage

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


FAULTS: Sequence[Fault] = (
    Fault("flood-of-uploads", make_uploads),
    Fault("memory-given-back", make_memory),
)
