"""The head of a browser call's card."""

from __future__ import annotations

import json

from app.core.rendering.browser_steps import read_step
from tools.browser.search.chain import FROM_HANDBOOK, NO_NETWORK
from tools.browser.step_file import search_step


def head(*notes: str) -> str:
    step = read_step(json.dumps(search_step("otters", (), notes)).encode())
    assert step is not None
    return step.sentence


def test_a_search_without_a_network_says_so_in_its_head():
    for note in (NO_NETWORK, FROM_HANDBOOK):
        assert head(note) == "Could not search “otters” · no network"
    assert head() == "Searched “otters” · 0 results"
