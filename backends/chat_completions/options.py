"""Fields of a request that not every server knows: sampling beyond OpenAI's, and thinking.

A field is sent only where its value is not the default. A server that rejects one is asked again
without it (`request.refused_options`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from backends.base import SAMPLING, GenerationConfig, Option

OPTIONAL: Final = (
    "top_k", "min_p", "repetition_penalty", "repeat_penalty", "chat_template_kwargs", "thinking",
    "reasoning_effort",
)  # fmt: skip
"""All fields that this module makes."""

NO_SWITCHES: Final[Mapping[str, Any]] = MappingProxyType({})
"""Variables of a chat template that leave it as it is."""

THINKING_HOSTS: Final = ("bigmodel.cn", "z.ai")
"""Domains of the API of GLM's makers, where `thinking` is a field of its own."""

_FIELDS: Final[dict[Option, tuple[str, ...]]] = {
    "top_k": ("top_k",),
    "min_p": ("min_p",),
    "repetition_penalty": ("repetition_penalty", "repeat_penalty"),
    "seed": ("seed",),
    "thinking": ("chat_template_kwargs", "thinking"),
    "effort": ("reasoning_effort",),
}


def sampling_fields(config: GenerationConfig) -> dict[str, Any]:
    """`top_k` and `min_p`, and the repetition penalty by the names of vLLM and of llama.cpp."""
    fields: dict[str, Any] = {}
    if config.top_k is not None:
        fields["top_k"] = config.top_k
    if config.min_p is not None:
        fields["min_p"] = config.min_p
    if config.repetition_penalty != 1.0:
        fields["repetition_penalty"] = fields["repeat_penalty"] = config.repetition_penalty
    return fields


def thinking_fields(config: GenerationConfig, host: str) -> dict[str, Any]:
    """The switch of thinking, and its effort.

    vLLM, SGLang and llama-server hand `chat_template_kwargs` to the template; the API of GLM's
    makers has `thinking`. `host` is the server's name, with or without a port.
    """
    fields: dict[str, Any] = {}
    if config.thinking != "auto":
        name = host.partition(":")[0].lower()
        if any(name == domain or name.endswith(f".{domain}") for domain in THINKING_HOSTS):
            fields["thinking"] = {"type": "enabled" if config.thinking == "on" else "disabled"}
        else:
            fields["chat_template_kwargs"] = template_switch(config)
    if config.effort:
        fields["reasoning_effort"] = config.effort
    return fields


def template_switch(config: GenerationConfig) -> dict[str, Any]:
    """The variable with which chat templates of Qwen3, GLM-4.5 and others switch thinking."""
    return {} if config.thinking == "auto" else {"enable_thinking": config.thinking == "on"}


def options_of(refused: frozenset[str], raw: bool) -> frozenset[Option]:
    """The options of a server that has rejected some fields. Of the repetition penalty's names it
    may know either; of the switches of thinking it was sent the one that it could know. With `raw`,
    it adds nothing but role tokens to the messages, and has no template with switches."""
    every = (each for each in _FIELDS if not raw or each in SAMPLING)
    return frozenset(option for option in every if not _is_refused(option, refused))


def _is_refused(option: Option, refused: frozenset[str]) -> bool:
    matched = refused.intersection(_FIELDS[option])
    return bool(matched) if option == "thinking" else len(matched) == len(_FIELDS[option])
