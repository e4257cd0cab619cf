"""The browser as a service makes it: by the settings, for each mode."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core import doctor
from app.core.agent.events import TurnFinished
from app.core.agent.loop import Turn, TurnConfig, run_turn
from app.core.conversation import Conversation
from app.core.rendering.browser_steps import read_step
from app.core.rendering.settings_table import shown
from app.core.service import Service
from app.core.settings import Loaded, Settings
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.support.browser_parts import Lists, Pages, page
from tests.support.loopback_web import Answer, Site, html
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish
from tests.support.scripted_steps import Text as Say
from tests.support.scripted_steps import ToolCall as Call
from tools.base import Attachment, ToolCall, ToolContext, ToolResult, for_user
from tools.browser import BrowserLimits, BrowserTool
from tools.browser.search.base import Result
from tools.registry import Registry

ROOT = Path(__file__).resolve().parents[3]
Make = Callable[..., Service]


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[Make]:
    made: list[Service] = []

    def make(**values: Any) -> Service:
        settings = Settings(model="none", data=str(tmp_path / "data"), **values)
        made.append(Service(Loaded(settings, dict.fromkeys(settings.__dict__, "environment"))))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "otters.md").write_text("# Otters\n\nSea otters hold hands.\n")
    return pages


def browser_of(service: Service, workspace: Path) -> BrowserTool:
    workspace.mkdir(parents=True, exist_ok=True)
    registry = service.registry("tools", workspace)
    (tool,) = [tool for tool in registry.tools if isinstance(tool, BrowserTool)]
    return tool


def run(tool: BrowserTool, text: str, workspace: Path) -> ToolResult:
    call = ToolCall("1", "simple_browser", text, raw="input")
    return tool.run(call, ToolContext(workspace, threading.Event()))


def test_the_browser_stands_between_python_and_the_functions(
    make_service: Make, tmp_path: Path
) -> None:
    service = make_service()
    registry = service.registry("tools", tmp_path / "w")
    try:
        names = [tool.name for tool in registry.tools]
    finally:
        registry.close()
    at = names.index("simple_browser")
    assert names[:at] in ([], ["python"]) and len(names) > at + 1
    assert not service.registry("chat", tmp_path / "c").tools


def test_reading_starts_in_the_background_when_pages_of_the_web_were_found(
    make_service: Make, folder: Path, tmp_path: Path
) -> None:
    with Site() as site:
        found = b'{"results": [{"title": "A", "url": "https://a.example/", "content": "b"}]}'
        site.pages["/search"] = Answer(found, type="application/json")
        for search, started in ((f"local:{folder}", False), (f"searxng:{site.url}", True)):
            service = make_service(search=search)
            tool = browser_of(service, tmp_path / "w")
            assert "[0]" in run(tool, 'search("otters")', tmp_path / "w").text
            until = time.monotonic() + 60
            while started and service.browsing._web is None:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert (service.browsing._web is not None) == started
            tool.close()


def test_two_conversations_give_the_same_numbers_to_pages_of_their_own(
    make_service: Make, folder: Path, tmp_path: Path
) -> None:
    with Site() as site:
        for name in ("one", "two"):
            site.pages[f"/{name}"] = html(f"<main><p>Only {name} reads this.</p></main>")
        service = make_service(search=f"local:{folder}", browser_allow=site.address)
        for name in ("one", "two"):
            tool = browser_of(service, tmp_path / name)
            said = run(tool, f'open_url("{site.url}/{name}")', tmp_path / name).text
            assert said.startswith("[0]") and f"Only {name} reads this." in said
            assert tool.cited(0, f"Only {name} reads").found
            found = run(tool, 'search("otters hands")', tmp_path / name).text
            assert "[1] Otters" in found
            tool.close()


def test_what_is_not_allowed_is_not_reached(make_service: Make, tmp_path: Path) -> None:
    with Site() as site:
        service = make_service()
        tool = browser_of(service, tmp_path / "w")
        assert "loopback" in run(tool, f'open_url("{site.url}/")', tmp_path / "w").text
        tool.close()
        assert site.asked == []


def test_bad_parts_of_the_settings_are_named_and_the_others_hold(
    make_service: Make, folder: Path
) -> None:
    service = make_service(search=f"brave,local:{folder}", browser_allow="10.0.0.0/8,what is this")
    assert service.browsing.search.names == "local"
    brave, allow = service.problems
    assert brave.startswith("brave needs a key") and allow.startswith("GLM_BROWSER_ALLOW")
    assert "brave needs a key" in doctor.check_settings(service).sentence
    check = doctor.check_search(service)
    assert check.state == "warning" and "brave needs a key" in check.sentence


def test_doctor_says_what_is_searched(make_service: Make, folder: Path) -> None:
    assert doctor.check_search(make_service(search=f"local:{folder}")).state == "ok"
    nothing = doctor.check_search(make_service(search="serper"))
    assert nothing.state == "warning" and "Nothing can be searched" in nothing.sentence


def test_strangers_see_no_folder_and_no_key(make_service: Make, folder: Path) -> None:
    service = make_service(
        search=f"ddgs, local:{folder}", brave_key="sk-secret", browser_allow="a.example"
    )
    rows = {row["Setting"]: row["Value"] for row in shown(service.loaded)}
    assert rows["GLM_SEARCH"] == "ddgs,local:…/pages"
    assert rows["GLM_BRAVE_KEY"] == "••••••" and rows["GLM_BROWSER_ALLOW"] == "a.example"


def test_a_small_window_gets_fewer_results(
    make_service: Make, folder: Path, tmp_path: Path
) -> None:
    """The window is asked for at each call: the model is loaded after its tools are made."""
    for at in range(20):
        (folder / f"otter-{at}.md").write_text(f"# Otter {at}\n\nOtters swim.\n")
    service = make_service(search=f"local:{folder}")
    window, counts = [0], []
    tool = service.browsing.tool(lambda: window[0])
    (tmp_path / "w").mkdir()
    for window[0] in (100_000, 2_000):
        text = run(tool, 'search("otters swim")', tmp_path / "w").text
        counts.append(sum(line.startswith("[") for line in text.splitlines()))
    assert counts == [10, 3]


def test_a_tool_of_several_functions_can_be_asked_for(make_service: Make, tmp_path: Path) -> None:
    """No endpoint has a function of the browser's own name: its five alone are on offer."""
    registry = make_service().registry("tools", tmp_path / "w")
    config = TurnConfig(tools=None)
    config = replace(config, generation=replace(config.generation, tool_choice="simple_browser"))
    with ScriptedServer([[Say("I would.")]]) as server:
        backend = OpenAIBackend(server.url, "scripted", None, retries=0)
        talk, cancel = Conversation((user("look"),)), threading.Event()
        events = list(run_turn(Turn(talk, registry, config, cancel, tmp_path / "w"), backend))
        backend.close()
        (request,) = server.requests
    registry.close()
    assert events
    names = [each["function"]["name"] for each in request.body["tools"]]
    assert names == ["search", "mclick", "open_url", "find", "scroll"]
    assert request.body.get("tool_choice", "auto") == "auto"


