"""Files in and out of a conversation with Python, and what it shows: tables, charts, notebooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Download, FilePayload, Locator, Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import (
    HOLD,
    Scripted,
    answer,
    ask,
    box,
    button,
    calls,
    keep_unaware,
    overflow,
    release,
    shot,
)
from tests.support.running_app import send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Finish, Text, ToolCall

pytestmark = pytest.mark.e2e

TABLE = "城市,sales\nKöln,3\n北京,5\nRoma,4\n"
PLOT = """\
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("销售 2024.csv")
plt.bar(df["城市"], df["sales"])
plt.title("销售 2024")
plt.show()
df.describe().to_csv("报告 report.csv")
df"""
CHARTS = """\
import altair as alt
import plotly.express as px

px.bar(x=["北京", "Köln"], y=[5, 3], title="Plotly").show()
alt.Chart(alt.Data(url="http://203.0.113.9/data.json"), title="Nothing").mark_bar().display()
alt.Chart(alt.Data(values=[{"x": "北京", "y": 5}]), title="Altair").mark_bar().encode(
    x="x:N", y="y:Q"
)"""
NOTEBOOK = "Download as notebook"


def runs(*codes: str) -> list[Answer]:
    """A model that runs the codes, one an answer, and then says that it is done."""
    made: list[Answer] = []
    for number, code in enumerate(codes):
        made.append([ToolCall("python", {"code": code}, id=f"run-{number}"), Finish("tool_calls")])
    return [*made, Text("Done.")]


def attach(page: Page, *files: FilePayload) -> None:
    """Into the message box, which is empty: it can be sent once the files have arrived."""
    page.get_by_test_id("stChatInput").locator("input[type=file]").set_input_files(list(files))
    expect(page.get_by_test_id("stChatInputSubmitButton")).to_be_enabled()


def file(name: str, text: str | bytes) -> FilePayload:
    data = text.encode() if isinstance(text, str) else text
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def offered(page: Page) -> Locator:
    """The links of the files that code has written."""
    return calls(page).last.locator("a[download]")


def fetched(page: Page, link: Locator) -> tuple[str, bytes]:
    """A download's name and bytes."""
    with page.expect_download() as waiting:
        link.click()
    download: Download = waiting.value
    return download.suggested_filename, Path(download.path()).read_bytes()


def executed(path: Path, data: bytes) -> Any:
    """A notebook after `nbclient` has run it without an error, in a process of its own: beside a
    browser no event loop runs in this one."""
    path.write_bytes(data)
    nbformat.validate(nbformat.read(path, 4))
    run = "from nbclient.cli import main; main()"
    command = [sys.executable, "-c", run, "--inplace", "--timeout=120", str(path)]
    ended = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=150)
    assert ended.returncode == 0, ended.stderr
    return nbformat.read(path, 4)


def test_a_file_goes_in_is_plotted_and_files_come_out(
    scripted: Scripted, visit: Visit, tmp_path: Path
) -> None:
    scripted.says(*runs(PLOT))
    page = visit(scripted.app).open("tools")
    expect(button(page, NOTEBOOK)).to_have_count(0)
    attach(page, file("销售 2024.csv", TABLE))
    shot(page, "files-attached")
    send(page, "Plot the sales, please.")
    wait_for_answer(page)

    question = page.get_by_test_id("stChatMessage").first
    expect(question).to_contain_text("销售 2024.csv 37 bytes")
    told = scripted.bodies[0]["messages"][-1]["content"]
    assert told == (
        "[file 销售 2024.csv, 37 bytes, in the working directory]\nPlot the sales, please."
    )

    call = calls(page).last
    figure = call.get_by_test_id("stImage").locator("img")
    sizes = figure.evaluate(
        "image => image.decode().then(() => [image.naturalWidth,"
        " Math.round(image.getBoundingClientRect().width)])"
    )
    assert sizes[0] // 2 == sizes[1]  # sharp
    expect(call.get_by_test_id("stDataFrame").first).to_be_visible()
    call.get_by_test_id("stDataFrame").first.scroll_into_view_if_needed()
    # The table is drawn on a canvas; its words are in the part that screen readers are given.
    expect(call.get_by_test_id("stDataFrame").first.locator("table")).to_contain_text("北京")
    shot(page, "files-table")
    heard = scripted.bodies[1]["messages"][-1]["content"]
    assert heard.startswith("[figure 1: ") and "北京" in heard
    assert heard.splitlines()[-1].startswith("[file 报告 report.csv: ")

    expect(offered(page)).to_contain_text("报告 report.csv")
    name, data = fetched(page, offered(page))
    assert name == "报告 report.csv" and b"count,3.0" in data
    preview = call.get_by_test_id("stExpander").filter(has_text="Preview of 报告 report.csv")
    preview.locator("summary").click()
    expect(preview.get_by_test_id("stDataFrame").locator("table")).to_contain_text("count")
    shot(page, "files-preview")

    name, data = fetched(page, button(page, NOTEBOOK))
    assert name == "conversation.ipynb"
    (tmp_path / "销售 2024.csv").write_text(TABLE)
    book = executed(tmp_path / name, data)
    # On a busy machine nbclient misses what a kernel's very first cell puts out at its beginning.
    last = book.cells[2].outputs[-1]
    assert last.output_type == "execute_result" and "北京" in last.data["text/plain"]
    assert (tmp_path / "报告 report.csv").is_file()


