"""The handbook: its order, its links, and that what it names is there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.core.handbook import HANDBOOK, ORDER, HandbookPage, pages, with_links
from app.core.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def test_every_page_has_its_place_and_a_title() -> None:
    files = {path.stem for path in HANDBOOK.glob("*.md")}
    assert [page.name for page in pages()] == [name for name in ORDER if name in files]
    assert {page.name for page in pages()} == files
    for page in pages():
        assert page.text.startswith(f"# {page.title}\n")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_its_links_lead_to_its_pages_and_nothing_else(page: HandbookPage) -> None:
    found: list[str] = []
    text = with_links(page.text, lambda words, name: found.append(name) or words)
    assert set(found) <= set(ORDER) - {page.name}
    assert not re.search(r"\]\(", re.sub(r"`[^`]*`", "", text))


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_page_has_html(page: HandbookPage) -> None:
    """The page that draws them adds HTML of its own, so theirs would be read as such."""
    prose = re.sub(r"^ {4}.*$|`[^`]*`", "", page.text, flags=re.MULTILINE)
    assert not re.search(r"<[a-zA-Z/!]", prose)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_settings_that_it_names_exist(page: HandbookPage) -> None:
    known = {item.metadata["env"] for item in fields(Settings)} | {"GLM_SETTINGS"}
    assert set(re.findall(r"\bGLM_[A-Z_]*[A-Z]\b", page.text)) <= known


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_commands_and_files_that_it_names_exist(page: HandbookPage) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"(?:`|^    |\bGLM_\S+ )make ([a-z][\w-]*)", page.text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"`((?:app|assets|backends|finetune|tests|tools)/[\w./*]+)`", page.text):
        assert list(ROOT.glob(path.rstrip("/"))), path


def test_code_keeps_what_looks_like_a_link() -> None:
    text = "[a](b.md) `[a](b.md)` ``x ` [a](b.md)`` [c](d-e.md#f)\n    [a](b.md)\n[x](https://b.md)"
    assert with_links(text, lambda words, name: f"<{words}:{name}>") == (
        "<a:b> `[a](b.md)` ``x ` [a](b.md)`` <c:d-e>\n    [a](b.md)\n[x](https://b.md)"
    )
