"""Kept prefixes: the key-value caches of conversations, found again by what they begin with.

A `CachedPrefix` knows which token it holds at each position, so that it can be cut back to what an
edited or repeated conversation shares with it. `PrefixCache` holds those of all conversations
under a budget: the oldest idle ones are moved to the host's memory, which is sooner undone than
a long prompt is read again, and dropped when that is full too.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

# Prefixes that are shorter are read again: nearly all conversations begin with a few same tokens.
MIN_PREFIX_TOKENS = 32
# A cache is cut back for a conversation that lets go of less than this share of what it keeps of
# it (a retry, an edit), and copied for one that lets go of more (another one that began alike).
LET_GO = 1 / 8
# By how much a layer grows at a time: a share of its length, in tokens at least.
GROWTH, LEAST_GROWTH = 1 / 8, 256


class CachedPrefix:
    """The cache of one conversation; `keys` has a key for each position that it holds.

    Keys are token ids, or stand for what is no token (see `prompt`). `states` is
    the `Cache` that the model is given.
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
        """Makes room for `length` tokens at once, as soon as the first ones come."""
        for layer in self.states.layers:
            layer.wanted = length

    def cut(self, length: int) -> None:
        """Lets go of all but the first `length` tokens. The memory stays reserved."""
        del self.keys[length:]
        for layer in self.states.layers:
            layer.length = min(layer.length, length)

    def put_away(self) -> None:
        """To the host's memory, without what is only reserved."""
        for layer in self.states.layers:
            layer.move("cpu")
        self.away = True

    def bring_back(self) -> None:
        """To where the model reads it."""
        for layer in self.states.layers:
            layer.move(layer.device)
        self.away = False


class PrefixCache:
    """The caches of all conversations. `room` bytes lie where the model reads them, `aside`
    bytes in the host's memory; `token_bytes` is what one token takes. Safe from all threads."""

    def __init__(self, config: Any, token_bytes: int, room: int, aside: int = 0) -> None:
        self._config, self._token_bytes = config, token_bytes
        self._room, self._aside = room, aside
        self._caches: list[CachedPrefix] = []  # the oldest first
        self._lock = threading.RLock()

    def take(self, keys: Sequence[int]) -> CachedPrefix:
        """A busy cache that holds a prefix of `keys`, never all of them: the last one must be
        read for what comes next. It is empty where no conversation began like this."""
        with self._lock:
            found, shared = self._longest(keys)
            if found is None or shared < MIN_PREFIX_TOKENS:
                kept = CachedPrefix(new_cache(self._config))
                self._make_room(len(keys))
            elif found.busy or len(found.keys) - shared > LET_GO * shared:
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
        """It may be found, moved and dropped from now on."""
        with self._lock:
            if kept in self._caches:
                kept.cut(len(kept.keys))
                kept.busy = False
                self._caches.remove(kept)
                self._caches.append(kept)
                self._make_room(0)

    def lay(self, kept: CachedPrefix, memory: Sequence[tuple[Any, Any]] | None = None) -> None:
        """Its states move into `memory`, a layer's keys and values each, or out of it into
        memory of their own. What they leave is free when this is done: nobody copies it."""
        with self._lock:
            for at, layer in enumerate(kept.states.layers):
                if memory is None:
                    layer.move(layer.device)
                else:
                    layer.lie_in(*memory[at])

    def drop(self, kept: CachedPrefix) -> None:
        """It is forgotten, and its memory free, whoever still holds it."""
        with self._lock:
            self._caches.remove(kept)
            kept.states = None

    def free(self) -> None:
        """Lets go of all that is idle, and of memory that torch keeps for later."""
        with self._lock:
            self._caches = [kept for kept in self._caches if kept.busy]
        empty_device_cache()

    def _longest(self, keys: Sequence[int]) -> tuple[CachedPrefix | None, int]:
        """The one with the longest common prefix, an idle one before a busy one."""
        best: tuple[CachedPrefix | None, int] = (None, 0)
        for kept in self._caches:
            shared = min(_common(kept.keys, keys), len(keys) - 1)
            if shared > best[1] or (shared == best[1] and best[0] is not None and best[0].busy):
                best = (kept, shared)
        return best

    def _make_room(self, tokens: int, beside: CachedPrefix | None = None) -> None:
        """Until so many tokens more fit, the oldest idle caches are moved or dropped."""
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
    """How many keys both begin with."""
    differs = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differs, min(len(one), len(other)))


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
    """Whether all layers of the model attend to all tokens: others can't be cut back."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    layers = DynamicCache(config=config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def empty_device_cache() -> None:
    """Gives the device's memory that torch holds for later back to the device."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@cache
def _growing_layer() -> Any:
    """The class of a layer that keeps memory in reserve, so that a new token costs no copy of
    all the tokens before it and cutting back costs nothing. (torch is imported late.)"""
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
                room = max(end + max(LEAST_GROWTH, int(GROWTH * end)), self.wanted)
                self.keys = _moved(self.keys, self.length, room, self.device)
                self.values = _moved(self.values, self.length, room, self.device)
            self.keys[:, :, self.length : end] = key_states
            self.values[:, :, self.length : end] = value_states
            self.length = end
            return self.keys[:, :, :end], self.values[:, :, :end]

        def get_seq_length(self) -> int:
            return self.length

        def fill(self, source: GrowingLayer, length: int) -> None:
            """Becomes a copy of the first tokens of another one."""
            assert source.keys is not None
            assert source.values is not None
            self.device, self.is_initialized = source.device, True
            self.keys = _moved(source.keys, length, length, source.device)
            self.values = _moved(source.values, length, length, source.device)
            self.length = length

        @torch.inference_mode()
        def lie_in(self, keys: torch.Tensor, values: torch.Tensor) -> None:
            """Moves into this memory, which has room for all of it."""
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
        """The first `length` tokens, in memory of their own with room for `room`."""
        batch, heads, _, size = states.shape
        moved = states.new_empty((batch, heads, room, size), device=device)
        moved[:, :, :length] = states[:, :, :length]
        return moved

    return GrowingLayer
