"""From `streamlit run` to the first page, and what was imported by then.

Counted: from the start of the server's process to the moment when the Chat page's message box and
starters stand in the browser and two frames have been drawn since. A browser that is open already
asks for the page as soon as the port answers. The bundled model loads meanwhile, as it does for
everyone. Every run has a new server and an empty browser cache; the first one, which reads the
files from the disk, is not counted. A bare Streamlit page is started in turn with ours: what it
takes is no work of the app's; the earlier build, where there is one, shows whether a start has
become slower.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from tests.bench.builds import builds
from tests.bench.figures import Figure, at_most, spread
from tests.bench.watched_streamlit import LIST
from tests.support.running_app import ROOT, RunningApp, open_browser, start_app

RUNS = 5
LIMIT = 2.5
NO_SLOWER = 1.05
NEVER = ("torch", "transformers")
# Other packages that take long to import, to see at a glance which of them the page waits for.
HEAVY = (
    "pandas", "numpy", "pyarrow", "PIL", "httpx2", "xllamacpp", "jupyter_client", "zmq",
    "matplotlib", "huggingface_hub", "pypdf", "docx", "playwright",
)  # fmt: skip
BARE = "tests/bench/bare_page.py"
COMMAND = (sys.executable, "-m", "tests.bench.watched_streamlit")
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def measure() -> list[Figure]:
    with open_browser() as browser, builds() as both:
        for build in both:
            _one_start(browser, root=build.root)
        runs, bare, earlier = [], [], []
        for _ in range(RUNS):
            runs.append(_one_start(browser))
            bare.append(_one_start(browser, BARE)[0])
            earlier += [_one_start(browser, root=each.root)[0] for each in both if each.earlier]
    pages, ports, modules = zip(*runs, strict=True)
    page = statistics.median(pages)
    imported = set().union(*modules)
    broken = sorted(imported.intersection(NEVER))
    return [
        at_most("first page", page, LIMIT, "s"),
        Figure("  runs", spread(pages, "s")),
        Figure("  until the port answers", spread(ports, "s")),
        Figure("  a bare Streamlit page", spread(bare, "s")),
        Figure("  ours over the bare one", f"{page / statistics.median(bare):.2f}"),
        *(
            [at_most("  over the earlier build", page / statistics.median(earlier), NO_SLOWER, "")]
            if earlier
            else []
        ),
        Figure(
            "torch, transformers",
            f"imported: {', '.join(broken)}" if broken else "not imported",
            "not imported",
            not broken,
        ),
        Figure("  imported by then", ", ".join(n for n in HEAVY if n in imported) or "none"),
    ]


def _one_start(
    browser: Browser, script: str = "app/main.py", root: Path = ROOT
) -> tuple[float, float, set[str]]:
    """Seconds to the page, seconds to the open port, and top-level modules then imported."""
    context = browser.new_context()
    page = context.new_page()
    began = time.monotonic()
    with start_app(command=COMMAND, ready_seconds=0, script=script, root=root) as app:
        _wait_for_port(app)
        listening = time.monotonic() - began
        page.goto(app.url, wait_until="commit")
        page.get_by_test_id("stChatInputTextArea").wait_for()
        page.get_by_role("button", name="photosynthesis").wait_for()
        page.evaluate(TWO_FRAMES)
        painted = time.monotonic() - began
        modules = _imported(app)
        context.close()
    return painted, listening, modules


def _wait_for_port(app: RunningApp) -> None:
    address = urlsplit(app.url)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection((address.hostname or "", address.port or 0)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"the app did not start:\n{app.log.read_text('utf-8', 'replace')[-4000:]}")


def _imported(app: RunningApp) -> set[str]:
    names = Path(app.data.parent, LIST)
    os.kill(app.pid, signal.SIGUSR1)
    until = time.monotonic() + 10
    while not names.exists():
        if time.monotonic() > until:
            raise RuntimeError("the server did not say what it has imported")
        time.sleep(0.01)
    return {name.partition(".")[0] for name in names.read_text("utf-8").split()}
