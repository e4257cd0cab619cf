"""Options of a GGUF model: sampling, and the switch of thinking in its template."""

from __future__ import annotations

from backends.base import SAMPLING
from backends.messages import user
from tests.support.llama_asking import ask, load, text

SWITCHED = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)


def test_options_reach_the_model() -> None:
    model = load(template=SWITCHED)
    try:
        assert model.capabilities.options == SAMPLING | {"thinking"}
        greedy = text(ask(model))
        hot = {"temperature": 1.5, "max_tokens": 12}
        assert {text(ask(model, **hot, seed=seed, top_k=1)) for seed in (1, 2)} == {greedy}
        off, on = (
            model._text(model._pieces([user("Hi")], (), {"enable_thinking": switch}))
            for switch in (False, True)
        )
        assert off == on + "<think>\n\n</think>\n\n"
        assert text(ask(model, thinking="off"))
    finally:
        model.close()
