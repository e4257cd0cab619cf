"""Looking things up, on a scripted endpoint, a folder to search and a small web of our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, answer, button, calls, overflow, puppet, shot, stop
from tests.support.loopback_web import Site, html
from tests.support.running_app import send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Finish, Text, ToolCall

pytestmark = pytest.mark.e2e

FACT = "Sea otters hold hands while they sleep, so that the current does not part them."
EVIL = "<img src=x onerror=alert(1)> [click](http://evil.example) **bold**"
ACTS = '''
from tools import tool

@tool(acts=True)
def send_letter(to: str) -> str:
    """Send a letter."""
    return f"Sent to {to}."
'''


def filling(about: str) -> str:
    return "".join(f"<p>This is sentence {at} about {about}, as it is.</p>" for at in range(30))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        site.pages["/otters"] = html(
            f"<main><h1>Otters</h1>{filling('otters')}<p>{FACT}</p>{filling('seas')}</main>",
            "<title>All about otters</title>",
        )
        site.pages["/script"] = html(
            "<div id=root></div><script>document.getElementById('root').innerHTML ="
            " '<h1>Urchins</h1><p>' + 'Otters eat sea urchins every day. '.repeat(20) + '</p>'"
            "</script>",
            "<title>What they eat</title>",
        )
        site.pages["/evil"] = html(
            f"<main><p>{EVIL.replace('<', '&lt;')}</p>{filling('traps')}</main>",
            f"<title>{EVIL.replace('<', '&lt;')}</title>",
        )
        yield site


@pytest.fixture(scope="module")
def looking(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    """An app that searches a folder, and may read the small web."""
    folder = tmp_path_factory.mktemp("handbook")
    links = "\n".join(f"- [{name}]({site.url}/{name})" for name in ("otters", "script", "evil"))
    (folder / "otters.md").write_text(f"# Where to read on otters\n\nOtters swim.\n\n{links}\n")
    (folder / "acts.py").write_text(ACTS)
    with ScriptedServer(puppet) as server:
        environment = {
            "GLM_MODEL": f"{server.url}#scripted",
            "GLM_SEARCH": f"local:{folder}",
            "GLM_BROWSER_ALLOW": site.address,
            "GLM_TOOLS_PATH": str(folder / "acts.py"),
        }
        with start_app(environment) as app:
            yield Scripted(app, server)


def call(name: str, id: str, **arguments: object) -> Answer:
    return [ToolCall(name, arguments, id=id), Finish("tool_calls")]


LOOKS = (
    call("search", "a", query="otters"),
    call("mclick", "b", ids=[0]),
    call("mclick", "c", ids=[1, 2, 3, 99]),
)
SAYS = (
    "They hold hands【1†Sea otters hold hands while they sleep】!【2†eat sea urchins every day】"
    "\n\nAnd they can fly【1†otters fly south in winter】. A trap【3†bold】, `kept【1】`."
)


def steps(page: Page) -> Locator:
    return answer(page).get_by_test_id("stExpander").filter(has=page.locator(".step"))


def unfolded(step: Locator) -> Locator:
    step.locator("summary").first.click()
    return step


def test_citations_open_their_passages(looking: Scripted, visit: Visit, site: Site) -> None:
    looking.says(*LOOKS, Text(SAYS, size=5))
    page = visit(looking.app).open("tools")
    send(page, "Do otters hold hands?")
    wait_for_answer(page)
    shot(page, "browsing-answer")

    expect(steps(page)).to_have_count(3)
    expect(steps(page).nth(0).locator("summary").first).to_contain_text(
        "Searched “otters” · 1 result"
    )
    expect(steps(page).nth(2).locator("summary").first).to_contain_text("Read 3 pages")
    assert {"/otters", "/script", "/evil"} <= set(site.asked)

    cited = answer(page).locator('a[href^="#cited-"]')
    expect(cited).to_have_text(["1", "2", "1", "3"])
    expect(answer(page).get_by_text("kept[1]")).to_be_visible()
    expect(
        answer(page).locator('[data-testid="stMarkdown"]', has_text="not found in the page")
    ).to_have_count(1)
    sources = answer(page).locator(".sources")
    marked = sources.locator("mark", has_text="Sea otters hold hands while they sleep")
    expect(marked).to_be_hidden()
    cited.first.click()
    expect(marked).to_be_visible()
    expect(sources.locator(".kept").first).to_contain_text("so that the current does not part")
    shot(page, "browsing-passage")
    expect(sources.locator(".trouble")).to_have_text("not found in the page")
    first = sources.get_by_role("link", name="All about otters")
    expect(first).to_have_attribute("href", f"{site.url}/otters")
    expect(first).to_have_attribute("target", "_blank")

    expect(sources).to_contain_text(EVIL)
    unfolded(steps(page).nth(2))
    expect(steps(page).nth(2)).to_contain_text("[99] · there is no result")
    expect(steps(page).nth(2).locator("img")).to_have_count(1)
    assert answer(page).locator('a[href*="evil.example"], img[src="x"], strong').count() == 0
    shot(page, "browsing-steps")

    page.reload()
    wait_for_answer(page)
    expect(answer(page).locator('a[href^="#cited-"]')).to_have_count(4)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    page.reload()
    wait_for_answer(page)
    unfolded(steps(page).nth(2))
    answer(page).locator(".sources details summary").first.click()
    answer(page).locator(".sources").scroll_into_view_if_needed()
    shot(page, "browsing-narrow")
    assert overflow(page) == 0


def test_after_a_page_was_read_calls_that_act_wait(looking: Scripted, visit: Visit) -> None:
    def model(body: dict[str, Any]) -> Answer:
        last = body["messages"][-1]
        if last["role"] == "user":
            return call("search", "a", query="otters")
        if "Results for" in str(last["content"]):
            return call("send_letter", "b", to=str(body["messages"][-3]["content"]))
        return Text(f"So: {last['content']}")

    looking.says(model)
    trusting, careful = visit(looking.app).open("tools"), visit(looking.app).open("tools")
    for page, name in ((trusting, "Ann"), (careful, "Bob")):
        send(page, name)
        expect(button(page, "Refuse")).to_be_visible()
    shot(trusting, "browsing-asks")
    trusting.reload()
    expect(button(trusting, "Run")).to_be_visible()
    button(careful, "Refuse").click()
    button(trusting, "Run always in this conversation").click()
    wait_for_answer(careful)
    wait_for_answer(trusting)
    expect(answer(careful)).to_contain_text("So: The user did not allow this call")
    expect(answer(trusting)).to_contain_text("So: Sent to Ann.")
    send(trusting, "Ann")  # her word holds
    wait_for_answer(trusting)
    expect(answer(trusting)).to_contain_text("So: Sent to Ann.")
    send(careful, "Bob")
    expect(button(careful, "Refuse")).to_be_visible()
    stop(careful).click()
    wait_for_answer(careful)
    expect(calls(careful).last).to_contain_text("stopped by the user")
