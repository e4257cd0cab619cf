"""Decoding in compiled steps of fixed shapes, over cached prefixes (`GLM_COMPILE`).

While a conversation is answered, its states lie in a static cache (`DecodingCache`) of one of a
few lengths. The step of one token over such a cache is compiled once for each length, while the
model loads; on CUDA its kernels are captured as one graph and replayed, which saves the launch of
each kernel. When the answer ends, the states move back into memory of the conversation's own:
there are few static caches, since a graph is bound to the addresses that it was captured with.

The uncompiled path serves what can't be compiled, and the log has the reason: attention other
than sdpa, models on several devices, quantised weights that don't compile, and prompts longer
than the longest static cache. For these attention dominates, not the launch of kernels: the
uncompiled path reads only the tokens present, while a static cache would take gigabytes for each
answer (40 KB a token for GLM-4-9B in bfloat16).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from typing import Any

from backends.load_progress import tell
from backends.transformers.kv_cache import CachedPrefix, PrefixCache, new_cache
from backends.transformers.loading import Weights

log = logging.getLogger(__name__)

LENGTHS = (2048, 8192, 32_768)
"""Lengths of static caches in tokens. Compiling takes from seconds to minutes for each."""
# Runs of a step while it is compiled: torch captures the CUDA graph in the second run and replays
# it in the third.
WARMING = 3
# The name under which transformers knows the attention below.
ATTENTION = "packed_decoding"


@dataclass
class DecodingCache:
    """A static cache of `length` tokens; `read` is the number of tokens in it, -1 if unknown."""

    length: int
    states: Any
    read: int = -1


class CompiledSteps:
    """Reads one token at a time for the conversations in `caches`.

    The constructor compiles, which takes from seconds to minutes. It does not raise for a model
    that can't be compiled: `longest` is 0 then.
    """

    def __init__(self, weights: Weights, caches: PrefixCache) -> None:
        self._weights, self._caches = weights, caches
        self._idle: dict[int, list[DecodingCache]] = {}
        self._in_use: dict[CachedPrefix, DecodingCache] = {}
        # CUDA graphs belong to the thread that captured them.
        self._thread = ThreadPoolExecutor(1, "model-step")
        self._lengths: tuple[int, ...] = ()
        if (reason := _why_not_compiled(weights.model)) is not None:
            log.warning("%s is not compiled: %s", weights.name, reason)
            return
        _choose_attention(weights.model)
        self._step = compiled(_step_of(weights), weights.device)
        try:
            self._thread.submit(copy_context().run, self._warm).result()
        except Exception:
            log.exception("compiling failed; %s is decoded the plain way beyond %s tokens",
                          weights.name, max(self._lengths, default=0))  # fmt: skip

    @property
    def longest(self) -> int:
        """The longest compiled cache in tokens, 0 where none is compiled."""
        return max(self._lengths, default=0)

    def read(self, kept: CachedPrefix, token: int, places: Any = None) -> Any:
        """Reads `token` into the states of `kept`; the caller appends its key.

        Returns the logits after `token`, or None, with `kept` unchanged, where the uncompiled
        path must read it. Raises `torch.OutOfMemoryError`.
        """
        import torch

        end = len(kept.keys) + 1
        length = next((each for each in self._lengths if end <= each), None)
        if length is None:
            return None
        try:
            return self._thread.submit(self._read, kept, token, places, length).result()
        except torch.OutOfMemoryError:
            raise
        except Exception:
            log.exception("a compiled step failed; %s goes on the plain way", self._weights.name)
            self._lengths = ()
            kept.cut(end - 1)
            return None

    def leave(self, kept: CachedPrefix) -> None:
        """Moves the states of `kept` back into memory of its own, at the end of an answer. Drops
        `kept` where memory for that is lacking."""
        static = self._in_use.pop(kept, None)
        if static is None:
            return
        try:
            if kept.states is not None:
                self._caches.lay(kept)
        except Exception:
            log.exception("a conversation could not be kept")
            self._caches.drop(kept)
        self._idle[static.length].append(static)

    def free(self) -> None:
        """Frees the static caches that are not in use."""
        for caches in self._idle.values():
            caches.clear()

    def close(self) -> None:
        self._lengths = ()
        self.free()
        self._thread.shutdown(wait=False)

    def _read(self, kept: CachedPrefix, token: int, places: Any, length: int) -> Any:
        import torch

        start = len(kept.keys)
        with torch.inference_mode():
            static = self._static_cache_for(kept, length)
            if static.read != start:
                for layer in static.states.layers:
                    layer.cumulative_length.fill_(start)
            static.read = -1
            tokens = torch.tensor([[token]], device=self._weights.device)
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
            # The next replay of the graph overwrites its output.
            logits = self._step(tokens, places, static.states).clone()
        for layer in kept.states.layers:
            layer.length = start + 1
        static.read = start + 1
        return logits

    def _static_cache_for(self, kept: CachedPrefix, length: int) -> DecodingCache:
        """The static cache that holds `kept`; moves its states into one of `length` if need be."""
        current = self._in_use.get(kept)
        if current is not None and current.length == length:
            return current
        idle = self._idle.setdefault(length, [])
        if idle:
            static = idle.pop()
        else:
            static = DecodingCache(length, _allocate(self._weights, kept, length))
        self._caches.lay(kept, [(layer.keys, layer.values) for layer in static.states.layers])
        self._in_use[kept] = static
        static.read = -1
        if current is not None:
            self._idle[current.length].append(current)
        return static

    def _warm(self) -> None:
        """Compiles the step for each length that the window can use, the shortest first."""
        import torch

        weights = self._weights
        kept = CachedPrefix(new_cache(weights.model.config))
        token = min(weights.stops, default=0)
        places = None if weights.sight is None else torch.ones((3, 1, 1), dtype=torch.int64)
        with torch.inference_mode():
            first = torch.tensor([[token]], device=weights.device)
            weights.model(input_ids=first, past_key_values=kept.states, logits_to_keep=1)
        kept.keys.append(token)
        places = None if places is None else places.to(weights.device)
        wanted = [
            length
            for index, length in enumerate(LENGTHS)
            if index == 0 or LENGTHS[index - 1] < weights.window
        ]
        for index, length in enumerate(wanted):
            tell("Compiling", index, len(wanted))
            for _ in range(WARMING):
                self._read(kept, token, places, length)
                kept.cut(1)
            self._lengths = (*self._lengths, length)
            log.info("%s is compiled for %s tokens", weights.name, length)
        self._idle[self._in_use[kept].length].append(self._in_use.pop(kept))


def compiled(step: Callable[..., Any], device: Any) -> Callable[..., Any]:
    """`step` as torch compiles it; on CUDA as a graph that is captured once and replayed."""
    import torch

    mode = "reduce-overhead" if device.type == "cuda" else "default"
    return torch.compile(step, mode=mode, dynamic=False, fullgraph=True)


def _step_of(weights: Weights) -> Callable[..., Any]:
    model = weights.model

    def step(tokens: Any, places: Any, states: Any) -> Any:
        given = {} if places is None else {"position_ids": places}
        out = model(
            input_ids=tokens, past_key_values=states, use_cache=True, logits_to_keep=1, **given
        )
        return out.logits[:, -1]

    return step


def _allocate(weights: Weights, kept: CachedPrefix, length: int) -> Any:
    from transformers import StaticCache

    made: Any = StaticCache(config=weights.model.config, max_cache_len=length)
    for layer, source in zip(made.layers, kept.states.layers, strict=True):
        layer.lazy_initialization(source.keys, source.values)
    return made


def _why_not_compiled(model: Any) -> str | None:
    """Why a model's steps can't be compiled, or None."""
    attention = model.config.get_text_config()._attn_implementation
    if attention not in ("sdpa", ATTENTION):
        return f"its attention is {attention}, not sdpa"
    if len({weight.device for weight in model.parameters()}) > 1:
        return "its weights lie on several devices"
    if not model._can_compile_fullgraph:
        return "transformers can't compile models of its kind"
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is not None and not quantizer.is_compileable:
        return "its weights are quantised in a form that can't be compiled"
    return None


def _choose_attention(model: Any) -> None:
    """Sets `_packed` for the language model; the vision tower keeps its own attention."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(ATTENTION, _packed())
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    inner = "text_config" in model.config.sub_configs
    model.set_attn_implementation({"text_config": ATTENTION} if inner else ATTENTION)


@cache
def _packed() -> Callable[..., Any]:
    """The attention function for decoding one token under a mask; sdpa serves all other calls.

    In grouped-query attention several heads share keys and values. Compiled, transformers copies
    these for each head; this function does not.
    """
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    def attend(
        module: Any, query: Any, key: Any, value: Any, attention_mask: Any,
        dropout: float = 0.0, scaling: float | None = None, **others: Any,
    ) -> tuple[Any, None]:  # fmt: skip
        batch, heads, written, size = query.shape
        if written > 1 or attention_mask is None:
            return sdpa_attention_forward(
                module, query, key, value, attention_mask, dropout, scaling, **others
            )
        shared = query.reshape(batch, key.shape[1], heads // key.shape[1], size)
        scores = (shared @ key.transpose(2, 3)).float() * (scaling or size**-0.5)
        scores = scores.masked_fill(~attention_mask, float("-inf"))
        read = torch.softmax(scores, dim=-1).to(value.dtype) @ value
        return read.reshape(batch, 1, heads, value.shape[-1]), None

    return attend
