"""Decoding in compiled steps of fixed shapes, for kept caches (`GLM_COMPILE`).

A conversation that is being answered sits at a desk: a static cache of one of a few lengths, in
which it reads and writes in place. The step of one token over a desk is compiled once a length,
while the model loads; on CUDA its kernels are captured as one graph and replayed, which saves the
launch of each. When the answer ends, the conversation takes its states back into memory of its
own: desks are few, since a graph belongs to the addresses that it was captured with.

What can't be compiled goes the plain way, and the log says why: other kinds of attention than
sdpa, models on several devices, quantised weights that don't compile, and all beyond the longest
desk. There attention, not the launch of kernels, is what takes time; the plain path reads only
the tokens that are there, while a desk would take gigabytes for each answer (40 KB a token for
GLM-4-9B in bfloat16).
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
"""Of desks, in tokens. Each is compiled on its own, which takes from seconds to minutes."""
# A CUDA graph is made by the second run of a step, and replayed by the third.
WARMING = 3
# Its name among the attentions of transformers.
ATTENTION = "packed_decoding"


@dataclass
class DecodingCache:
    """A static cache; `read` is how many tokens it believes to hold, -1 where it can't tell."""

    length: int
    states: Any
    read: int = -1


class CompiledSteps:
    """Reads one token at a time for the conversations in `caches`. Making it compiles, and takes
    its time; it never raises for what can't be compiled."""

    def __init__(self, weights: Weights, caches: PrefixCache) -> None:
        self._weights, self._caches = weights, caches
        self._idle: dict[int, list[DecodingCache]] = {}
        self._taken: dict[CachedPrefix, DecodingCache] = {}
        # CUDA graphs belong to the thread that captured them.
        self._thread = ThreadPoolExecutor(1, "model-step")
        self._lengths: tuple[int, ...] = ()
        if (why := _unfit(weights.model)) is not None:
            log.warning("%s is not compiled: %s", weights.name, why)
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
        """Tokens up to which steps are compiled, 0 where none is."""
        return max(self._lengths, default=0)

    def read(self, kept: CachedPrefix, token: int, places: Any = None) -> Any:
        """The logits behind `token`, which `kept` then holds but for its key; None, and nothing
        done, where the plain path is to read it. Raises what the device does when out of memory.
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
        """`kept` takes its states back into memory of its own, at the end of an answer; it is
        dropped where there is no room for that."""
        desk = self._taken.pop(kept, None)
        if desk is None:
            return
        try:
            if kept.states is not None:
                self._caches.lay(kept)
        except Exception:
            log.exception("a conversation could not be kept")
            self._caches.drop(kept)
        self._idle[desk.length].append(desk)

    def free(self) -> None:
        """Lets go of the desks at which nobody sits."""
        for desks in self._idle.values():
            desks.clear()

    def close(self) -> None:
        self._lengths = ()
        self.free()
        self._thread.shutdown(wait=False)

    def _read(self, kept: CachedPrefix, token: int, places: Any, length: int) -> Any:
        import torch

        start = len(kept.keys)
        with torch.inference_mode():
            desk = self._desk(kept, length)
            if desk.read != start:
                for layer in desk.states.layers:
                    layer.cumulative_length.fill_(start)
            desk.read = -1
            tokens = torch.tensor([[token]], device=self._weights.device)
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
            # The next replay of a graph writes over what it gave.
            logits = self._step(tokens, places, desk.states).clone()
        for layer in kept.states.layers:
            layer.length = start + 1
        desk.read = start + 1
        return logits

    def _desk(self, kept: CachedPrefix, length: int) -> DecodingCache:
        """Where `kept` sits, a longer one than before if need be."""
        before = self._taken.get(kept)
        if before is not None and before.length == length:
            return before
        idle = self._idle.setdefault(length, [])
        desk = idle.pop() if idle else DecodingCache(length, _static(self._weights, kept, length))
        self._caches.lay(kept, [(layer.keys, layer.values) for layer in desk.states.layers])
        self._taken[kept] = desk
        desk.read = -1
        if before is not None:
            self._idle[before.length].append(before)
        return desk

    def _warm(self) -> None:
        """Compiles for each length that the window has room for, the shortest first."""
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
            for at, length in enumerate(LENGTHS)
            if at == 0 or LENGTHS[at - 1] < weights.window
        ]
        for at, length in enumerate(wanted):
            tell("Compiling", at, len(wanted))
            for _ in range(WARMING):
                self._read(kept, token, places, length)
                kept.cut(1)
            self._lengths = (*self._lengths, length)
            log.info("%s is compiled for %s tokens", weights.name, length)
        self._idle[self._taken[kept].length].append(self._taken.pop(kept))


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


def _static(weights: Weights, kept: CachedPrefix, length: int) -> Any:
    from transformers import StaticCache

    made: Any = StaticCache(config=weights.model.config, max_cache_len=length)
    for layer, source in zip(made.layers, kept.states.layers, strict=True):
        layer.lazy_initialization(source.keys, source.values)
    return made


def _unfit(model: Any) -> str | None:
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
    """`_packed` for the part that writes; what looks at pictures keeps its own."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(ATTENTION, _packed())
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    inner = "text_config" in model.config.sub_configs
    model.set_attn_implementation({"text_config": ATTENTION} if inner else ATTENTION)


@cache
def _packed() -> Callable[..., Any]:
    """Attention of one token under a mask, without a copy of keys and values for each of the
    heads that share them, which transformers makes where it compiles; the rest is sdpa's."""
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
