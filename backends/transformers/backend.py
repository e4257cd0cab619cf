"""Weights in safetensors in process, through transformers: text models, and GLM models that see.

One model is loaded once for all sessions. Several answers are written in turns, a chunk of the
prompt or a token each (a fair queue); beyond `slots` requests wait. The key-value caches of
conversations are kept, so that a follow-up costs what its new tokens cost (see
`kv_cache`). The model runs on the thread that asks for the next event, or for it
(`compiled_decoding`): where nobody asks, nothing is computed, and closing the generator frees
all that it holds.

Not covered: answers computed in one batch, pictures for models other than GLM's, videos, beams.
(transformers 5.23 has a continuous batching of its own, with shared prefixes; but it chooses
between greedy and sampled, and a seed, once for all requests, leaves the repetition penalty out,
and takes token ids alone, so no pictures.) Serve a model with vLLM for many users at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from backends import glm4
from backends.base import Capabilities, GenerationConfig
from backends.errors import AnswerBroken, ContextExceeded, ModelUnavailable, RequestRefused
from backends.events import AnswerFinished, ModelEvent, Notice
from backends.messages import Finish, Message, Usage
from backends.queue_notices import POLL_INTERVAL_S, FairQueue, waiting
from backends.transformers.compiled_decoding import CompiledSteps
from backends.transformers.config import WeightsConfig
from backends.transformers.generation import CPU_CHUNK, GPU_CHUNK, Answer
from backends.transformers.kv_cache import CachedPrefix, PrefixCache, empty_device_cache
from backends.transformers.loading import Weights
from backends.transformers.memory import cache_rooms, on_gpu, token_bytes
from backends.transformers.prompt import Prompt, Prompter
from backends.transformers.tokenizer import Detokenizer
from tools.base import ToolSpec

log = logging.getLogger(__name__)

# The least room for an answer, as in `llama_cpp`.
ANSWER_ROOM = 64
# A prompt of fewer chunks is read before anyone could read the notice.
CHUNKS_WORTH_TELLING = 4
FAULT = "The model stopped with a fault of its engine. Retry, or clear the chat."


class Transformers:
    """A `Backend` over loaded weights (see `loading.load`). `chunk` is how many tokens
    of a prompt are read at once. Raises `ModelUnavailable` where they know no chat."""

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
        self._chunk = chunk or (GPU_CHUNK if on_gpu(config.device_map) else CPU_CHUNK)
        settings = weights.model.config
        size = token_bytes(settings, weights.model.dtype)
        self._caches = PrefixCache(settings, size, *cache_rooms(config))
        self._compiled = CompiledSteps(weights, self._caches) if config.compile else None
        self._queue, self._steps = FairQueue(config.slots), FairQueue(1)

    @property
    def name(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        own_calls = self._prompter.style == "tagged"
        return Capabilities(
            context=self._window,
            native_tools=not own_calls,
            forced_tool=not own_calls,
            images="several" if self._sees else "none",
            reasoning=self._prompter.thinks,
            memory=self._memory,
        )

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
        return len(self._prompt(messages, tools).keys)

    def close(self) -> None:
        """Gives the memory back, once the running answers have ended."""
        self._weights = None
        compiled, self._compiled = self._compiled, None
        if compiled is not None:
            compiled.close()
        self.forget()

    def forget(self) -> None:
        """Lets go of all conversations that are not being answered."""
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
        prompt = self._prompt(messages, tools, config.tool_choice)
        with self._queue.ticket(config.owner) as ticket:
            yield from waiting(ticket, cancel)
            if cancel.is_set():
                yield AnswerFinished("cancelled", Usage(prompt_tokens=len(prompt.keys)))
            else:
                yield from self._answer(prompt, tools, config, cancel)

    def _answer(
        self,
        prompt: Prompt,
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        weights, compiled = self._weights, self._compiled
        if weights is None:
            raise ModelUnavailable(f"{self._name} has been closed. Reload the page.")
        kept = self._taken(prompt)
        cached = len(kept.keys)
        parser = glm4.Parser(tools, begins=prompt.begins)
        text = Detokenizer(self._prompter.tokens, special=self._prompter.style != "template")
        finish: Finish = "length"
        written = 0
        try:
            answer = Answer(weights, prompt, kept, config, self._chunk, compiled)
            told = answer.unread > CHUNKS_WORTH_TELLING * self._chunk
            while answer.unread and self._step(answer, answer.read, cancel) is not None:
                if told:
                    yield _reading(answer)
            limit = min(config.max_tokens, self._window - answer.total)
            while written < limit:
                token = self._step(answer, answer.write, cancel)
                if token is None:
                    finish = "cancelled"
                    break
                written += 1
                if token in weights.stops:
                    finish = "stop"
                    break
                yield from parser.feed(text.add(token))
        finally:
            if compiled is not None:
                compiled.leave(kept)
            self._caches.give_back(kept)
        yield from parser.feed(text.rest())
        yield from parser.finish(complete=finish == "stop")
        yield AnswerFinished(finish, Usage(answer.total, cached, written))

    def _taken(self, prompt: Prompt) -> CachedPrefix:
        try:
            return self._caches.take(prompt.keys)
        except Exception as error:
            if not _out_of_memory(error):
                raise
        self.forget()
        return self._caches.take(prompt.keys)

    def _step(self, answer: Answer, work: Callable[[], int], cancel: threading.Event) -> int | None:
        """What one step of the model gave, when it is our turn; None where `cancel` was set.

        Raises `AnswerBroken` for what goes wrong in it.
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
            # Here the failed step's own memory is free, too.
            answer.undo()
            self.forget()
            try:
                return work()
            except Exception as error:
                log.exception("the model failed")
                self._caches.drop(answer.kept)
                if not _out_of_memory(error):
                    raise AnswerBroken(FAULT) from None
            held = len(answer.kept.keys)
            empty_device_cache()
            raise AnswerBroken(
                f"The memory is full: {held:,} tokens of this conversation fit. Shorten it, or "
                "clear it, or choose a smaller or quantised model."
            )

    def _prompt(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], forced: str | None = None
    ) -> Prompt:
        """The prompt's tokens. Raises `ContextExceeded` when no answer fits behind them."""
        begins = f"{forced}\n" if any(tool.name == forced for tool in tools) else ""
        prompt = self._prompter.prompt(messages, tools, begins)
        if self._virtual:
            virtual = range(-self._virtual, 0)
            ids, keys = [*virtual, *prompt.ids], [*virtual, *prompt.keys]
            prompt = replace(prompt, ids=ids, keys=keys)
        excess = len(prompt.keys) + ANSWER_ROOM - self._window
        if excess > 0:
            raise ContextExceeded(excess, self._window)
        return prompt


def _reading(answer: Answer) -> Notice:
    if not answer.unread:
        return Notice("")
    done = answer.total - answer.unread
    return Notice(f"Reading: {done:,} of {answer.total:,} tokens")


def _out_of_memory(error: Exception) -> bool:
    """Of the device, or of the host, where torch has no exception of its own for it."""
    import torch

    said = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(each in str(error) for each in said)
