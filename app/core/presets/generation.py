"""A conversation's generation settings: what was chosen on the page, as a `GenerationConfig`.

The choices come from the page, the history or an imported file, so that each one is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from backends.base import Capabilities, Effort, GenerationConfig, Option, Thinking

MAX_ANSWER_TOKENS = 1_000_000
"""The longest answer that may be asked for where the window is unknown."""
MAX_SEED = 2**31 - 1
"""The largest seed that all engines take: some have signed numbers of 32 bits."""

RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0),
    "top_p": (0.05, 1.0),
    "max_tokens": (1, MAX_ANSWER_TOKENS),
    "top_k": (0, 1000),
    "min_p": (0.0, 1.0),
    "repetition_penalty": (0.5, 2.0),
    "seed": (0, MAX_SEED),
}
"""The least and the most of each number. Whole where both are."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "thinking": get_args(Thinking),
    "effort": get_args(Effort),
}
NAMES = (*RANGES, *WORDS)
"""All settings, as they are named in `GenerationConfig`."""
OPTIONS: frozenset[str] = frozenset(get_args(Option))


def is_valid(name: str, value: Any) -> bool:
    """Whether `value` is one for the setting `name`; False for an unknown name."""
    if name in WORDS:
        return value in WORDS[name] if isinstance(value, str) else False
    if name not in RANGES or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    least, most = RANGES[name]
    whole = isinstance(least, int)
    return least <= value <= most and (not whole or isinstance(value, int))


def chosen(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the choices that are valid generation settings."""
    return {name: choices[name] for name in NAMES if is_valid(name, choices.get(name))}


def generation(
    base: GenerationConfig, choices: Mapping[str, Any], able: Capabilities | None
) -> GenerationConfig:
    """`base` with what was chosen, as far as the model can: an option that it has not is left out,
    and an answer is no longer than its window. `able` is None while the model is unknown."""
    values = chosen(choices)
    if able is not None:
        for name in OPTIONS - able.options:
            values.pop(name, None)
        if able.context and values.get("max_tokens", 0) > able.context:
            values["max_tokens"] = able.context
    return replace(base, **values)
