"""Tools on a scripted endpoint: what a call looks like, what is asked of the model, what stops."""

from __future__ import annotations

import re
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import (
    HOLD,
    STOPPED,
    Scripted,
    answer,
    ask,
    button,
    calls,
    puppet,
    release,
    said,
    shot,
    stop,
    wait_until,
)
from tests.support.running_app import send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Finish, Reasoning, Text, ToolCall

pytestmark = pytest.mark.e2e

PLOT = """\
import numpy as np
import matplotlib.pyplot as plt

x = np.linspace(0, 10, 200)
fig, ax = plt.subplots()
ax.plot(x, np.sin(x))
ax.set_title("sin(x) 正弦")
plt.show()
print("drawn")"""
LIMIT = "The limit of tool rounds is reached."
PICTURE = "from PIL import Image\ndisplay(Image.new('RGB', (320, 200), 'teal'))"


def convert(amount: float, place: int, unit: str = "mile") -> ToolCall:
    arguments = {"amount": amount, "from_unit": unit, "to_unit": "km"}
    return ToolCall("convert_units", arguments, id=f"convert-{place}", index=place)


def test_a_plot_two_calls_and_thinking(scripted: Scripted, visit: Visit) -> None:
    scripted.says(
        [
            Reasoning("They want a plot. I shall use python."),
            Text("I draw it."),
            ToolCall("python", {"code": PLOT}, size=7),
            convert(26.2, 1),
            Finish("tool_calls"),
        ],
        Text("A sine, with $y=\\sin x$."),
    )
    page = visit(scripted.app).open("tools")
    send(page, "Plot sin(x), and a marathon in km")
    wait_for_answer(page)
    shot(page, "tools-plot-end")

    thought = answer(page).get_by_test_id("stExpander").filter(has_text="Thought")
    expect(thought.get_by_text("They want a plot.")).to_be_hidden()
    thought.locator("summary").click()
    expect(thought.get_by_text("They want a plot.")).to_be_visible()
    thought.locator("summary").click()

    expect(calls(page)).to_have_count(2)
    python, function = calls(page).nth(0), calls(page).nth(1)
    expect(python.locator("p > code")).to_have_text("python")
    expect(python.get_by_test_id("stCode").first.locator("code")).to_have_text(PLOT)
    expect(python.get_by_role("img", name="check icon")).to_be_visible()
    output = python.get_by_test_id("stExpander")
    expect(output.get_by_text("drawn")).to_be_hidden()
    figure = python.get_by_test_id("stImage").locator("img")
    expect(figure).to_be_visible()
    width, height = figure.evaluate(
        "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    )
    figure.scroll_into_view_if_needed()
    shot(page, "tools-plot")
    output.locator("summary").click()
    expect(output).to_contain_text("drawn")
    # Two pixels, either way, for each one on the page.
    expect(output).to_contain_text(f"[figure 1: {width // 2}x{height // 2}]")

    expect(function.locator("p > code")).to_have_text("convert_units")
    expect(function.get_by_test_id("stExpander")).to_contain_text("26.2 mile = 42.1648 km")
    expect(answer(page).locator(".katex").first).to_be_visible()


def test_a_picture_has_its_own_size(scripted: Scripted, tools: Page) -> None:
    ask(tools, f"run {PICTURE}")
    image = calls(tools).locator("img")
    assert image.evaluate(
        "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight,"
        " Math.round(image.getBoundingClientRect().width)])"
    ) == [320, 200, 320]


def test_a_failing_tool_says_so_to_page_and_model(scripted: Scripted, tools: Page) -> None:
    heard = ask(tools, "run def halve(x):\n    return x / 0\nhalve(1)")
    assert "ZeroDivisionError" in heard
    block = calls(tools).first
    expect(block.get_by_role("img", name="close icon")).to_be_visible()
    expect(block.get_by_text("ZeroDivisionError: division by zero").first).to_be_visible()
    assert "ZeroDivisionError" in scripted.bodies[-1]["messages"][-1]["content"]
    # The short traceback of the model's own code is for the model and the fold, not for the eye.
    expect(block.get_by_test_id("stExpander").get_by_text("halve(1)")).to_be_hidden()
    shot(tools, "tools-failed-call")


def test_wrong_arguments_of_a_function_are_named(scripted: Scripted, tools: Page) -> None:
    scripted.says([convert(1, 0, unit="parrot"), Finish("tool_calls")], Text("Sorry."))
    ask(tools, "How far is a parrot?")
    expect(calls(tools).get_by_text("The unit parrot is not known.").first).to_be_visible()


def test_a_tool_that_is_switched_off_is_not_offered(scripted: Scripted, visit: Visit) -> None:
    page = visit(scripted.app).open("tools")
    ask(page, "one")
    page.get_by_test_id("stCheckbox").filter(has_text="python").locator("label").click()
    page.get_by_role("combobox", name="Tool to use").click()
    expect(page.get_by_role("option", name="Use convert_units")).to_be_visible()
    expect(page.get_by_role("option", name="Use python")).to_have_count(0)
    page.keyboard.press("Escape")
    ask(page, "two")
    with_python, without = (offered(body) for body in scripted.bodies)
    assert "python" in with_python
    assert without == with_python - {"python"}
    page.reload()
    expect(page.get_by_role("switch", name="python")).not_to_be_checked()


def offered(body: dict[str, Any]) -> set[str]:
    return {tool["function"]["name"] for tool in body["tools"]}


def test_a_tool_that_is_asked_for_is_forced_once(scripted: Scripted, visit: Visit) -> None:
    page = visit(scripted.app).open("tools")
    page.get_by_role("combobox", name="Tool to use").click()
    page.get_by_role("option", name="Use python").click()
    ask(page, "run 6 * 7")
    first, second = scripted.bodies
    assert first["tool_choice"] == {"type": "function", "function": {"name": "python"}}
    assert second.get("tool_choice", "auto") == "auto"
    shot(page, "tools-use-python")


def test_the_round_limit_and_continue(scripted: Scripted, tools: Page) -> None:
    asked: list[int] = []

    def restless(_: dict[str, Any]) -> Answer:
        asked.append(len(asked))
        if len(asked) > 3:
            return Text("That will do.")
        return [ToolCall("python", {"code": f"{asked[-1]} + 1"}), Finish("tool_calls")]

    scripted.says(restless)
    send(tools, "Count")
    wait_for_answer(tools)
    expect(tools.get_by_text(LIMIT)).to_be_visible()
    expect(calls(tools)).to_have_count(3)
    shot(tools, "tools-round-limit")
    button(tools, "Continue").click()
    expect(tools.get_by_text("That will do.")).to_be_visible()
    wait_for_answer(tools)
    expect(tools.get_by_text(LIMIT)).to_have_count(0)
    expect(calls(tools)).to_have_count(3)
    expect(button(tools, "Continue")).to_have_count(0)


def test_a_running_tool_shows_a_clock_and_stops(scripted: Scripted, tools: Page) -> None:
    code = (
        "import time\nfor i in range(500):\n    print('step', i, flush=True)\n    time.sleep(0.1)"
    )
    send(tools, f"run {code}")
    block = calls(tools).last
    clock = block.get_by_text(re.compile(r"running \d+ s"))
    first = clock.inner_text()
    expect(clock).not_to_have_text(first)
    expect(block.get_by_test_id("stCaptionContainer").filter(has_text="step")).to_be_visible()
    shot(tools, "tools-running")
    stop(tools).click()
    # The code would go on for 50 s.
    expect(tools.get_by_text(STOPPED)).to_be_visible(timeout=15_000)
    expect(stop(tools)).to_have_count(0)
    expect(block.get_by_test_id("stExpander")).to_contain_text("step 1")
    expect(block.get_by_text("Stopped by the user").first).to_be_visible()
    shot(tools, "tools-stopped")
    # Variables are kept, and the conversation goes on.
    assert "True" in ask(tools, "run i > 0")


def test_a_turn_goes_on_behind_a_closed_tab(scripted: Scripted, visit: Visit) -> None:
    visitor = visit(scripted.app)
    page = visitor.open("tools")
    send(page, f"run {HOLD.format('while you were away')}")
    expect(calls(page).last.get_by_text("running")).to_be_visible()
    page.close()
    release(scripted.app, "while you were away")
    wait_until(lambda: len(scripted.bodies) == 2)
    assert scripted.server.requests[-1].done.wait(60)
    page = visitor.open("tools")
    wait_for_answer(page)
    assert said(page) == "Heard: [file while you were away: 19 bytes]"
    expect(calls(page)).to_have_count(1)


def test_a_bad_setting_is_told_and_no_kernel_stays_behind(visit: Visit) -> None:
    with ScriptedServer(puppet) as server:
        environment = {"GLM_MODEL": f"{server.url}#scripted", "GLM_SLOTS": "abc"}
        with start_app(environment) as app:
            visitor = visit(app)
            for path in ("", "settings", "tools"):
                page = visitor.open(path)
                expect(page.get_by_test_id("stAlert").filter(has_text="GLM_SLOTS")).to_be_visible()
            assert "42" in ask(page, "run 6 * 7")
            shot(page, "bad-setting")
            visitor.check()
            kernels = [
                process
                for process in psutil.Process(app.pid).children(recursive=True)
                if "ipykernel" in " ".join(process.cmdline())
            ]
            assert kernels
        _, left = psutil.wait_procs(kernels, timeout=20)
        assert left == []
