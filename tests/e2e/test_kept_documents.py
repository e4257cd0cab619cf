"""Documents of a conversation after the server was killed and started again."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_documents import FIGURE, chip, give, quoting
from tests.e2e.visitor import KEY, answer, box, shot
from tests.support.office_files import make_docx, make_pdf
from tests.support.running_app import AT_REST, send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer

pytestmark = pytest.mark.e2e


def test_documents_and_citations_are_there_after_a_kill(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context()
    with ScriptedServer(quoting) as server:
        environment = {
            "GLM_MODEL": f"{server.url}#scripted",
            "GLM_API_KEY": KEY,
            "GLM_DATA": str(tmp_path / "data"),
        }
        with start_app(environment) as app:
            page = context.new_page()
            page.goto(f"{app.url}/documents")
            box(page).wait_for()
            give(
                page,
                make_docx(tmp_path / "contract.docx", "Rent is due in May."),
                make_pdf(tmp_path / "report.pdf"),
            )
            send(page, FIGURE)
            wait_for_answer(page)
            cited = answer(page).locator('a[href^="#cited-"]').first
            expect(cited).to_be_visible()
            address = page.url
            assert "?c=" in address
            os.kill(app.pid, signal.SIGKILL)
        with start_app(environment, port=urlsplit(app.url).port or 0) as app:
            page.goto(address)
            expect(chip(page, "report.pdf")).to_contain_text("pages")
            page.locator(AT_REST).wait_for()
            answer(page).locator('a[href^="#cited-"]').first.click()
            expect(answer(page).locator(".kept mark")).to_have_text(FIGURE)
            expect(answer(page)).to_contain_text("not found in the page")
            shot(page, "documents-kept")
            send(page, FIGURE)
            wait_for_answer(page)
            expect(answer(page).locator(".kept mark")).to_have_text(FIGURE)
            first, second = (request.body["messages"] for request in server.requests)
            assert second[0] == first[0]  # pages have the numbers that they had
            shot(page, "documents-kept-again")
    context.close()
