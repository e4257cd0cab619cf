"""A server that is killed with a kernel and a Chromium at work, and the next that starts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import visitor_of
from tests.support.loopback_web import Site
from tests.support.running_app import send, start_app
from tests.support.sandboxed import eventually, written
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Text, ToolCall
from tests.unit.core.test_process_folder import HOLD, SCRIPT, inhabitants

pytestmark = pytest.mark.e2e


def children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@pytest.mark.parametrize("sandbox", ["auto", "none"])
def test_nothing_of_a_killed_server_is_left_once_it_was_started_anew(
    browser: Browser, tmp_path: Path, sandbox: str
) -> None:
    data = tmp_path / " ".join(["a data folder with a long name"] * 6)
    with Site() as site, ScriptedServer() as server:
        site.pages["/script"] = SCRIPT
        server.script = [
            [ToolCall("open_url", {"url": f"{site.url}/script"}), Finish("tool_calls")],
            [ToolCall("python", {"code": HOLD}), Finish("tool_calls")],
            [Text("never")],
        ]
        environment = {
            "GLM_MODEL": f"{server.url}#scripted",
            "GLM_BROWSER_ALLOW": site.address,
            "GLM_PYTHON_SANDBOX": sandbox,
            "GLM_DATA": str(data),
        }
        with start_app(environment) as app:
            visitor = visitor_of(app, browser)
            send(visitor.open("tools"), "go")
            assert eventually(lambda: bool(written(data, "made.txt")), 120)
            started = children(app.pid)
            assert any("chrom" in process.name() for process in started)
            (old,) = data.glob("[0-9]*-*")
            (temp,) = [Path(os.readlink(link)) for link in old.glob("elsewhere/*")]
            assert list(temp.glob("kernel-*")) and list(temp.glob("playwright*"))
            os.kill(app.pid, signal.SIGKILL)
            visitor.context.close()
        assert old.is_dir() and temp.is_dir()
        with start_app(environment):
            assert not old.exists() and not temp.exists()
            assert eventually(lambda: not inhabitants([temp]))
            assert eventually(lambda: not [each for each in started if each.is_running()])
            (new,) = data.glob("[0-9]*-*")
        assert not new.exists()
