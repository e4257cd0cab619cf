"""Chat on the bundled model: answers stream, stop, are asked for again, and outlive their page."""

from __future__ import annotations

import re

import psutil
import pytest
from playwright.sync_api import expect

from tests.bench.draws import draws, watch_draws
from tests.e2e.conftest import Visit
from tests.e2e.visitor import (
    STOPPED,
    answer,
    box,
    button,
    letters,
    said,
    shot,
    stop,
    wait_for_text,
)
from tests.support.running_app import RunningApp, send, wait_for_answer

pytestmark = pytest.mark.e2e

STORY = "Tell me a long story about a lighthouse keeper and the sea."
FIGURES = re.compile(r"[\d,]+ tokens · [\d.]+ tokens/s · first token after [\d.]+ s")


def test_an_answer_streams_and_a_second_turn_follows(bundled: RunningApp, visit: Visit) -> None:
    page = visit(bundled).open()
    expect(page.get_by_text("Ready")).to_be_visible()
    shot(page, "chat-empty")
    watch_draws(page)
    button(page, "Explain what a black hole is in two sentences.").click()
    wait_for_answer(page)
    seen = [draw.length for draw in draws(page)]
    assert len(seen) >= 5 and seen == sorted(seen)
    assert said(page).strip()
    expect(answer(page).get_by_text(FIGURES)).to_be_visible()
    send(page, "What is the capital of France?")
    wait_for_answer(page)
    assert said(page).strip()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(4)
    shot(page, "chat-two-turns")


def test_stop_keeps_what_was_said_and_retry_says_it_whole(
    bundled: RunningApp, visit: Visit
) -> None:
    page = visit(bundled).open()
    send(page, STORY)
    for how in ("button", "escape"):
        before = wait_for_text(page, 60)
        if how == "button":
            stop(page).click()
        else:
            page.keyboard.press("Escape")
        expect(answer(page).get_by_text(STOPPED)).to_be_visible()
        expect(stop(page)).to_have_count(0)
        assert letters(said(page)).startswith(letters(before)[:-10])
        expect(box(page)).to_be_enabled()
        shot(page, f"chat-stopped-by-{how}")
        button(page, "Retry").click()
        expect(page.get_by_text(STOPPED)).to_have_count(0)
    wait_for_answer(page)
    expect(page.get_by_text(STOPPED)).to_have_count(0)
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    assert len(said(page)) > len(before)


def test_a_reload_in_mid_turn_loses_nothing(bundled: RunningApp, visit: Visit) -> None:
    page = visit(bundled).open()
    send(page, STORY)
    before = wait_for_text(page, 60)
    page.reload()
    again = wait_for_text(page, len(before))
    assert letters(again).startswith(letters(before)[:-10])
    expect(page.get_by_test_id("stChatMessage").first).to_contain_text(STORY)
    shot(page, "chat-reloaded")
    wait_for_answer(page)
    assert letters(said(page)).startswith(letters(again)[:-10])
    assert len(said(page)) > len(before)
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)


def test_a_turn_ends_without_its_page(bundled: RunningApp, visit: Visit) -> None:
    visitor = visit(bundled)
    page = visitor.open()
    send(page, STORY)
    before = wait_for_text(page, 60)
    page.close()
    # The model is done when the server comes to rest.
    server = psutil.Process(bundled.pid)
    while server.cpu_percent(0.5) > 20:
        pass
    page = visitor.open()
    wait_for_answer(page)
    assert letters(said(page)).startswith(letters(before)[:-10])
    assert len(said(page)) > len(before)
    expect(answer(page).get_by_text(FIGURES)).to_be_visible()
