"""What was chosen becomes the turn's settings, whatever the history or a file says of it."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.presets.generation import chosen, generation
from backends.base import SAMPLING, Capabilities, GenerationConfig

BASE = GenerationConfig(temperature=0.7, max_tokens=1024)
ALL: dict[str, Any] = {
    "temperature": 0.1, "top_p": 0.5, "max_tokens": 5000, "top_k": 20, "min_p": 0.1,
    "repetition_penalty": 1.2, "seed": 7, "thinking": "off", "effort": "high",
}  # fmt: skip


def test_a_model_gets_what_it_can_and_no_more_than_its_window() -> None:
    able = Capabilities(context=4096, options=SAMPLING | {"thinking"})
    config = generation(BASE, ALL, able)
    assert config == GenerationConfig(**(ALL | {"max_tokens": 4096, "effort": ""}))
    plain = generation(BASE, ALL, Capabilities())
    assert plain == GenerationConfig(temperature=0.1, top_p=0.5, max_tokens=5000)
    assert generation(BASE, ALL, None) == GenerationConfig(**ALL)
    assert generation(BASE, {}, able) == BASE


@pytest.mark.parametrize(
    "bad",
    [
        {"temperature": "hot"}, {"temperature": 9}, {"temperature": True}, {"top_p": None},
        {"max_tokens": 2.5}, {"max_tokens": 0}, {"seed": -1}, {"seed": 2**40}, {"top_k": [1]},
        {"thinking": "maybe"}, {"thinking": ["on"]}, {"effort": {}}, {"owner": "ann"},
        {"tool_choice": "python"}, {"min_p": float("nan")},
    ],
)  # fmt: skip
def test_what_is_no_setting_is_left_out(bad: dict[str, Any]) -> None:
    assert chosen(bad) == {} and generation(BASE, bad, None) == BASE
