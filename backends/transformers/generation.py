"""Generation of one answer: prefill of the prompt in chunks, then decoding token by token.

Each `read` and each `write` is one step of the model, so that several answers can take turns.
Only the last position's logits are computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from backends.base import GenerationConfig
from backends.transformers.compiled_decoding import CompiledSteps
from backends.transformers.kv_cache import CachedPrefix
from backends.transformers.loading import Weights
from backends.transformers.prompt import Prompt
from backends.transformers.vision import Placed

# Prompt tokens in a step. On a CPU a step should take less than a second, so that Stop takes
# effect and other answers get their turn; a GPU needs larger chunks to be busy.
CPU_CHUNK_TOKENS, GPU_CHUNK_TOKENS = 256, 2048
# Tokens of an answer for which cache memory is reserved before it begins.
RESERVED_ANSWER_TOKENS = 512


class Answer:
    """Reads one prompt and generates its answer. `kept` is the cache of the tokens that the model
    has read; its keys match its states after any exception too (see `undo`)."""

    def __init__(
        self, weights: Weights, prompt: Prompt, kept: CachedPrefix, config: GenerationConfig,
        chunk: int, compiled: CompiledSteps | None = None,
    ) -> None:  # fmt: skip
        self.kept = kept
        self.total = len(prompt.keys)
        self.owner = config.owner
        self._weights, self._prompt, self._chunk = weights, prompt, chunk
        self._compiled = compiled
        self._sampler = Sampler(config, weights.device, prompt.ids, weights.stops)
        self._places: Any = _places(weights, prompt) if weights.sight else None
        self._embedded_pictures: dict[int, Any] = {}
        self._logits: Any = None
        self._last: int | None = None
        kept.reserve(self.total + min(config.max_tokens, RESERVED_ANSWER_TOKENS))

    @property
    def unread(self) -> int:
        """Tokens of the prompt that the model has yet to read."""
        return max(0, self.total - len(self.kept.keys))

    def read(self) -> int:
        """Reads the next chunk of the prompt. Returns its length in tokens."""
        start = len(self.kept.keys)
        end = min(start + self._chunk, self.total)
        virtual = 0 if self._weights.preamble is None else self._weights.preamble.shape[1]
        if start < virtual:
            end = virtual
        self._forward(self._prompt.ids[start:end], start, self._prompt.keys[start:end])
        return end - start

    def write(self) -> int:
        """Samples the next token of the answer, once the prompt is read. Returns its id."""
        if self._last is not None:
            self._read_back(self._last)
            self._last = None
        token = self._sampler.choose(self._logits)
        self._last = token
        return token

    def undo(self) -> None:
        """Discards the states of a step that failed."""
        self.kept.cut(len(self.kept.keys))

    def _read_back(self, token: int) -> None:
        """Feeds the last sampled token to the model."""
        start = len(self.kept.keys)
        if self._compiled is not None:
            places = None
            if self._places is not None:
                places = self._places_of(start, start + 1).contiguous()
            logits = self._compiled.read(self.kept, token, places)
            if logits is not None:
                self._logits = logits
                self.kept.keys.append(token)
                return
        self._forward([token], start, [token])

    def _forward(self, ids: Sequence[int], start: int, keys: Sequence[int]) -> None:
        import torch

        with torch.inference_mode():
            out = self._weights.model(
                **self._inputs(ids, start),
                past_key_values=self.kept.states,
                use_cache=True,
                logits_to_keep=1,
            )
        self._logits = out.logits[:, -1].to(self._weights.device)
        self.kept.keys.extend(keys)

    def _inputs(self, ids: Sequence[int], start: int) -> dict[str, Any]:
        import torch

        weights, end = self._weights, start + len(ids)
        if weights.preamble is not None and start < weights.preamble.shape[1]:
            return {"inputs_embeds": weights.preamble[:, start:end].to(weights.device)}
        tokens = torch.tensor([ids], device=weights.device)
        if self._places is None:
            return {"input_ids": tokens}
        shown = [each for each in self._prompt.pictures if _overlap(each.patches, start, end)]
        places = self._places_of(start, end)
        if not shown:
            return {"input_ids": tokens, "position_ids": places}
        embedded = weights.model.get_input_embeddings()(tokens)
        for placed in shown:
            first, last = max(start, placed.patches.start), min(end, placed.patches.stop)
            patches = self._patches(placed)
            embedded[0, first - start : last - start] = patches[
                first - placed.patches.start : last - placed.patches.start
            ].to(embedded)
        return {"inputs_embeds": embedded, "position_ids": places}

    def _places_of(self, start: int, end: int) -> Any:
        """Positions of tokens in time, row and column, shape (3, 1, n); the answer's are equal."""
        import torch

        known = self._places
        if end <= known.shape[-1]:
            return known[..., start:end]
        first = int(known.max()) + 1 + start - known.shape[-1]
        following = torch.arange(first, first + end - start, device=known.device)
        return following.expand(3, 1, -1)

    def _patches(self, placed: Placed) -> Any:
        """The vision tower's embeddings of a picture, computed once for an answer."""
        weights = self._weights
        assert weights.sight is not None
        if placed.start not in self._embedded_pictures:
            pixels, grid = weights.sight.pixels(placed.picture)
            device = weights.device
            features = weights.model.get_image_features(pixels.to(device), grid.to(device))
            self._embedded_pictures[placed.start] = features.pooler_output[0]
        return self._embedded_pictures[placed.start]


