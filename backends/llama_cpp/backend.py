"""GGUF models in process, through xllamacpp (llama.cpp's server without its HTTP clients).

One model is loaded once for all sessions. llama.cpp decodes several requests in one batch
(continuous batching) and caches each conversation's prefix; requests beyond its slots wait in a
fair queue. A prompt is sent as tokens, so that only the template's own text has control tokens
(see `chat_template`). Models whose template has tools call them in their own format, all others
in the GLM-4 form that `glm4.Parser` reads, constrained by a grammar (see `grammar`). A model with
an `mmproj` file takes pictures; a conversation with pictures uses the model's own template.

Not covered: pictures together with tools that the template doesn't know, several models in one
process at once.
"""

from __future__ import annotations

import glob
import json
import logging
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from backends import chat_template, glm4
from backends.base import SAMPLING, Capabilities, GenerationConfig, Profile
from backends.chat_completions import request as chat_completions
from backends.chat_completions.chunks import ChunkReader
from backends.chat_completions.options import NO_SWITCHES, template_switch
from backends.chat_template import Piece
from backends.errors import AnswerBroken, ContextExceeded
from backends.events import AnswerFinished, ModelEvent, Notice
from backends.llama_cpp import grammar
from backends.llama_cpp.engine import (
    ANSWER_ROOM,
    ENGINE_FAULT,
    Counted,
    Engine,
    EngineConfig,
    progress_notice,
    refusal,
)
from backends.messages import Finish, Message, Picture, Text, Usage
from backends.queue_notices import POLL_INTERVAL_S, FairQueue, waiting
from backends.sent_request import SentRequest, observed, without_pictures
from tools.base import ToolSpec

log = logging.getLogger(__name__)

GLM4_STOPS = ("<|user|>", "<|observation|>")


class _TemplateFailed(AnswerBroken):
    """llama.cpp could not render a request's prompt, so the model has not started."""