def test_the_file_stays_for_the_next_turn_for_retry_and_for_edit(
    scripted: Scripted, tools: Page
) -> None:
    line = "[file a.txt, 5 bytes, in the working directory]"
    show = runs("print(open('a.txt').read())")
    scripted.says(*show, *show, *show)
    attach(tools, file("a.txt", "alpha"))
    box(tools).press("Enter")  # a file alone is a message too
    wait_for_answer(tools)
    assert scripted.bodies[0]["messages"][-1]["content"] == line
    assert scripted.bodies[1]["messages"][-1]["content"] == "alpha"
    button(tools, "Retry").click()
    expect(answer(tools)).to_contain_text("Done.")
    wait_for_answer(tools)
    button(tools, "Edit").click()
    tools.get_by_role("textbox", name="Edit your message").fill("Read it")
    button(tools, "Send").click()
    wait_for_answer(tools)
    assert scripted.bodies[-2]["messages"][-1]["content"] == f"{line}\nRead it"
    assert scripted.bodies[-1]["messages"][-1]["content"] == "alpha"
    scripted.says(*runs("open('a.txt', 'a').write('!')"))
    ask(tools, "Add to it")
    assert fetched(tools, offered(tools)) == ("a.txt", b"alpha!")


def test_a_file_whose_name_is_no_text_comes_out_under_a_safe_one(
    scripted: Scripted, tools: Page
) -> None:
    names = ["two\nlines.txt", "\udcff.txt", "-rf", "l" * 251 + ".txt"]
    code = f"import os\nfor name in {names!r}: open(os.fsencode(name), 'w').write('out');"
    scripted.says(*runs(code))
    ask(tools, "Write them")
    links = offered(tools)
    expect(links).to_have_count(4)
    came = [fetched(tools, links.nth(at)) for at in range(4)]
    assert {data for _, data in came} == {b"out"}
    assert {name for name, _ in came} >= {"two_lines.txt", "_.txt", "-rf"}


def test_a_name_that_is_a_trap_does_no_harm(scripted: Scripted, tools: Page) -> None:
    scripted.says(*runs("import os; print(sorted(os.listdir()))"))
    attach(tools, file("<img src=x onerror=alert(1)>.csv", "a"), file("**bold** $x$.txt", "b"))
    send(tools, "look")
    wait_for_answer(tools)
    question = tools.get_by_test_id("stChatMessage").first
    expect(question).to_contain_text("<img src=x onerror=alert(1)>.csv 1 byte")
    expect(question).to_contain_text("**bold** $x$.txt 1 byte")
    expect(question.locator("strong, .katex, img")).to_have_count(0)


def test_charts_are_interactive_and_ask_nobody(scripted: Scripted, visit: Visit) -> None:
    scripted.says(*runs(CHARTS))
    visitor = visit(scripted.app, color_scheme="dark")
    page = visitor.open("tools")
    ask(page, "charts")
    call = calls(page).last
    plotly = call.get_by_test_id("stPlotlyChart")
    expect(plotly.locator(".bars .point")).to_have_count(2)
    expect(plotly).to_contain_text("北京")
    plotly.locator(".bars .point path").first.hover(force=True)
    vega = call.get_by_test_id("stVegaLiteChart")
    expect(vega).to_have_count(2)
    expect(vega.last.locator("canvas, svg").first).to_be_visible()
    shot(page, "charts-dark")
    told = scripted.bodies[1]["messages"][-1]["content"].splitlines()
    assert told == [
        '[chart 1: bar, "Plotly"]',
        '[chart 2: bar, "Nothing"]',
        '[chart 3: bar, "Altair"]',
    ]
    # Nothing was even asked for, whatever the page's policy says.
    assert not [url for url in visitor.asked if "203.0.113.9" in url]


