"""Any server that speaks the OpenAI chat-completions API."""

from __future__ import annotations

import json
import logging
import math
import re
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final, Literal

from backends import glm4
from backends.base import Capabilities, GenerationConfig, Images
from backends.chat_completions.chunks import ChunkReader, EventStream, Overflow
from backends.chat_completions.request import (
    Names,
    chat_messages,
    glm4_messages,
    least_tokens,
    most_of_least,
    names_of,
    refused_options,
    request_body,
    tool_fields,
    without,
)
from backends.errors import AnswerBroken, ContextExceeded, ModelUnavailable
from backends.events import AnswerFinished, ModelEvent, Notice
from backends.messages import Message, Usage
from backends.openai_api.errors import (
    IdleTimeout,
    RequestFailure,
    broken,
    error_in,
    pause,
    user_message,
    web_page,
)
from backends.openai_api.model_list import Catalog, images_of
from backends.openai_api.transport import GRACE, Cancelled, Transport, header_of, host_of
from tools.base import ToolSpec

log = logging.getLogger(__name__)

Protocol = Literal["auto", "openai", "glm4"]

SMALL_ANSWER_TOKENS: Final = 2048
"""Tokens that any model's window holds: a shorter prompt needs no question about the window."""

AFTERWARDS: Final = 5.0
"""Seconds to wait for the usage once the answer itself has ended."""


