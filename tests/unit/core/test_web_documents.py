"""Documents at an address, read by the browser as the documents of a conversation are."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from docx import Document

from app.core.settings import Settings
from app.core.toolset import web_documents
from app.core.toolset.browser import BrowserFactory
from tests.support.loopback_web import Answer, Site
from tests.support.made_pdfs import text_pdf
from tools.browser.base import Page, ReadFailed
from tools.browser.network.address_guard import AddressGuard
from tools.browser.reading.reader import Web

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def test_a_pdf_a_word_file_and_what_is_none_at_an_address(tmp_path: Path) -> None:
    text_pdf(tmp_path / "report.pdf", [["Otters hold hands."], ["Second page."]])
    word = Document()
    word.add_table(1, 2).cell(0, 1).text = "in a cell"
    word.save(str(tmp_path / "letter.docx"))
    with Site() as site:
        for name, media_type in (("report.pdf", "application/pdf"), ("letter.docx", WORD)):
            site.pages[f"/{name}"] = Answer((tmp_path / name).read_bytes(), type=media_type)
        site.pages["/broken"] = Answer(b"%PDF-1.7\n\0\1", type="application/pdf")
        web = Web(AddressGuard((site.address,)), None, web_documents.lines)
        try:
            reader = web.reader()
            urls = [f"{site.url}/{path}" for path in ("report.pdf", "letter.docx", "broken")]
            report, letter, broken = reader.read(urls, threading.Event())
        finally:
            web.close()
    assert isinstance(report, Page) and isinstance(letter, Page)
    assert list(report.lines) == ["[page 1]", "Otters hold hands.", "[page 2]", "Second page."]
    assert "in a cell" in "\n".join(letter.lines)
    assert isinstance(broken, ReadFailed)
    assert str(broken) == "the file is damaged or cut short: no page can be found in it"


def test_what_could_not_be_read_of_it_is_said(tmp_path: Path) -> None:
    data = text_pdf(tmp_path / "a.pdf", [["One"]]).read_bytes().replace(b"%%EOF", b"")
    remark, text = web_documents.lines(data, "application/pdf")
    assert remark.startswith("[The file seems to be cut short") and text == "One"
    with pytest.raises(ValueError, match="no text was found"):
        web_documents.lines(text_pdf(tmp_path / "b.pdf", [[]]).read_bytes(), "application/pdf")


def test_the_app_s_browser_reads_documents(tmp_path: Path) -> None:
    browsing = BrowserFactory(Settings(), tmp_path)
    try:
        browsing._reader()
        assert browsing._web is not None and browsing._web.documents is web_documents.lines
    finally:
        browsing.close()
