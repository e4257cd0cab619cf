"""Weights in safetensors in process, through transformers: text models, and GLM models that see.

One model is loaded once for all sessions. Several answers are generated in turns, a step of a
prompt chunk or a token each (a fair queue); requests beyond `slots` wait. The key-value caches of
conversations are kept, so that a follow-up only reads its new tokens (see `kv_cache`). A step
runs on the thread that requests the next event, or while that thread waits (`compiled_decoding`):
without a consumer nothing is computed, and closing the generator frees its resources.

Not covered: batched decoding, pictures for models other than GLM's, videos, beam search.
(transformers 5.23 has continuous batching with shared prefixes, but greedy or sampled decoding
and the seed are one choice for all requests, the repetition penalty is missing, and the input is
token ids only, so no pictures.) Serve a model with vLLM for many users at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backends import glm4
from backends.base import SAMPLING, Capabilities, GenerationConfig
from backends.chat_completions.options import NO_SWITCHES, template_switch
from backends.errors import AnswerBroken, ContextExceeded, ModelUnavailable, RequestRefused
from backends.events import AnswerFinished, ModelEvent, Notice
from backends.messages import Finish, Message, Usage
from backends.queue_notices import POLL_INTERVAL_S, FairQueue, waiting
from backends.sent_request import SentRequest, observed
from backends.transformers.compiled_decoding import CompiledSteps
from backends.transformers.config import WeightsConfig
from backends.transformers.generation import CPU_CHUNK_TOKENS, GPU_CHUNK_TOKENS, Answer
from backends.transformers.kv_cache import CachedPrefix, PrefixCache, empty_device_cache
from backends.transformers.loading import Weights
from backends.transformers.memory import cache_sizes, on_gpu, token_bytes
from backends.transformers.prompt import Prompt, Prompter
from backends.transformers.tokenizer import Detokenizer
from tools.base import ToolSpec

log = logging.getLogger(__name__)

# Tokens that the window must have left for an answer, as in `llama_cpp`.
ANSWER_ROOM = 64
# A prompt of fewer chunks is read too fast for a notice.
MIN_CHUNKS_FOR_NOTICE = 4
FAULT = "The model stopped with a fault of its engine. Retry, or clear the chat."


class Transformers:
    """A `Backend` over loaded weights (see `loading.load`).

    `chunk` is the number of prompt tokens in a step, None for the device's default. Raises
    `ModelUnavailable` for a model without a chat template.
    """

    def __init__(
        self, weights: Weights, config: WeightsConfig | None = None, chunk: int | None = None
    ) -> None:
        config = config or WeightsConfig()
        self._weights: Weights | None = weights
        self._prompter = Prompter(weights.tokenizer, weights.name, weights.sight)
        self._name, self._window, self._sees = (
            weights.name,
            weights.window,
            weights.sight is not None,
        )
        self._memory = int(weights.model.get_memory_footprint())
        self._virtual = 0 if weights.preamble is None else int(weights.preamble.shape[1])
        self._chunk = chunk or (GPU_CHUNK_TOKENS if on_gpu(config.device_map) else CPU_CHUNK_TOKENS)
        settings = weights.model.config
        size = token_bytes(settings, weights.model.dtype)
        self._caches = PrefixCache(settings, size, *cache_sizes(config))
        self._compiled = CompiledSteps(weights, self._caches) if config.compile else None
        self._queue, self._steps = FairQueue(config.slots), FairQueue(1)

    @property
    def name(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        tagged_calls = self._prompter.style == "tagged"
        return Capabilities(
            context=self._window,
            native_tools=not tagged_calls,
            forced_tool=not tagged_calls,
            images="several" if self._sees else "none",
            reasoning=self._prompter.thinks,
            memory=self._memory,
            options=SAMPLING | ({"thinking"} if self._prompter.switches else frozenset()),
        )

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
        return len(self._prompt(messages, tools).keys)

    def close(self) -> None:
        """Frees the memory, once the running answers have ended."""
        self._weights = None
        compiled, self._compiled = self._compiled, None
        if compiled is not None:
            compiled.close()
        self.forget()

    def forget(self) -> None:
        """Frees the caches of all conversations that are not being answered."""
        if self._compiled is not None:
            self._compiled.free()
        self._caches.free()

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        prompt = self._prompt(messages, tools, config.tool_choice, template_switch(config))
        with self._queue.ticket(config.owner) as ticket:
            yield from waiting(ticket, cancel)
            if cancel.is_set():
                yield AnswerFinished("cancelled", Usage(prompt_tokens=len(prompt.keys)))
            else:
                yield from self._answer(prompt, messages, tools, config, cancel)

    def _answer(
        self,
        prompt: Prompt,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        weights, compiled = self._weights, self._compiled
        if weights is None:
            raise ModelUnavailable(f"{self._name} has been closed. Reload the page.")
        hear = observed(
            config.observer,
            lambda: SentRequest(
                self._name,
                messages,
                tools,
                _options(config),
                pieces=lambda: prompt.pieces,
                tokenize=self._prompter.tokens.encode,
                count=self.count_tokens,
            ),
        )
        kept = self._take_cache(prompt)
        cached = len(kept.keys)
        parser = glm4.Parser(tools, begins=prompt.begins)
        text = Detokenizer(self._prompter.tokens, special=self._prompter.style != "template")
        finish: Finish = "length"
        written = 0
        try:
            answer = Answer(weights, prompt, kept, config, self._chunk, compiled)
            long = answer.unread > MIN_CHUNKS_FOR_NOTICE * self._chunk
            while answer.unread and self._step(answer, answer.read, cancel) is not None:
                if long:
                    yield _progress_notice(answer)
            limit = min(config.max_tokens, self._window - answer.total)
            while written < limit:
                token = self._step(answer, answer.write, cancel)
                if token is None:
                    finish = "cancelled"
                    break
                written += 1
                if token in weights.stops:
                    finish = "stop"
                    hear(self._prompter.tokens.decode([token], True))
                    break
                piece = text.add(token)
                hear(piece)
                yield from parser.feed(piece)
        finally:
            if compiled is not None:
                compiled.leave(kept)
            self._caches.give_back(kept)
        yield from parser.feed(text.rest())
        yield from parser.finish(complete=finish == "stop")
        yield AnswerFinished(finish, Usage(answer.total, cached, written))

    def _take_cache(self, prompt: Prompt) -> CachedPrefix:
        """The cache for `prompt`; frees all idle caches where memory for it is lacking."""
        try:
            return self._caches.take(prompt.keys)
        except Exception as error:
            if not _out_of_memory(error):
                raise
        self.forget()
        return self._caches.take(prompt.keys)

    def _step(self, answer: Answer, work: Callable[[], int], cancel: threading.Event) -> int | None:
        """Runs one step of the model, `work`, when the answer's turn comes.

        Returns its result, None when `cancel` was set. Raises `AnswerBroken` where it fails, for
        lack of memory after a second try with all idle caches freed.
        """
        with self._steps.ticket(answer.owner) as ticket:
            while not cancel.is_set() and ticket.wait(POLL_INTERVAL_S):
                pass
            if cancel.is_set():
                return None
            try:
                return work()
            except RequestRefused:
                raise
            except Exception as error:
                if not _out_of_memory(error):
                    log.exception("the model failed")
                    self._caches.drop(answer.kept)
                    raise AnswerBroken(FAULT) from None
            # Outside of `except`, so that the failed step's own memory is free.
            answer.undo()
            self.forget()
            try:
                return work()
            except Exception as error:
                log.exception("the model failed")
                self._caches.drop(answer.kept)
                if not _out_of_memory(error):
                    raise AnswerBroken(FAULT) from None
            cached_tokens = len(answer.kept.keys)
            empty_device_cache()
            raise AnswerBroken(
                f"The memory is full: {cached_tokens:,} tokens of this conversation fit. Shorten "
                "it, or clear it, or choose a smaller or quantised model."
            )

    def _prompt(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        forced: str | None = None,
        switches: Mapping[str, Any] = NO_SWITCHES,
    ) -> Prompt:
        """The prompt's tokens. Raises `ContextExceeded` if the window has no room for an answer."""
        begins = f"{forced}\n" if any(tool.name == forced for tool in tools) else ""
        prompt = self._prompter.prompt(messages, tools, begins, switches)
        if self._virtual:
            virtual = range(-self._virtual, 0)
            ids, keys = [*virtual, *prompt.ids], [*virtual, *prompt.keys]
            prompt = replace(prompt, ids=ids, keys=keys)
        excess = len(prompt.keys) + ANSWER_ROOM - self._window
        if excess > 0:
            raise ContextExceeded(excess, self._window)
        return prompt


def _options(config: GenerationConfig) -> dict[str, Any]:
    """The options of an answer, by the names that `generate` of transformers has for them."""
    options: dict[str, Any] = {
        "max_new_tokens": config.max_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "repetition_penalty": config.repetition_penalty,
    }
    if config.seed is not None:
        options["seed"] = config.seed
    if config.min_tokens:
        options["min_new_tokens"] = config.min_tokens
    if config.top_k is not None:
        options["top_k"] = config.top_k
    if config.min_p is not None:
        options["min_p"] = config.min_p
    return options | template_switch(config)


def _progress_notice(answer: Answer) -> Notice:
    if not answer.unread:
        return Notice("")
    done = answer.total - answer.unread
    return Notice(f"Reading: {done:,} of {answer.total:,} tokens")


def _out_of_memory(error: Exception) -> bool:
    """Whether memory of the device or the host ran out; torch has no exception for the latter."""
    import torch

    messages = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(
        message in str(error) for message in messages
    )