def test_everything_fits_a_phone(scripted: Scripted, visit: Visit) -> None:
    wide = "import pandas as pd\npd.DataFrame({f'Spalte {i}': ['北京' * 9] * 3 for i in range(9)})"
    many = "for n in range(6): open(f'{n} ' + '很长的名字' * 8 + '.txt', 'w').write('x')"
    scripted.says(*runs(PLOT, wide, many))
    page = visit(scripted.app, viewport={"width": 390, "height": 844}).open("tools")
    attach(page, file("销售 2024.csv", TABLE))
    send(page, "Plot the sales, please.")
    wait_for_answer(page)
    expect(offered(page)).to_have_count(6)
    assert overflow(page) == 0
    shot(page, "files-phone-end")
    calls(page).first.get_by_test_id("stImage").scroll_into_view_if_needed()
    shot(page, "files-phone")


def test_nobody_gets_the_files_of_another(scripted: Scripted, visit: Visit) -> None:
    code = "open('mine.txt', 'w').write('mine')\nimport os; os.symlink('/etc/passwd', 'p.txt')"
    scripted.says(*runs(code))
    owner, stranger = visit(scripted.app), visit(scripted.app)
    page = owner.open("tools")
    ask(page, "write")
    expect(offered(page)).to_have_count(1)
    address = f"{scripted.app.url}/{offered(page).get_attribute('href')}"
    assert owner.context.request.get(address).body() == b"mine"
    stranger.open("tools")
    for context in (stranger.context, visit(scripted.app).context):
        reply = context.request.get(address)
        assert reply.status == 404 and b"mine" not in reply.body()
    for path in ("p.txt", "..%2Fmine.txt", "x/..%2Fmine.txt", "missing.txt", "%2E", "%00", "%FF"):
        reply = owner.context.request.get(address.replace("mine.txt", path))
        assert "content-disposition" not in reply.headers, path
        assert not {b"root:", b"mine"} & {reply.body()[:5], reply.body()}
    headers = owner.context.request.get(address).headers
    assert headers["content-disposition"].startswith("attachment")
    assert headers["content-security-policy"] == "sandbox"
    # A file that code has put something else in the place of is no longer there.
    scripted.says(*runs("import os; os.remove('mine.txt'); os.symlink('/etc/passwd', 'mine.txt')"))
    ask(page, "swap")
    assert owner.context.request.get(address).status == 404
    expect(calls(page).first).to_contain_text("mine.txt is no longer there.")
    button(page, "New conversation").click()
    expect(calls(page)).to_have_count(0)
    assert owner.context.request.get(address).status == 404


def test_a_file_of_a_refused_message_goes_with_the_next(scripted: Scripted, visit: Visit) -> None:
    visitor = visit(scripted.app)
    first, second = visitor.open("tools"), visitor.open("tools")
    keep_unaware(second)
    send(first, f"run {HOLD.format('busy')}")
    expect(calls(first).last.get_by_text("running")).to_be_visible()
    attach(second, file("kept.txt", "kept"))
    box(second).fill("What is in it?")
    box(second).press("Enter")
    expect(second.get_by_text("With the next message: ")).to_contain_text("kept.txt 4 bytes")
    shot(second, "files-waiting")
    release(scripted.app, "busy")
    wait_for_answer(second)
    scripted.says(*runs("print(open('kept.txt').read())"))
    expect(box(second)).to_have_value("What is in it?")
    box(second).press("Enter")
    expect(answer(second)).to_contain_text("Done.")
    told = [body["messages"][-1]["content"] for body in scripted.bodies]
    assert told == [
        "[file kept.txt, 4 bytes, in the working directory]\nWhat is in it?",
        "kept",
    ]
    expect(second.get_by_text("With the next message: ")).to_have_count(0)


def test_a_file_that_is_too_large_is_refused_in_a_sentence(visit: Visit) -> None:
    with ScriptedServer(runs("1")) as server:
        environment = {"GLM_MODEL": f"{server.url}#scripted", "GLM_UPLOAD_MB": "1"}
        with start_app(environment) as app:
            page = visit(app).open("tools")
            files = page.get_by_test_id("stChatInput").locator("input[type=file]")
            files.set_input_files([file("large.bin", b"x" * 1_200_000)])
            expect(page.get_by_text("1.0MB")).to_be_visible()
            shot(page, "files-too-large")
            page.close()