def test_the_first_page_imports_nothing_of_it(tmp_path: Path) -> None:
    code = """
import sys
import app.ui.page
from app.core.service import Service
from app.core.settings import Loaded, Settings
service = Service(Loaded(Settings(model="none", data=sys.argv[1]), {}))
service.sessions.open("me", "chat")
heavy = "playwright", "trafilatura", "lxml", "tools.browser"
assert not [name for name in heavy if name in sys.modules]
service.sessions.open("me", "tools")
later = "playwright", "trafilatura", "lxml"
assert not [name for name in later if name in sys.modules]
service.close()
"""
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "data")], cwd=ROOT, check=True, timeout=120
    )


def test_steps_that_code_has_written_over_are_none() -> None:
    for data in (
        b"",
        b"{}",
        b"[1]",
        b'{"kind": 3}',
        b'{"kind":"read","pages":[{"id":"x"}]}',
        b"\xff",
    ):
        assert read_step(data) is None
    step = read_step(b'{"kind":"search","query":"a","results":[{"id":0}],"more":1}')
    assert step is not None and step.sentence == "Searched “a” · 1 result"
    failed = b'{"kind":"read","pages":[{"id":0,"host":"a"},{"id":1,"host":"b","error":"404"}]}'
    read = read_step(failed)
    assert read is not None and read.sentence == "Read 1 page · 1 failed"


def test_steps_are_no_files_for_the_user(tmp_path: Path) -> None:
    own = Attachment("step-1.json", "application/json", tmp_path / ".browser" / "step-1.json")
    figure = Attachment("figure.png", "image/png", tmp_path / ".outputs" / "figure.png")
    assert for_user(ToolResult("1", "x", "", attachments=(own, figure))) == (figure,)


@pytest.mark.parametrize("window", [2_048, 8_192, 32_768])
@pytest.mark.parametrize("calls", [3, 9])
def test_a_round_of_several_calls_fits_the_window(window: int, calls: int, tmp_path: Path) -> None:
    """Each call keeps to its part of the model's window; what is too much all the same is
    shortened for the model."""
    lines = ["Sea otters hold hands while they sleep. " * 4] * 400
    reader = Pages(lambda url: page(url, *lines))
    results = [Result("O", f"https://otters.example/{at}", "") for at in range(3 * calls)]
    limits = replace(BrowserLimits.for_context(window), results=len(results))
    tool = BrowserTool(Lists(*results), reader, limits)
    clicks = [
        Call("mclick", {"ids": [3 * at, 3 * at + 1, 3 * at + 2]}, f"call_{at}", at)
        for at in range(calls)
    ]
    script = [
        [Call("search", {"query": "otters"}), Finish("tool_calls")],
        [*clicks, Finish("tool_calls")],
        [Say("They hold hands.")],
    ]
    registry, talk, cancel = Registry([tool]), Conversation((user("look"),)), threading.Event()
    with ScriptedServer(script) as server:
        backend = OpenAIBackend(server.url, "scripted", None, context=window)
        events = list(
            run_turn(Turn(talk, registry, TurnConfig(tools=None), cancel, tmp_path), backend)
        )
        backend.close()
        sent = server.requests[-1].body["messages"]
    registry.close()
    assert isinstance(events[-1], TurnFinished) and events[-1].reason == "stop"
    read = [message["content"] for message in sent if message["role"] == "tool"][1:]
    assert len(read) == calls and all("Sea otters hold hands" in text for text in read)
    assert sum(len(text.encode()) for text in read) < 3 * window
    cut = [text for text in read if "characters left out" in text]
    assert bool(cut) == (calls > 3)