class OpenAIBackend:
    """A model on a server.

    `url` ends before `/chat/completions`, mostly in `/v1`. Without a `model` it is the first
    that the server lists. A server that sends no byte for `idle_timeout` seconds is given up.
    `retries` are those before the first token, of 429, 5xx and lost connections. `context` is
    the window in tokens, where the server's own word is not to be asked or trusted.

    `protocol` is "openai" for native tool calls, or "glm4" for a server that returns raw GLM-4
    text; "auto" is "openai", for a server does not say which of the two it does. `sees` says
    that the model is one for pictures, where neither its name nor the server tells.

    Raises `ModelUnavailable` for an address that is none.
    """

    def __init__(
        self,
        url: str,
        model: str | None,
        api_key: str | None,
        protocol: Protocol = "auto",
        idle_timeout: float = 60.0,
        retries: int = 3,
        context: int | None = None,
        sees: bool = False,
    ) -> None:
        self._host = host_of(url)
        self._key = header_of(api_key)
        self._raw = protocol == "glm4"
        self._model, self._context, self._sees = model, context, sees
        self._idle, self._retries = idle_timeout, retries
        self._refused: frozenset[str] = frozenset()
        self._wire = Transport(url, self._key)
        self._catalog = Catalog(self._wire, model)

    @property
    def name(self) -> str:
        model = self._model or self._catalog.glance().model or ""
        # vLLM calls a model that it was given as a folder by the folder's path.
        shown = re.split(r"[/\\]", model)[-1] if re.match(r"[/\\.~]|\w:[/\\]", model) else model
        return f"{shown} at {self._host}" if shown else self._host

    @property
    def capabilities(self) -> Capabilities:
        context = self._context or self._catalog.glance().context
        return Capabilities(
            context=context,
            native_tools=self._raw,
            forced_tool=not self._raw,
            images=self._images(),
            reasoning=True,
        )

    def _images(self) -> Images:
        """What the server has said by now counts; it is not asked for this."""
        offer = self._catalog.known
        if self._raw:
            return "none"
        return images_of(self._model or offer.model or "", self._sees or offer.sees)

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int | None:
        return None

    def close(self) -> None:
        self._wire.close()

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        watch = _Watch()
        names = names_of(messages, tools)
        reader = self._reader(names, tools)
        failures = 0
        while True:
            try:
                if cancel.is_set():
                    raise Cancelled
                body = self._body(messages, tools, names, config, cancel)
                with closing(self._answer(body, reader, cancel)) as events:
                    for event in events:
                        watch.look()
                        yield event
                break
            except Cancelled:
                yield from reader.finish(complete=False)
                yield AnswerFinished("cancelled", watch.usage(reader))
                return
            except (IdleTimeout, Overflow, AnswerBroken, RequestFailure) as trouble:
                if reader.pieces or not isinstance(trouble, RequestFailure):
                    yield from reader.finish(complete=False)
                    raise broken(
                        trouble, self._host, self._idle, reader.pieces > 0, self._key
                    ) from None
                reader = self._reader(names, tools)
                if self._without(trouble):
                    continue
                failures += 1
                if failures > self._retries or not trouble.passing:
                    log.info("%s: status %s", self._host, trouble.status)
                    raise user_message(trouble, self._host, self._key) from None
                yield from self._wait(trouble, failures, cancel)
        for event in reader.finish():
            watch.look()
            yield event
        if reader.fault:
            raise AnswerBroken(reader.fault)
        yield AnswerFinished(reader.finish_reason, watch.usage(reader))

    def _answer(
        self, body: Mapping[str, Any], reader: ChunkReader, cancel: threading.Event
    ) -> Generator[ModelEvent]:
        """The events of one request. Returns when the answer ended properly, else raises."""
        stream = EventStream()
        yield from self._streamed(stream, body, reader, cancel)
        if stream.rubbish:
            raise AnswerBroken(
                f"The model server sent {stream.rubbish:,} bytes that could not be read amid the "
                "answer: a part of it may be missing. Retry to ask again."
            )

    def _streamed(
        self,
        stream: EventStream,
        body: Mapping[str, Any],
        reader: ChunkReader,
        cancel: threading.Event,
    ) -> Generator[ModelEvent]:
        exchange = self._wire.chat(body)
        afterwards, grace = min(self._idle, AFTERWARDS), 0.0
        try:
            while True:
                try:
                    data = exchange.read(afterwards if reader.ended else self._idle, cancel)
                except (IdleTimeout, RequestFailure):
                    if reader.ended:  # only the usage is missing
                        return
                    raise
                for event in stream.finish() if data is None else stream.feed(data):
                    if event.startswith("[DONE]"):
                        reader.end()
                        grace = GRACE
                        return
                    yield from _read(event, reader)
                if data is None:
                    break
        finally:
            exchange.close(grace)
        if not stream.seen:
            whole = stream.unread.decode("utf-8", "replace")
            if web_page(whole):
                raise RequestFailure(200, whole)
            if whole.strip():
                yield from _read(whole, reader)
        if not reader.ended:
            raise AnswerBroken(
                "The model server closed the connection and the answer broke off. "
                "Retry to ask again."
            )

    def _reader(self, names: Names, tools: Sequence[ToolSpec]) -> ChunkReader:
        if self._raw:
            return ChunkReader(parser=glm4.Parser(tools))
        return ChunkReader({names.sent(spec.name): spec.name for spec in tools})

    def _body(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        names: Names,
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> dict[str, Any]:
        """The request. May ask the server for its models first, and raises as that does."""
        model = self._model or self._catalog.ask(self._idle, cancel).model
        if model is None:
            raise ModelUnavailable(
                f"The server at {self._host} offers no model. "
                "Name one in GLM_MODEL, after the address and a #."
            )
        sent = (
            glm4_messages(messages, tools)
            if self._raw
            # Servers of a GLM tokenize its special tokens wherever they stand, as in a text.
            else chat_messages(messages, names, glm4.defuse if "glm" in model.lower() else str)
        )
        self._fits(sent, cancel)
        body = request_body(model, sent, config)
        if not self._raw:
            body |= tool_fields(tools, names, config)
        return without(body, self._refused)

    def _fits(self, messages: Sequence[Mapping[str, Any]], cancel: threading.Event) -> None:
        """Refuse what can't fit, however well it is tokenized. The server judges the rest."""
        if most_of_least(messages) <= SMALL_ANSWER_TOKENS:
            return
        try:
            window = self._context or self._catalog.ask(min(self._idle, AFTERWARDS), cancel).context
        except (RequestFailure, IdleTimeout):
            return  # the question itself will tell what the matter is
        # Nothing is counted in a long conversation that fits in any case.
        if window and most_of_least(messages) > window:
            least = least_tokens(messages)
            if least > window:
                raise ContextExceeded(least - window, window)

    def _without(self, fault: RequestFailure) -> bool:
        """Leave out of all further requests an option that the server does not know."""
        refused = refused_options(fault.body) if fault.status in (400, 422) else frozenset()
        news = refused - self._refused
        self._refused |= news
        return bool(news)

    def _wait(
        self, fault: RequestFailure, failures: int, cancel: threading.Event
    ) -> Iterator[ModelEvent]:
        seconds = pause(failures, fault.retry_after)
        matter = "does not answer" if fault.status is None else "is busy"
        yield Notice(
            f"The server {matter}; trying again in {max(1, math.ceil(seconds))} s "
            f"({failures} of {self._retries})"
        )
        cancel.wait(seconds)
        yield Notice("")


class _Watch:
    """Times one answer, in seconds, as the user feels it: retries are part of it."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._first: float | None = None

    def look(self) -> None:
        if self._first is None:
            self._first = time.monotonic() - self._start

    def usage(self, reader: ChunkReader) -> Usage:
        tokens, seconds = reader.usage, time.monotonic() - self._start
        return Usage(
            tokens.prompt_tokens,
            tokens.cached_tokens,
            tokens.completion_tokens,
            self._first,
            seconds,
        )


def _read(event: str, reader: ChunkReader) -> list[ModelEvent]:
    """The model events in one server-sent event. Raises `RequestFailure` for an error, or for data
    of no known form."""
    try:
        chunk = json.loads(event)
    except (ValueError, RecursionError):
        raise AnswerBroken(
            "The model server sent something unreadable and the answer broke off. "
            "Does its address end in /v1? Retry to ask again."
        ) from None
    if not isinstance(chunk, Mapping):
        return []
    if fault := error_in(chunk):
        raise fault
    return reader.feed(chunk)
