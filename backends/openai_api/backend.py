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
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal

from backends import glm4
from backends.base import Capabilities, GenerationConfig, Images
from backends.chat_completions.chunks import ChunkReader, EventStream, Overflow
from backends.chat_completions.marks import LeftMarks
from backends.chat_completions.options import options_of, thinking_fields
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
from backends.errors import (
    AnswerBroken,
    ContextExceeded,
    ModelUnavailable,
    ServerUnreachable,
)
from backends.events import AnswerFinished, ModelEvent, Notice
from backends.messages import Message, Usage
from backends.openai_api.errors import (
    IdleTimeout,
    RequestFailure,
    broken,
    pause,
    user_message,
    web_page,
)
from backends.openai_api.server import (
    CLOSE_GRACE_S,
    Cancelled,
    Catalog,
    Transport,
    header_of,
    host_of,
    images_of,
)
from backends.sent_request import STRUCK_OUT, Hear, SentRequest, observed, without_pictures
from tools.base import ToolSpec

log = logging.getLogger(__name__)

Protocol = Literal["auto", "openai", "glm4"]

SMALL_ANSWER_TOKENS: Final = 2048
"""Tokens that any model's window holds: a shorter prompt is sent without a look at the window."""

USAGE_TIMEOUT_S: Final = 5.0
"""Seconds to wait for the usage once the answer itself has ended, and for the model list."""


