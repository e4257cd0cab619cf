"""Options of weights in process: sampling, the switch of thinking, and the stretched window."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from backends.base import SAMPLING, GenerationConfig
from backends.errors import ModelUnavailable
from backends.events import TextDelta
from backends.messages import user
from backends.transformers.backend import Transformers
from backends.transformers.config import WeightsConfig
from backends.transformers.loading import load
from tests.support.tiny_models import GLM_TOKENS, WINDOW, glm_tokenizer, save_glm, save_glm4v

SWITCHED = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)


def said(model: Transformers, **config: Any) -> str:
    settings = GenerationConfig(**({"temperature": 1.5, "max_tokens": 12} | config))
    events = model.generate([user("The sea")], (), settings, threading.Event())
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_top_k_and_min_p_narrow_the_choice(tmp_path: Path) -> None:
    weights = load(str(save_glm(tmp_path / "glm")), WeightsConfig())
    model = Transformers(weights)
    greedy = said(model, temperature=0.0)
    assert len({said(model, seed=seed) for seed in range(4)}) > 1
    assert {said(model, seed=seed, top_k=1) for seed in range(4)} == {greedy}
    assert {said(model, seed=seed, min_p=1.0) for seed in range(4)} == {greedy}
    assert model.capabilities.options == SAMPLING


def test_thinking_is_switched_by_the_template(tmp_path: Path) -> None:
    tokens = ("<|im_end|>", "<|im_start|>", *GLM_TOKENS, "<think>", "</think>")
    tokenizer = glm_tokenizer(SWITCHED, tokens)
    model = Transformers(load(str(save_glm(tmp_path / "m", tokenizer=tokenizer)), WeightsConfig()))
    assert "thinking" in model.capabilities.options
    ends = {}
    for switch in (False, True):
        prompt = model._prompt([user("Hi")], (), switches={"enable_thinking": switch})
        ends[switch] = tokenizer.decode(list(prompt.ids)).endswith("</think>\n\n")
    assert ends == {False: True, True: False}
    assert said(model, thinking="off") is not None


def test_yarn_stretches_the_window_and_the_model_answers(tmp_path: Path) -> None:
    folder = str(save_glm(tmp_path / "glm4", "glm4"))
    plain, stretched = (load(folder, WeightsConfig(yarn=factor)) for factor in (1.0, 4.0))
    assert (plain.window, stretched.window) == (WINDOW, 4 * WINDOW)
    scaling = stretched.model.config.rope_parameters
    assert scaling["rope_type"] == "yarn" and scaling["factor"] == 4.0
    assert scaling["original_max_position_embeddings"] == WINDOW
    assert (
        scaling["partial_rotary_factor"]
        == plain.model.config.rope_parameters["partial_rotary_factor"]
    )
    assert said(Transformers(stretched), temperature=0.0)


def test_a_window_that_cannot_be_stretched_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="can't be stretched"):
        load(str(save_glm4v(tmp_path / "sees")), WeightsConfig(yarn=4.0))