class LlamaCpp:
    """A `Backend` over one GGUF file. Raises `ModelUnavailable` when it can't be loaded."""

    def __init__(
        self,
        path: Path,
        name: str,
        config: EngineConfig | None = None,
        profile: Profile = "standard",
    ) -> None:
        config = config or EngineConfig()
        self._profile: Profile = profile
        self._engine = Engine(path, name, config)
        self._adapted = config.adapter is not None
        files = (*_parts(path), config.adapter, config.mmproj)
        self._memory = sum(file.stat().st_size for file in files if file is not None)
        self._queue = FairQueue(config.slots)
        self._is_glm4 = chat_template.is_glm4(self._engine.template)
        self._template_has_tools = self._engine.knows_tools and not self._is_glm4
        self._tokens = lru_cache(maxsize=4096)(self._tokenize)
        stops = (self._engine.end, *(GLM4_STOPS if self._is_glm4 else ()))
        tokens = [self._tokens(stop, True) for stop in stops]
        self._end_tokens = tuple(ids[0] for ids in tokens if len(ids) == 1)

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            context=self._engine.window,
            native_tools=not self._template_has_tools,
            images="several" if self._engine.sees else "none",
            options=SAMPLING | ({"thinking"} if self._engine.thinks else frozenset()),
            memory=self._memory,
            profile=self._profile,
        )

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
        return len(self._prompt(messages, tools))

    def close(self) -> None:
        self._engine.close()

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        template_calls = self._template_has_tools and config.tool_choice is None
        with_pictures = self._engine.sees and any(message.pictures for message in messages)
        if with_pictures and tools and not template_calls:
            messages = [_without_pictures(message) for message in messages]
        prompt = self._pieces(messages, tools, template_switch(config))
        with self._queue.ticket(config.owner) as ticket:
            yield from waiting(ticket, cancel)
            if cancel.is_set():
                yield AnswerFinished("cancelled", Usage(prompt_tokens=len(self._ids(prompt))))
            elif with_pictures and not tools:
                yield from self._chat(messages, tools, config, cancel)
            elif tools and template_calls:
                try:
                    yield from self._chat(messages, tools, config, cancel)
                except _TemplateFailed:
                    yield from self._complete(prompt, messages, tools, config, cancel)
            else:
                # A forced call too: in chat completions llama.cpp does not enforce it.
                yield from self._complete(prompt, messages, tools, config, cancel)

    # -- requests --------------------------------------------------------------------------------

    def _complete(
        self,
        prompt: Sequence[Piece],
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        """Requests a completion of `prompt`; the answer is text in the GLM-4 form."""
        forced = next((tool for tool in tools if tool.name == config.tool_choice), None)
        request: dict[str, Any] = {}
        begins = ""
        if forced is not None:
            # The prompt ends with the beginning of the forced call.
            begins = f"{forced.name}\n"
            prompt = [*prompt, Piece(begins, False)]
            request["grammar"] = grammar.input_grammar(forced, self._end_tokens)
        elif tools and not self._is_glm4:
            request["grammar"] = grammar.answer_grammar(tools, self._end_tokens)
        # With an mmproj file llama.cpp takes the prompt only as text.
        request["prompt"] = self._text(prompt) if self._engine.sees else self._ids(prompt)
        parser = glm4.Parser(tools, begins=begins)
        finish: Finish = "stop"
        counted = Counted(len(self._ids(prompt)))
        sent = partial(self._sent, messages, tools, lambda: prompt)
        for piece in self._request(
            "handle_completions", request, sent, tools, config, cancel, counted
        ):
            if isinstance(piece, Notice):
                yield piece
                continue
            choice = piece["choices"][0]
            yield from parser.feed(choice.get("text") or "")
            if choice.get("finish_reason") == "length":
                finish = "length"
        if cancel.is_set():
            finish = "cancelled"
        yield from parser.finish(complete=finish == "stop")
        yield AnswerFinished(finish, counted.usage())

    def _chat(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        """Requests a chat completion: llama.cpp renders the model's template and parses calls.

        Raises `_TemplateFailed`, before any event, when the template can't take the messages.
        """
        names = chat_completions.names_of(messages, tools)
        request = chat_completions.encodable(
            {
                "messages": chat_completions.chat_messages(messages, names, plain=self._plain),
                "tools": chat_completions.tool_definitions(tools, names),
                "chat_template_kwargs": template_switch(config),
            }
        )
        reader = ChunkReader({names.sent(tool.name): tool.name for tool in tools})
        counted = Counted(0)
        asked = {
            "messages": request["messages"],
            "tools": request["tools"],
            "switches": request["chat_template_kwargs"],
        }
        sent = partial(
            self._sent, messages, tools, lambda: [Piece(self._engine.apply_template(**asked), True)]
        )
        for piece in self._request(
            "handle_chat_completions", request, sent, tools, config, cancel, counted
        ):
            if isinstance(piece, Notice):
                yield piece
            else:
                yield from reader.feed(piece)
        complete = not cancel.is_set()
        yield from reader.finish(complete)
        yield AnswerFinished(reader.finish_reason if complete else "cancelled", counted.usage())

    def _request(
        self,
        handler: str,
        request: dict[str, Any],
        sent: Callable[[Mapping[str, Any]], SentRequest],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
        counted: Counted,
    ) -> Iterator[dict[str, Any] | Notice]:
        """Runs one request of llama.cpp and yields its chunks and notices of its progress.

        The request runs on its own thread, since llama.cpp takes a callback; a callback that
        returns true stops the request at the next token or the next batch of the prompt.
        """
        request |= {
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
            "cache_prompt": True,
            "temperature": config.temperature,
            "top_p": config.top_p,
            "max_tokens": config.max_tokens,
            "n_predict": config.max_tokens,
        }
        if config.seed is not None:
            request["seed"] = config.seed
        request |= {
            name: value
            for name, value in (("top_k", config.top_k), ("min_p", config.min_p))
            if value is not None
        }
        if self._adapted:
            request["lora"] = [{"id": 0, "scale": 1.0 if tools else 0.0}]
        if config.repetition_penalty != 1.0:
            request["repeat_penalty"] = config.repetition_penalty
        if self._is_glm4:
            request["stop"] = [*GLM4_STOPS]
        hear = observed(config.observer, lambda: sent(request))
        pieces: queue.SimpleQueue[dict[str, Any] | Exception | None] = queue.SimpleQueue()
        closed = threading.Event()
        started = False

        def callback(piece: dict[str, Any]) -> bool:
            pieces.put(piece)
            return cancel.is_set() or closed.is_set()

        def work() -> None:
            try:
                getattr(self._engine.server, handler)(request, callback)
            except Exception as error:
                log.warning("llama.cpp could not take a request", exc_info=True)
                pieces.put(error)
            finally:
                pieces.put(None)

        threading.Thread(target=work, name="llama-cpp-answer", daemon=True).start()
        try:
            while not cancel.is_set():
                try:
                    piece = pieces.get(timeout=POLL_INTERVAL_S)
                except queue.Empty:
                    continue
                if piece is None:
                    return
                if isinstance(piece, Exception):
                    raise AnswerBroken(ENGINE_FAULT) if started else _TemplateFailed(ENGINE_FAULT)
                if "error" in piece:
                    raise refusal(piece["error"], self._engine.window)
                started = True
                progress = piece.get("prompt_progress")
                if progress:
                    yield progress_notice(progress)
                counted.see(piece)
                if piece.get("choices"):
                    if not progress:
                        hear(_raw(piece["choices"][0]))
                    yield piece
        finally:
            closed.set()

    def _sent(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        prompt: Callable[[], Sequence[Piece]],
        request: Mapping[str, Any],
    ) -> SentRequest:
        # The tokens of the prompt are made again from its text, where somebody looks.
        body = {name: value for name, value in request.items() if name != "prompt"}
        return SentRequest(
            self.name,
            messages,
            tools,
            without_pictures(body),
            pieces=prompt,
            tokenize=self._tokens,
            count=self.count_tokens,
        )

    # -- the prompt ------------------------------------------------------------------------------

    def _pieces(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        switches: Mapping[str, Any] = NO_SWITCHES,
    ) -> list[Piece]:
        """The prompt; `switches` are variables of the template. Raises `ContextExceeded` if the
        window has no room for an answer."""
        if self._is_glm4:
            pieces = chat_template.glm4_pieces(messages, tools)
        else:
            pieces = chat_template.template_pieces(
                messages, tools, lambda turns: self._engine.apply_template(turns, switches=switches)
            )
        excess = len(self._ids(pieces)) + ANSWER_ROOM - self._engine.window
        if excess > 0:
            raise ContextExceeded(excess, self._engine.window)
        return pieces

    def _prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        return self._ids(self._pieces(messages, tools))

    def _ids(self, prompt: Sequence[Piece]) -> list[int]:
        return [token for piece in prompt for token in self._tokens(piece.text, piece.markup)]

    def _text(self, prompt: Sequence[Piece]) -> str:
        return "".join(p.text if p.markup else self._plain(p.text) for p in prompt)

    def _tokenize(self, text: str, markup: bool) -> tuple[int, ...]:
        return self._engine.tokenize(chat_completions.whole_text(text), markup)

    def _plain(self, text: str) -> str:
        """`text` without special tokens, for requests whose text llama.cpp tokenizes."""
        if self._tokens(text, True) == self._tokens(text, False):
            return text
        return text.replace("<", "<\u2060").replace("[", "[\u2060")


def _raw(choice: Mapping[str, Any]) -> str:
    text = choice.get("text")
    return text if isinstance(text, str) else json.dumps(choice, ensure_ascii=False) + "\n"


def _without_pictures(message: Message) -> Message:
    parts = (Text(part.line) if isinstance(part, Picture) else part for part in message.parts)
    return replace(message, parts=tuple(parts))


def _parts(path: Path) -> Iterable[Path]:
    """The file, or all parts of a model that is split into several."""
    name = re.sub(r"-\d{5}-of-(\d{5}\.gguf)$", r"-?????-of-\1", glob.escape(path.name))
    return path.parent.glob(name)
