"""Tokens a second, time to first token and peak memory by length of context, beside `generate`.

On a GPU with GLM-4-9B's real configuration and random weights in bfloat16, through
`backends.transformers` as it is and with compiled steps (`GLM_COMPILE=on`), and through plain
`generate` with a streamer, in one run; then a follow-up on the longest context, and the longest
prefill that the card holds, up to a million tokens. The limit is the card's bandwidth: each token
reads all weights and all of the cache. Without a GPU the same is done with a small model and short
contexts, which says that it runs and what compiling gives on this CPU, and nothing of a GPU.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from backends.base import GenerationConfig
from backends.errors import BackendError
from backends.events import Notice
from backends.messages import Message, Text, user
from backends.transformers.backend import Transformers
from backends.transformers.config import WeightsConfig
from backends.transformers.generation import Sampler
from backends.transformers.loading import Weights
from tests.bench.figures import Figure, at_least, at_most
from tests.support.tiny_models import glm_tokenizer

CONTEXTS = (1_000, 8_000, 32_000, 100_000)
PREFILLS = (1_000_000, 500_000, 250_000)
SMALL_CONTEXTS = (200, 1_000)
SMALL_WINDOW = 2_000
MISSING = (
    "a small model in its place. Missing: speed, first token and memory of GLM-4-9B at 1,000 to "
    "100,000 tokens, captured graphs, the longest prefill; nothing is aimed at"
)
RUNS = 3
WRITTEN = 64  # tokens of an answer
FOLLOW_UP = 0.3  # seconds, over the longest context
FASTER = 2.5  # times plain `generate`, at the shortest
OF_THE_LIMIT = 0.6
# Bytes a second that cards read, as their makers say, by a word of their name.
BANDWIDTH = {"H100": 3.35e12, "H200": 4.8e12, "A100": 2.04e12, "L40S": 8.6e11, "4090": 1.0e12}


def measure() -> list[Figure]:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as `load` does, before torch is loaded
    import torch

    gpu = torch.cuda.is_available()
    weights = _weights(gpu)
    # Kept conversations may take what a million tokens would.
    model = Transformers(weights, WeightsConfig())
    _ours(model, "x" * 100)  # kernels are chosen
    began = time.monotonic()
    compiled = Transformers(weights, WeightsConfig(compile=True))
    contexts = CONTEXTS if gpu else SMALL_CONTEXTS
    figures = [] if gpu else [Figure("no GPU here", MISSING)]
    figures.append(Figure("compiling", _compiled_in(compiled, time.monotonic() - began)))
    for tokens in contexts:
        figures += _compared(model, compiled, weights, tokens, gpu)
    compiled.close()
    wait = _follow_up(model, "y" * contexts[-1])
    name = f"follow-up on {contexts[-1]:,} tokens"
    figures.append(at_most(name, wait, FOLLOW_UP, "s") if gpu else Figure(name, f"{wait:.2f} s"))
    if gpu:
        model.forget()
        figures.append(_longest(model))
    model.close()
    return figures


def _weights(gpu: bool) -> Weights:
    import torch
    from transformers import GlmConfig, GlmForCausalLM

    device, kept = ("cuda" if gpu else "cpu"), torch.get_default_dtype()
    longest = PREFILLS[0] + 1_000
    config = GlmConfig(max_position_embeddings=longest)
    if not gpu:
        longest = SMALL_WINDOW
        config = GlmConfig(
            max_position_embeddings=longest, hidden_size=256, intermediate_size=1024,
            num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=2, head_dim=32,
            vocab_size=1_000, pad_token_id=0,
        )  # fmt: skip
    torch.set_default_dtype(torch.bfloat16 if gpu else torch.float32)
    try:
        with torch.device(device):
            model: Any = GlmForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(kept)
    model.generation_config.eos_token_id = None
    return Weights(
        "GLM-4-9B" if gpu else "a small GLM", model, glm_tokenizer(), longest, frozenset()
    )


def _compiled_in(model: Transformers, seconds: float) -> str:
    steps = model._compiled
    if steps is None or not steps.longest:
        return "not possible here; the log says why"
    return f"{seconds:.0f} s, up to {steps.longest:,} tokens"


def _compared(
    model: Transformers, compiled: Transformers, weights: Weights, tokens: int, gpu: bool
) -> list[Figure]:
    """The three ways at one length of context, each run in turn."""
    text = "x" * tokens
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        f"{tokens:,} tokens of context": lambda: _ours(model, text),
        "  with compiled steps": lambda: _ours(compiled, text),
        "  plain generate": lambda: _plain(weights, tokens),
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    peaks: dict[str, str] = {}
    for _ in range(RUNS):
        for name, way in ways.items():
            model.forget()
            compiled.forget()
            _reset_peak()
            runs[name].append(way())
            peaks[name] = _peak()
    figures, speeds = [], []
    for name, measured in runs.items():
        first, speed = (statistics.median(each) for each in zip(*measured, strict=True))
        speeds.append(speed)
        shown = f"{speed:.1f} tokens/s, first after {first:.2f} s{peaks[name]}"
        figures.append(Figure(name, shown))
    as_it_is, with_compiled, plain = speeds
    if not gpu:
        figures.append(Figure("  compiled over not compiled", f"{with_compiled / as_it_is:.2f}"))
    elif tokens == CONTEXTS[0]:
        best = max(as_it_is, with_compiled)
        figures.append(at_least("  the better, times plain generate", best / plain, FASTER, ""))
        if limit := _limit(weights):
            share = best / limit
            figures.append(at_least("  share of the bandwidth's limit", share, OF_THE_LIMIT, ""))
    return figures


def _ours(model: Transformers, text: str) -> tuple[float, float]:
    """Seconds to the first token, and tokens a second after it."""
    config = GenerationConfig(temperature=0.0, max_tokens=WRITTEN)
    times: list[float] = []
    choose = Sampler.choose

    def timed(sampler: Sampler, logits: Any) -> int:
        token = choose(sampler, logits)
        times.append(time.monotonic())
        return token

    began = time.monotonic()
    # Not every token becomes an event: random ones are no text.
    with patch.object(Sampler, "choose", timed):
        for _ in model.generate([user(text)], (), config, threading.Event()):
            pass
    return _speed(began, times)


def _plain(weights: Weights, tokens: int) -> tuple[float, float]:
    """The same of plain `generate` with a streamer."""
    import torch
    from transformers.generation.streamers import BaseStreamer

    class Times(BaseStreamer):
        def __init__(self) -> None:
            self.times: list[float] = []

        def put(self, value: Any) -> None:
            value.cpu()
            self.times.append(time.monotonic())

        def end(self) -> None:
            pass

    streamer = Times()
    ids = torch.full((1, tokens), 5, device=weights.device)
    began = time.monotonic()
    weights.model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=WRITTEN, do_sample=False,
        streamer=streamer, pad_token_id=0,
    )  # fmt: skip
    return _speed(began, streamer.times[1:])  # the first is the prompt


def _speed(began: float, times: list[float]) -> tuple[float, float]:
    writing = times[-1] - times[0]
    return times[0] - began, (len(times) - 1) / writing


def _follow_up(model: Transformers, text: str) -> float:
    """Seconds to the first token of a second turn."""
    model.forget()
    conversation = [user(text)]
    _ours(model, text)
    conversation += [Message("assistant", (Text("So it is."),)), user("And what else?")]
    began = time.monotonic()
    config = GenerationConfig(temperature=0.0, max_tokens=1)
    for _ in model.generate(conversation, (), config, threading.Event()):
        pass
    return time.monotonic() - began


def _longest(model: Transformers) -> Figure:
    """The longest prefill in chunks that fits."""
    for tokens in PREFILLS:
        began = time.monotonic()
        _reset_peak()
        told = ""
        try:
            for event in model.generate(
                [user("z" * tokens)], (), GenerationConfig(max_tokens=1), threading.Event()
            ):
                told = event.text if isinstance(event, Notice) and event.text else told
        except BackendError as error:
            told = str(error)
            model.forget()
            continue
        seconds = time.monotonic() - began
        return Figure("longest prefill", f"{tokens:,} tokens in {seconds:.0f} s{_peak()}")
    return Figure("longest prefill", told)


def _limit(weights: Weights) -> float | None:
    """Tokens a second at which the card would only read the weights."""
    import torch

    name = torch.cuda.get_device_name()
    speeds: Iterator[float] = (speed for word, speed in BANDWIDTH.items() if word in name)
    speed = next(speeds, None)
    size = weights.model.num_parameters() * weights.model.dtype.itemsize
    return speed / size if speed else None


def _reset_peak() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak() -> str:
    import torch

    if not torch.cuda.is_available():
        return ""
    return f", {torch.cuda.max_memory_allocated() / 1e9:.1f} GB"
