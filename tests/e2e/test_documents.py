"""Documents as a visitor uses them: given, asked about, cited, removed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import Scripted, answer, box, button, overflow, said, shot
from tests.support.office_files import make_docx, make_pdf, make_pptx, make_xlsx
from tests.support.running_app import RunningApp, send, wait_for_answer
from tests.support.scripted_steps import Answer, Text

pytestmark = pytest.mark.e2e

FIGURE, NOTE, DATE = "57 million", "Late rent costs five euros a day", "14 March 2025"


def give(page: Page, *files: Path) -> None:
    page.locator('[data-testid="stChatInput"] input[type="file"]').set_input_files(list(files))
    for file in files:
        expect(page.get_by_test_id("stChatInput")).to_contain_text(file.name)
    submit = page.get_by_test_id("stChatInputSubmitButton")
    expect(submit).to_be_enabled()
    submit.click()


def chip(page: Page, name: str) -> Any:
    chips = page.locator(".st-key-document-chips").get_by_role("button")
    return chips.filter(has_text=name)


def quoting(body: dict[str, Any]) -> Answer:
    """A model that cites what it was asked for, with the number of the page where it stands, and
    makes one citation up."""
    prompt = body["messages"][0]["content"]
    pages = re.split(r"^\[(\d+)\] ", prompt, flags=re.M)
    numbered = list(zip(pages[1::2], pages[2::2], strict=True))
    asked = body["messages"][-1]["content"].splitlines()[-1]
    where = next((number for number, text in numbered if asked in text), None)
    if where is None:
        return Text("It does not stand there.")
    return Text(f"It is so【{where}†{asked}】, and more【{where}†nobody wrote this】.")


def test_documents_are_read_asked_about_and_cited(
    scripted: Scripted, visit: Visit, tmp_path: Path
) -> None:
    scripted.says(quoting)
    page = visit(scripted.app).open("documents")
    box(page).wait_for()
    give(
        page,
        make_pdf(tmp_path / "report.pdf", scanned=f"The bridge was inspected on {DATE}."),
        make_docx(tmp_path / "contract.docx", NOTE),
        make_pptx(tmp_path / "slides.pptx", "Outlook", "We hire thirty engineers."),
        make_xlsx(tmp_path / "costs.xlsx", ("item", "price"), ("steel", 812)),
    )
    expect(page.get_by_role("progressbar").first).to_be_visible()
    # Nothing is lost of a question that comes too early.
    send(page, FIGURE)
    expect(answer(page)).to_contain_text("Reading")
    wait_for_answer(page)
    assert len(scripted.bodies) == 1
    for name, pages in (
        ("report.pdf", "3 pages"),
        ("contract.docx", "page"),
        ("slides.pptx", "1 slide"),
        ("costs.xlsx", "1 page"),
    ):
        expect(chip(page, name)).to_contain_text(pages)
    prompt = scripted.bodies[0]["messages"][0]["content"]
    for words in (NOTE, DATE, "1,250 euros", "thirty engineers", "812"):
        assert words in prompt
    expect(answer(page)).to_contain_text("report.pdf, all 3 pages")
    expect(answer(page)).to_contain_text("not found in the page")

    answer(page).locator('a[href^="#cited-"]').first.click()
    mark = answer(page).locator(".kept mark")
    expect(mark).to_have_text(FIGURE)
    expect(mark).to_be_in_viewport()
    expect(answer(page).locator(".kept")).to_contain_text("41 million")
    looks = answer(page).get_by_role("img", name="report.pdf, page 2 as it looks")
    expect(looks).to_be_in_viewport()
    page.wait_for_function("picture => picture.naturalWidth > 0", arg=looks.element_handle())
    address = f"{scripted.app.url}/{looks.get_attribute('src')}"
    assert page.context.request.get(address).headers["content-type"] == "image/png"
    stranger = visit(scripted.app)
    stranger.open("documents")
    assert stranger.context.request.get(address).status == 404
    shot(page, "documents-cited")

    send(page, DATE)
    wait_for_answer(page)
    expect(answer(page)).to_contain_text("text recognised in a picture")
    first, second = (body["messages"] for body in scripted.bodies)
    assert second[0] == first[0]  # what the model has read is not read again
    assert [message["content"] for message in second[1:]][::2] == [FIGURE, DATE]

    chip(page, "report.pdf").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Annual report")
    button(page, "Next").click()
    expect(dialog).to_contain_text(FIGURE)
    picture = dialog.get_by_role("img", name="Page 2 as it looks")
    expect(picture).to_be_visible()
    shot(page, "documents-page")
    dialog.get_by_role("button", name="Remove").click()
    expect(chip(page, "report.pdf")).to_have_count(0)
    expect(chip(page, "contract.docx")).to_be_visible()
    expect(page.locator(".kept mark").first).to_have_text(FIGURE)  # the transcript stays
    send(page, FIGURE)
    wait_for_answer(page)
    assert said(page).strip() == "It does not stand there."
    assert overflow(page) <= 0
    shot(page, "documents")


def test_the_bundled_model_answers_from_passages(
    bundled: RunningApp, visit: Visit, tmp_path: Path
) -> None:
    filler = "The river runs past the old mill and the trees along its bank are green. " * 9
    parts = [f"## Room {number}\n\n{filler}\n" for number in range(100)]
    parts[60] += "The door code of the storage room is 4711.\n"
    manual = tmp_path / "manual.md"
    manual.write_text("\n".join(parts), "utf-8")
    page = visit(bundled).open("documents")
    box(page).wait_for()
    give(page, manual)
    expect(chip(page, "manual.md")).to_contain_text("tokens")
    expect(page.locator(".room")).to_contain_text("too long for the window of 8,192")
    send(page, "What is the door code of the storage room?")
    wait_for_answer(page)
    expect(answer(page)).to_contain_text("Passages read: manual.md")
    assert "4711" in said(page)
    shot(page, "documents-bundled")
