"""Cached prefixes: the key-value caches of conversations, found by their longest common prefix.

A `CachedPrefix` has the token of each of its positions, so that it can be truncated to the prefix
that an edited or repeated conversation shares with it. `PrefixCache` holds those of all
conversations under a byte limit: the oldest idle ones move to the host's memory, since moving them
back is faster than reading a long prompt again, and are dropped when that is full too.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

# Shorter common prefixes are not reused: nearly all conversations share their first few tokens.
MIN_PREFIX_TOKENS = 32
# A cache is truncated where the discarded part is at most this share of the common prefix (a retry,
# an edit), else copied (another conversation with the same beginning).
MAX_DISCARDED_SHARE = 1 / 8
# The reserve that a layer allocates when it grows: a share of its length, and a minimum.
GROWTH_SHARE, MIN_GROWTH_TOKENS = 1 / 8, 256


class CachedPrefix:
    """The cache of one conversation; `keys` has a key for each of its positions.

    Keys are token ids, or negative numbers for virtual tokens and pictures (see `prompt`).
    `states` is the model's `Cache`. `busy` says that an answer uses it, `away` that its states are
    in the host's memory.
    """

    def __init__(self, states: Any) -> None:
        self.states = states
        self.keys: list[int] = []
        self.busy = True
        self.away = False

    @property
    def bytes(self) -> int:
        return sum(layer.bytes for layer in self.states.layers)

    def reserve(self, length: int) -> None:
        """Makes the next allocation large enough for `length` tokens."""
        for layer in self.states.layers:
            layer.wanted = length

    def cut(self, length: int) -> None:
        """Truncates to the first `length` tokens. Their memory stays allocated."""
        del self.keys[length:]
        for layer in self.states.layers:
            layer.length = min(layer.length, length)

    def put_away(self) -> None:
        """Moves the states to the host's memory, without the reserve."""
        for layer in self.states.layers:
            layer.move("cpu")
        self.away = True

    def bring_back(self) -> None:
        """Moves the states back to the model's device."""
        for layer in self.states.layers:
            layer.move(layer.device)
        self.away = False