class OpenAIBackend:
    """A model on a server.

    `url` ends before `/chat/completions`, mostly in `/v1`. Without `model` the first model of the
    server's list is used. A request without a byte for `idle_timeout` seconds is cancelled.
    `retries` is the number of retries before the first token, after 429, 5xx and lost
    connections. `context` is the window in tokens, None to use the one that the server reports.

    `protocol` is "openai" for native tool calls, or "glm4" for a server that returns raw GLM-4
    text; "auto" is "openai", and reads calls that the server left in the text. `sees` declares
    that the model takes pictures, where neither its name nor the server says so.

    Raises `ModelUnavailable` for an invalid `url`, `RequestRefused` for an invalid `api_key`.
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
        self._raw, self._auto = protocol == "glm4", protocol == "auto"
        self._model, self._context, self._sees = model, context, sees
        self._idle, self._retries = idle_timeout, retries
        self._refused: frozenset[str] = frozenset()
        self._transport = Transport(url, self._key)
        self._catalog = Catalog(self._transport, model)

    @property
    def name(self) -> str:
        model = self._model or self._catalog.glance().model or ""
        # vLLM names a model that was loaded from a folder by the folder's path.
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
            options=options_of(self._refused, self._raw),
        )

    def _images(self) -> Images:
        """By the model's name and the cached model list; makes no request."""
        offer = self._catalog.known
        if self._raw:
            return "none"
        return images_of(self._model or offer.model or "", self._sees or offer.sees)

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int | None:
        return None

    def check(self) -> None:
        """Asks for the list of models. Raises `BackendError` where the server does not answer or
        refuses the key; a server without a list has answered."""
        timeout = min(self._idle, USAGE_TIMEOUT_S)
        try:
            self._catalog.ask(timeout, threading.Event(), anew=True)
        except IdleTimeout:
            raise ServerUnreachable(
                f"The model server at {self._host} was silent for {timeout:g} seconds. "
                "Check GLM_MODEL, and that the server is running."
            ) from None
        except RequestFailure as error:
            if error.status in (None, 401, 403) or error.status >= 500 or web_page(error.body):
                raise user_message(error, self._host, self._key) from None

    def close(self) -> None:
        self._transport.close()

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        timer = _AnswerTimer()
        names = names_of(messages, tools)
        reader = self._new_reader(names, tools)
        failures = 0
        while True:
            try:
                if cancel.is_set():
                    raise Cancelled
                body = self._body(messages, tools, names, config, cancel)
                hear = observed(config.observer, partial(self._sent, messages, tools, body))
                with closing(self._answer(body, reader, cancel, hear)) as events:
                    for event in events:
                        timer.mark_event()
                        yield event
                break
            except Cancelled:
                yield from reader.finish(complete=False)
                yield AnswerFinished("cancelled", timer.usage(reader))
                return
            except (IdleTimeout, Overflow, AnswerBroken, RequestFailure) as error:
                if reader.pieces or not isinstance(error, RequestFailure):
                    yield from reader.finish(complete=False)
                    raise broken(
                        error, self._host, self._idle, reader.pieces > 0, self._key
                    ) from None
                reader = self._new_reader(names, tools)
                if self._drop_refused_options(error):
                    continue
                failures += 1
                if failures > self._retries or not error.passing:
                    log.info("%s: status %s", self._host, error.status)
                    raise user_message(error, self._host, self._key) from None
                yield from self._wait_for_retry(error, failures, cancel)
        for event in reader.finish():
            timer.mark_event()
            yield event
        if reader.fault:
            raise AnswerBroken(reader.fault)
        yield AnswerFinished(reader.finish_reason, timer.usage(reader))

    def _answer(
        self, body: Mapping[str, Any], reader: ChunkReader, cancel: threading.Event, hear: Hear
    ) -> Generator[ModelEvent]:
        """The events of one request. Raises unless the answer ended properly."""
        stream = EventStream()
        yield from self._streamed(stream, body, reader, cancel, hear)
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
        hear: Hear,
    ) -> Generator[ModelEvent]:
        response = self._transport.chat(body)
        usage_timeout, grace = min(self._idle, USAGE_TIMEOUT_S), 0.0
        try:
            while True:
                try:
                    data = response.read(usage_timeout if reader.ended else self._idle, cancel)
                except (IdleTimeout, RequestFailure):
                    if reader.ended:  # only the usage is missing
                        return
                    raise
                for event in stream.finish() if data is None else stream.feed(data):
                    hear(f"{event}\n")
                    if event.startswith("[DONE]"):
                        reader.end()
                        grace = CLOSE_GRACE_S
                        return
                    yield from _events_of(event, reader)
                if data is None:
                    break
        finally:
            response.close(grace)
        if not stream.seen:
            text = stream.unread.decode("utf-8", "replace")
            if web_page(text):
                raise RequestFailure(200, text)
            if text.strip():
                hear(text)
                yield from _events_of(text, reader)
        if not reader.ended:
            raise AnswerBroken(
                "The model server closed the connection and the answer broke off. "
                "Retry to ask again."
            )

    def _sent(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], body: Mapping[str, Any]
    ) -> SentRequest:
        return SentRequest(
            self.name,
            messages,
            tools,
            without_pictures(body),
            self._transport.shown_url,
            self._key is not None,
            strike=self._struck_out,
        )

    def _struck_out(self, text: str) -> str:
        return text.replace(self._key, STRUCK_OUT) if self._key else text

    def _new_reader(self, names: Names, tools: Sequence[ToolSpec]) -> ChunkReader:
        if self._raw:
            return ChunkReader(parser=glm4.Parser(tools))
        # Where the protocol is given, the server's own parser is trusted with the calls.
        sent = [replace(spec, name=names.sent(spec.name)) for spec in tools] if self._auto else []
        own = {names.sent(spec.name): spec.name for spec in tools}
        return ChunkReader(own, LeftMarks(sent))

    def _body(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        names: Names,
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> dict[str, Any]:
        """The request's body. May request the model list, and raises as `Catalog.ask` does."""
        model = self._model or self._catalog.ask(self._idle, cancel).model
        if model is None:
            raise ModelUnavailable(
                f"The server at {self._host} offers no model. "
                "Name one in GLM_MODEL, after the address and a #."
            )
        sent = (
            glm4_messages(messages, tools)
            if self._raw
            # Servers of a GLM tokenize special tokens in the users' text too.
            else chat_messages(messages, names, glm4.defuse if "glm" in model.lower() else str)
        )
        self._check_size(sent, cancel)
        body = request_body(model, sent, config)
        if not self._raw:
            body |= tool_fields(tools, names, config) | thinking_fields(config, self._host)
        return without(body, self._refused)

    def _check_size(self, messages: Sequence[Mapping[str, Any]], cancel: threading.Event) -> None:
        """Raises `ContextExceeded` for a prompt that exceeds the window with any tokenizer; the
        server checks the others."""
        if most_of_least(messages) <= SMALL_ANSWER_TOKENS:
            return
        try:
            window = (
                self._context or self._catalog.ask(min(self._idle, USAGE_TIMEOUT_S), cancel).context
            )
        except (RequestFailure, IdleTimeout):
            return  # the request itself fails with the better message
        # The cheap upper bound first: most long conversations fit anyway.
        if window and most_of_least(messages) > window:
            least = least_tokens(messages)
            if least > window:
                raise ContextExceeded(least - window, window)

    def _drop_refused_options(self, fault: RequestFailure) -> bool:
        """Leaves rejected options out of all further requests. Returns whether any was new."""
        refused = refused_options(fault.body) if fault.status in (400, 422) else frozenset()
        new = refused - self._refused
        self._refused |= new
        return bool(new)

    def _wait_for_retry(
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


class _AnswerTimer:
    """The times of one answer in seconds, as the user experiences them: with all retries."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._first: float | None = None

    def mark_event(self) -> None:
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


def _events_of(event: str, reader: ChunkReader) -> list[ModelEvent]:
    """The model events of one server-sent event. Raises `RequestFailure` for an error message,
    `AnswerBroken` for data that is not JSON."""
    try:
        chunk = json.loads(event)
    except (ValueError, RecursionError):
        raise AnswerBroken(
            "The model server sent something unreadable and the answer broke off. "
            "Does its address end in /v1? Retry to ask again."
        ) from None
    if not isinstance(chunk, Mapping):
        return []
    if fault := _error_in(chunk):
        raise fault
    return reader.feed(chunk)


def _error_in(chunk: Mapping[str, Any]) -> RequestFailure | None:
    """The error that a server sends in place of a chunk, under a status of 200."""
    error = chunk.get("error")
    if not error and chunk.get("object") != "error":
        return None
    code = error.get("code") if isinstance(error, Mapping) else chunk.get("code")
    known = isinstance(code, int) and 400 <= code < 600
    return RequestFailure(code if known else 500, json.dumps(chunk, ensure_ascii=False))
