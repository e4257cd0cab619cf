"""What is left when a server is killed, and what its helpers are told at their start."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex

import psutil

from tests.e2e.visitor import KEY, Scripted, ask
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import (
    Stage,
    alive,
    descendants,
    end_all,
    environment_of,
    folder,
    own_app,
    until,
)
from tests.faults.threaded_page import ThreadedPage
from tests.support.loopback_web import Site, html
from tests.support.running_app import send, wait_for_answer
from tests.support.sandboxed import written
from tests.support.scripted_steps import Finish, Text, ToolCall

SCRIPTED_PAGE = html(
    "<div id=root></div><script>document.getElementById('root').innerHTML = "
    "'<h1>Urchins</h1><p>' + 'Otters eat sea urchins every day. '.repeat(20) + '</p>'</script>",
    "<title>What they eat</title>",
)
GRACE_SECONDS = 15.0
"""In which processes whose server was killed may end by themselves."""


def use_everything(stage: Stage, scripted: Scripted, site: Site) -> None:
    """A kernel and a Chromium at work for one visitor."""
    site.pages["/script"] = SCRIPTED_PAGE
    with stage.visitor(scripted.app) as visitor:
        page = visitor.open("tools")
        ask(page, "run open('kept.txt', 'w').write('kept')")
        scripted.says(
            [ToolCall("open_url", {"url": f"{site.url}/script"}, id="open"), Finish("tool_calls")],
            Text("Read."),
        )
        send(page, "open it")
        wait_for_answer(page)


def entries(place: Path) -> set[str]:
    """All paths below a folder, seen from it."""
    return {str(path.relative_to(place)) for path in place.rglob("*")}


def make_leftovers(stage: Stage) -> Outcome:
    with folder() as place, ExitStack() as stack, Site() as site:
        (place / "tmp").mkdir()
        environment = {
            "GLM_DATA": str(place / "data"),
            "TMPDIR": str(place / "tmp"),
            "GLM_BROWSER_ALLOW": site.address,
        }
        with own_app(environment) as orderly:
            use_everything(stage, orderly, site)
        on_purpose = entries(place)  # what a server keeps that was asked to end
        first = stack.enter_context(ExitStack())
        scripted = first.enter_context(own_app(environment))
        use_everything(stage, scripted, site)
        below = descendants(scripted.app.pid)
        os.kill(scripted.app.pid, signal.SIGKILL)
        ended = until(lambda: not any(alive(each.pid) for each in below), GRACE_SECONDS)
        running = [_name(each) for each in below if alive(each.pid)]
        end_all(below)
        first.close()
        left = entries(place) - on_purpose
        with own_app(environment) as again:
            with ThreadedPage(again.app.url, "tools") as page:
                page.rerun()
                works = page.wait_until_rest(30)
            until(lambda: not left & entries(place), 20)
            still = sorted(left & entries(place))
    return Outcome(
        "the server is killed (SIGKILL) while a kernel and Chromium run for a visitor, and is "
        "started anew",
        f"{len(running)} processes of {len(below)} ran on"
        + (f" ({', '.join(sorted(set(running))[:4])})" if running else "")
        + f"; of {len(left)} files and folders {len(still)} are left after the next start"
        + (f", such as {', '.join(still[:3])}" if still else ""),
        f"the next server {'works' if works else 'does not work'}",
        ended and not still and works,
    )


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return "?"


CONTAINED = (
    *("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"),
    *(sys.executable, "-m", "streamlit"),
)
"""A server whose process number is 1 each time, as in a container."""


def make_same_number(stage: Stage) -> Outcome:
    done = "the server is killed, and the next one has the same process number, as in a container"
    name = f"mark-{token_hex(6)}"
    with folder() as place, ExitStack() as stack:
        environment = {"GLM_DATA": str(place / "data"), "GLM_PYTHON_SANDBOX": "none"}
        first = stack.enter_context(ExitStack())
        try:
            scripted = first.enter_context(own_app(environment, command=CONTAINED))
        except RuntimeError:
            return Outcome(done, "no process can have a number space of its own here", "", None)
        with ThreadedPage(scripted.app.url, "tools") as page:
            page.rerun()
            page.wait_until_rest(60)
            page.send(f"run open('{name}', 'w').close()")
            page.wait_for_text("Heard: ", 60)
        found = written(place / "data", name)
        servers = descendants(scripted.app.pid)
        end_all(servers[:1])  # the first of its number space: all others end with it
        until(lambda: not any(alive(each.pid) for each in servers), 10)
        first.close()
        before = [path for path in found if path.exists()]
        with own_app(environment, command=CONTAINED) as again:
            with ThreadedPage(again.app.url) as page:
                page.rerun()
                works = page.wait_until_rest(30)
            until(lambda: not any(path.exists() for path in before), 10)
            still = [path for path in before if path.exists()]
    return Outcome(
        done,
        f"{len(before)} files were left; {len(still)} are still there after the next start",
        f"the next server {'works' if works else 'does not work'}",
        bool(before) and not still and works,
    )


def make_environment(stage: Stage) -> Outcome:
    other = f"other-{token_hex(12)}"
    with Site() as site:
        environment = {"GLM_BROWSER_ALLOW": site.address, "SOMEBODYS_TOKEN": other}
        with own_app(environment) as scripted:
            use_everything(stage, scripted, site)
            below = descendants(scripted.app.pid)
            known = {each.pid: environment_of(each.pid) for each in below}
            names = {each.pid: _name(each) for each in below}
            read = [call for call in scripted.bodies[-1]["messages"] if call["role"] == "tool"]
    keys = sorted({names[pid] for pid, text in known.items() if KEY in text})
    others = sorted({names[pid] for pid, text in known.items() if other in text})
    told = str(read[-1]["content"]) if read else ""
    return Outcome(
        "the environment of each process that the server starts (Python, Playwright's driver, "
        "Chromium) is searched for GLM_API_KEY and for another secret",
        f"the key is known to {', '.join(keys) or 'none'} and the other secret to "
        f"{', '.join(others) or 'none'} of {', '.join(sorted(set(names.values())))}",
        f"the page was read: {told[:80]}",
        not keys and not others and "urchins" in told.lower() and len(below) > 2,
    )


FAULTS: Sequence[Fault] = (
    Fault("leftovers", make_leftovers),
    Fault("same-process-number", make_same_number),
    Fault("helpers-environment", make_environment),
)