def _overlap(patches: range, start: int, end: int) -> bool:
    return patches.start < end and start < patches.stop


def _places(weights: Weights, prompt: Prompt) -> Any:
    """The positions of the prompt's tokens in time, row and column, from the model's own code."""
    import torch

    ids = torch.tensor([list(prompt.ids)])
    kinds = torch.zeros_like(ids, dtype=torch.int)
    for placed in prompt.pictures:
        kinds[0, placed.patches.start : placed.patches.stop] = 1
    grids = [placed.grid for placed in prompt.pictures]
    places, _ = weights.model.model.get_rope_index(
        ids, kinds, image_grid_thw=torch.tensor(grids) if grids else None
    )
    return places.to(weights.device)


class Sampler:
    """Samples tokens by a `GenerationConfig`; temperature 0 takes the most likely one."""

    def __init__(
        self, config: GenerationConfig, device: Any, read: Sequence[int], stops: Iterable[int] = ()
    ) -> None:
        import torch
        from transformers import (
            LogitsProcessorList,
            MinPLogitsWarper,
            RepetitionPenaltyLogitsProcessor,
            TemperatureLogitsWarper,
            TopKLogitsWarper,
            TopPLogitsWarper,
        )

        self._greedy = config.temperature <= 0
        self._steps = LogitsProcessorList()
        self._tokens: Any = None
        if config.repetition_penalty != 1.0:
            self._steps.append(RepetitionPenaltyLogitsProcessor(config.repetition_penalty))
            self._tokens = torch.tensor([[token for token in read if token >= 0]], device=device)
        if not self._greedy:
            self._steps.append(TemperatureLogitsWarper(float(config.temperature)))
            if config.top_k:
                self._steps.append(TopKLogitsWarper(config.top_k))
            if config.top_p < 1.0:
                self._steps.append(TopPLogitsWarper(max(config.top_p, 0.0)))
            if config.min_p:
                self._steps.append(MinPLogitsWarper(min(config.min_p, 1.0)))
        self._required = config.min_tokens  # tokens still to come before a stop token
        self._stops = torch.tensor(sorted(stops), dtype=torch.int64, device=device)
        self._generator = None
        if config.seed is not None:
            self._generator = torch.Generator(device).manual_seed(config.seed)

    def choose(self, logits: Any) -> int:
        import torch

        with torch.inference_mode():
            scores = logits.float()
            if self._required > 0:
                scores = scores.index_fill(-1, self._stops, float("-inf"))
                self._required -= 1
            scores = self._steps(self._tokens, scores)
            if self._greedy:
                token = scores.argmax(-1, keepdim=True)
            else:
                token = torch.multinomial(scores.softmax(-1), 1, generator=self._generator)
            if self._tokens is not None:
                self._tokens = torch.cat([self._tokens, token.to(self._tokens.device)], dim=-1)
            return int(token)