class PrefixCache:
    """The caches of all conversations. Safe from all threads.

    `room` is the limit on the model's device and `aside` the one in the host's memory, in bytes;
    `token_bytes` is the size of one token.
    """

    def __init__(self, config: Any, token_bytes: int, room: int, aside: int = 0) -> None:
        self._config, self._token_bytes = config, token_bytes
        self._room, self._aside = room, aside
        self._caches: list[CachedPrefix] = []  # the oldest first
        self._lock = threading.RLock()

    def take(self, keys: Sequence[int]) -> CachedPrefix:
        """A cache, marked busy, with the longest cached prefix of `keys`; empty where there is
        none. Never with all of `keys`: the last token must be read for its logits."""
        with self._lock:
            found, shared = self._longest(keys)
            if found is None or shared < MIN_PREFIX_TOKENS:
                kept = CachedPrefix(new_cache(self._config))
                self._make_room(len(keys))
            elif found.busy or len(found.keys) - shared > MAX_DISCARDED_SHARE * shared:
                self._make_room(len(keys), beside=found)
                kept = _copy(found, shared, new_cache(self._config))
            else:
                self._caches.remove(found)
                self._make_room(len(keys))
                kept = found
                kept.cut(shared)
                if kept.away:
                    kept.bring_back()
            kept.busy = True
            self._caches.append(kept)
            return kept

    def give_back(self, kept: CachedPrefix) -> None:
        """Ends the use of `kept`, which may be reused, moved and dropped from then on."""
        with self._lock:
            if kept in self._caches:
                kept.cut(len(kept.keys))
                kept.busy = False
                self._caches.remove(kept)
                self._caches.append(kept)
                self._make_room(0)

    def lay(self, kept: CachedPrefix, memory: Sequence[tuple[Any, Any]] | None = None) -> None:
        """Moves the states of `kept` into `memory`, the keys and values for each layer, or for
        None into memory of their own. No other thread copies the states meanwhile, so that the
        memory they leave is free afterwards."""
        with self._lock:
            for index, layer in enumerate(kept.states.layers):
                if memory is None:
                    layer.move(layer.device)
                else:
                    layer.move_into(*memory[index])

    def drop(self, kept: CachedPrefix) -> None:
        """Removes `kept` and frees its memory, even if there are references to it."""
        with self._lock:
            self._caches.remove(kept)
            kept.states = None

    def free(self) -> None:
        """Frees all idle caches, and the memory that torch holds in reserve."""
        with self._lock:
            self._caches = [kept for kept in self._caches if kept.busy]
        empty_device_cache()

    def _longest(self, keys: Sequence[int]) -> tuple[CachedPrefix | None, int]:
        """The cache with the longest common prefix and its length; idle before busy ones."""
        best: tuple[CachedPrefix | None, int] = (None, 0)
        for kept in self._caches:
            shared = min(_common(kept.keys, keys), len(keys) - 1)
            if shared > best[1] or (shared == best[1] and best[0] is not None and best[0].busy):
                best = (kept, shared)
        return best

    def _make_room(self, tokens: int, beside: CachedPrefix | None = None) -> None:
        """Moves or drops the oldest idle caches until `tokens` more fit."""
        wanted = tokens * self._token_bytes
        for kept in list(self._caches):
            here = sum(each.bytes for each in self._caches if not each.away)
            if here + wanted <= self._room:
                break
            if kept.busy or kept.away or kept is beside:
                continue
            if self._aside > 0:
                kept.put_away()
            else:
                self._caches.remove(kept)
        for kept in [each for each in self._caches if each.away and each is not beside]:
            if sum(each.bytes for each in self._caches if each.away) <= self._aside:
                break
            self._caches.remove(kept)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the common prefix."""
    differences = (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differences, min(len(one), len(other)))


def _copy(kept: CachedPrefix, length: int, states: Any) -> CachedPrefix:
    copied = CachedPrefix(states)
    for layer, source in zip(states.layers, kept.states.layers, strict=True):
        layer.fill(source, length)
    copied.keys = kept.keys[:length]
    return copied


def new_cache(config: Any) -> Any:
    """An empty cache for a model of `config` (see `can_keep`)."""
    from transformers import DynamicCache

    made = DynamicCache(config=config)
    made.layers = [_growing_layer()() for _ in made.layers]
    return made


def can_keep(config: Any) -> bool:
    """Whether all layers attend to all tokens: caches of other layers can't be truncated."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    layers = DynamicCache(config=config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def empty_device_cache() -> None:
    """Returns the memory that torch holds in reserve to the device."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@cache
def _growing_layer() -> Any:
    """The class of a layer that allocates a reserve, so that a new token needs no copy of all
    tokens before it and truncating is free. (A function, since torch is imported late.)"""
    import torch
    from transformers.cache_utils import DynamicLayer

    class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.length = self.wanted = 0

        def update(
            self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
        ) -> tuple[torch.Tensor, torch.Tensor]:
            end = self.length + key_states.shape[-2]
            if self.keys is None or self.values is None:
                self.device, self.is_initialized = key_states.device, True
                self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
            if end > self.keys.shape[-2]:
                room = max(end + max(MIN_GROWTH_TOKENS, int(GROWTH_SHARE * end)), self.wanted)
                self.keys = _moved(self.keys, self.length, room, self.device)
                self.values = _moved(self.values, self.length, room, self.device)
            self.keys[:, :, self.length : end] = key_states
            self.values[:, :, self.length : end] = value_states
            self.length = end
            return self.keys[:, :, :end], self.values[:, :, :end]

        def get_seq_length(self) -> int:
            return self.length

        def fill(self, source: GrowingLayer, length: int) -> None:
            """Becomes a copy of the first `length` tokens of `source`."""
            assert source.keys is not None
            assert source.values is not None
            self.device, self.is_initialized = source.device, True
            self.keys = _moved(source.keys, length, length, source.device)
            self.values = _moved(source.values, length, length, source.device)
            self.length = length

        @torch.inference_mode()
        def move_into(self, keys: torch.Tensor, values: torch.Tensor) -> None:
            """Moves into the given memory, which has room for all its tokens."""
            assert self.keys is not None
            assert self.values is not None
            keys[:, :, : self.length] = self.keys[:, :, : self.length]
            values[:, :, : self.length] = self.values[:, :, : self.length]
            self.keys, self.values = keys, values

        def move(self, device: Any) -> None:
            if self.keys is not None and self.values is not None:
                self.keys = _moved(self.keys, self.length, self.length, device)
                self.values = _moved(self.values, self.length, self.length, device)

        @property
        def bytes(self) -> int:
            if self.keys is None or self.values is None:
                return 0
            return int(self.keys.nbytes + self.values.nbytes)

    @torch.inference_mode()
    def _moved(states: torch.Tensor, length: int, room: int, device: Any) -> torch.Tensor:
        """A copy of the first `length` tokens, in memory for `room` tokens."""
        batch, heads, _, size = states.shape
        moved = states.new_empty((batch, heads, room, size), device=device)
        moved[:, :, :length] = states[:, :, :length]
        return moved

    return GrowingLayer
