"""The kernels of all visitors, as the service of the app hands them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.core.process_folder import LOCK
from app.core.service import Service
from app.core.settings import Loaded, Settings
from tests.unit.tools.python.test_tool import eventually, gone
from tools.base import ToolCall, ToolContext, ToolResult

Open = Callable[..., Service]


@pytest.fixture
def open_service(tmp_path: Path) -> Iterator[Open]:
    services: list[Service] = []

    def opened(**values: Any) -> Service:
        settings = Settings(model="http://127.0.0.1:9/v1", data=str(tmp_path), **values)
        services.append(Service(Loaded(settings, {})))
        return services[-1]

    yield opened
    for service in services:
        service.close()


def running() -> set[int]:
    every = psutil.Process().children(recursive=True)
    return {process.pid for process in every if not gone(process.pid)}


def ask(service: Service, visitor: str, code: str) -> ToolResult:
    session = service.sessions.open(visitor, "tools")
    call = ToolCall("1", "python", code, raw="code")
    return session.registry.run(call, ToolContext(session.workspace), native=True)


def test_visitors_who_only_look_start_one_kernel_between_them(open_service: Open) -> None:
    before = running()
    service = open_service(python_sandbox="none")
    service.sessions.open("nobody", "chat")
    assert service._kernels is None
    for number in range(20):
        service.sessions.open(f"visitor {number}", "tools")
    pool = service._kernels
    assert pool is not None
    assert eventually(lambda: pool.ready, 90)
    assert len(running() - before) == 1
    assert ask(service, "visitor 7", "import sys\n'pandas' in sys.modules").text == "True"


def test_the_settings_say_how_many_kernels_there_are(open_service: Open) -> None:
    service = open_service(python_kernels=1)
    ask(service, "one", "x = 1\nopen('kept.txt', 'w').write('kept')")
    assert ask(service, "two", "'x' in globals()").text == "False"
    result = ask(service, "one", "'x' in globals(), open('kept.txt').read()")
    assert result.text.startswith("(False, 'kept')\nNote: Python had been closed")
    assert "to make room for other sessions" in result.text and result.error is None


def test_nothing_is_left_when_the_service_is_closed(open_service: Open, tmp_path: Path) -> None:
    before = running()
    service = open_service()
    for visitor in ("one", "two"):
        ask(service, visitor, "import subprocess\nsubprocess.Popen(['sleep', '600']).pid")
    assert len(running() - before) >= 4
    service.close()
    assert eventually(lambda: running() <= before)
    # The empty file that processes take turns by: one that is about to start may hold it.
    (left,) = tmp_path.iterdir()
    assert left.name == LOCK and left.read_bytes() == b""


def test_a_new_conversation_begins_without_the_old_ones_variables(open_service: Open) -> None:
    service = open_service()
    ask(service, "one", "x = 1\nopen('old.txt', 'w').close()")
    service.sessions.renew("one", "tools")
    result = ask(service, "one", "import os\n'x' in globals(), os.listdir()")
    assert result.text == "(False, [])"


def test_with_a_gateway_no_kernel_runs_here(open_service: Open) -> None:
    before = running()
    service = open_service(kernel_gateway_url="http://127.0.0.1:9")
    result = ask(service, "one", "1 + 1")
    assert result.error == "The kernel gateway does not answer."
    (spec,) = [
        spec
        for spec in service.sessions.open("one", "tools").registry.specs(native=True)
        if spec.name == "python"
    ]
    assert "on another machine" in spec.description
    assert running() == before
