"""An OpenAI-compatible server that answers from a script, over real HTTP on loopback.

    script = [Status(503), [Text("It is "), ToolCall("add", {"a": 1}), Finish("tool_calls")]]
    with ScriptedServer(script) as server:
        backend = OpenAIBackend(server.url, "scripted", None)
        ...
        assert server.requests[0].body["messages"][-1]["content"] == "hello"

A script is a list of answers, one a request (the last one for all that follow), or a function
from the request's body to an answer. An answer is a step or a list of steps; `Finish` may be
left out of plain ones. All runs on one event loop in one thread: dozens of streams at once.

By hand: `python -m tests.support.scripted_server --port 8000 --rate 100` echoes what it is told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any

from tests.support.scripted_steps import (
    MODEL,
    Chunk,
    Delta,
    Drop,
    End,
    Endless,
    Finish,
    Raw,
    Reasoning,
    Script,
    Status,
    Step,
    Text,
    ToolCall,
    Usage,
    Wait,
    chunk,
    completion,
    echo,
    pieces,
    usage,
)


@dataclass
class Request:
    """One request as it came. `gone` is set when the client closed before the answer's end, and
    `done` when the server is through with it; both can be waited for."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    arrived: float = field(default_factory=time.monotonic)
    gone: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


class ScriptedServer:
    """Serves `script` on `port` (0: a free one) from `start` or `with` to `stop`.

    `models` is the `data` of `/v1/models`, or a `Status`. `requests` holds all chat requests in
    the order in which they came, `others` the rest; `connections` counts those opened.
    """

    def __init__(
        self,
        script: Script = (),
        port: int = 0,
        models: Sequence[Mapping[str, Any]] | Status = ({"id": MODEL, "object": "model"},),
    ) -> None:
        self.script, self.models = script, models
        self.requests: list[Request] = []
        self.others: list[Request] = []
        self.connections = 0
        self._port = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scripted-server", daemon=True)

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """The address to give to a client, ending in `/v1`."""
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> ScriptedServer:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the scripted server did not start")
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)

    def __enter__(self) -> ScriptedServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._client, "127.0.0.1", self._port)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()  # and asyncio.run cancels what is still being answered

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await _request(reader)) is not None:
                connection = _Connection(reader, writer, request.gone)
                try:
                    await self._answer(request, connection)
                finally:
                    request.done.set()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Request, connection: _Connection) -> None:
        if request.method == "POST" and request.path.endswith("/chat/completions"):
            self.requests.append(request)
            await _play(self._next(request), request.body, connection)
            return
        self.others.append(request)
        if request.method == "GET" and request.path.endswith("/models"):
            status = self.models
            if not isinstance(status, Status):
                status = Status(200, {"object": "list", "data": list(status)})
            await connection.whole(status)
        else:
            await connection.whole(Status(404, {"detail": "Not Found"}))

    def _next(self, request: Request) -> list[Step]:
        if callable(self.script):
            answer = self.script(request.body)
        elif self.script:
            answer = self.script[min(len(self.requests), len(self.script)) - 1]
        else:
            answer = Status(500, {"error": {"message": "the script is empty"}})
        return list(answer) if isinstance(answer, Sequence) else [answer]


class _Connection:
    """Writes one HTTP/1.1 answer."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gone: threading.Event,
    ) -> None:
        self._reader, self._writer, self._gone = reader, writer, gone
        self._begun = False

    def look(self) -> None:
        """Raise `ConnectionError` if the client has disconnected."""
        if self._reader.at_eof() or self._writer.is_closing():
            self._gone.set()
            raise ConnectionAbortedError

    async def sleep(self, seconds: float) -> None:
        """Wait, but no longer than the client does."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.look()
            await asyncio.sleep(min(left, 0.02))

    async def send(self, data: bytes) -> None:
        """A piece of a streamed body."""
        if not self._begun:
            self._begun = True
            self._head(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
        self.look()
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        try:
            await self._writer.drain()
        except ConnectionError:
            self._gone.set()
            raise

    async def event(self, value: Any) -> None:
        await self.send(b"data: " + json.dumps(value).encode() + b"\n\n")

    async def end(self) -> None:
        if not self._begun:
            self._head(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def whole(self, status: Status) -> None:
        page = isinstance(status.body, str)
        body = str(status.body) if page else json.dumps(status.body)
        data = body.encode()
        length = {"Content-Length": str(len(data))}
        self._head(
            status.code, "text/html" if page else "application/json", length | {**status.headers}
        )
        self._writer.write(data)
        await self._writer.drain()

    def drop(self) -> None:
        self._writer.transport.abort()
        raise ConnectionAbortedError

    def _head(self, code: int, kind: str, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {code} {HTTPStatus(code).phrase}", f"Content-Type: {kind}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))


async def _request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, None when it was closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {key.strip().lower(): value.strip() for key, _, value in pairs}
    data = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path.partition("?")[0], headers, json.loads(data) if data else {})


async def _play(steps: Sequence[Step], body: Mapping[str, Any], connection: _Connection) -> None:
    if not body.get("stream"):
        await connection.whole(completion(steps, body))
        return
    finished = False
    for step in steps:
        finished = finished or isinstance(step, Finish)
        match step:
            case Status():
                await connection.whole(step)
                return
            case Wait(seconds):
                await connection.sleep(seconds)
            case Raw(data):
                await connection.send(data)
            case End():
                await connection.end()
                return
            case Drop():
                connection.drop()
            case Usage():
                if (body.get("stream_options") or {}).get("include_usage"):
                    await connection.event(chunk(body) | {"choices": [], "usage": usage(step)})
            case Chunk(value):
                await connection.event(value)
            case Finish(reason):
                await connection.event(chunk(body, {}, reason))
            case _:
                async for delta in _deltas(step, connection):
                    await connection.event(chunk(body, delta))
    if not finished:
        await connection.event(chunk(body, {}, "stop"))
    await connection.send(b"data: [DONE]\n\n")
    await connection.end()


async def _deltas(
    step: Text | Reasoning | ToolCall | Delta | Endless, connection: _Connection
) -> AsyncIterator[Mapping[str, Any]]:
    match step:
        case Delta(delta):
            yield delta
        case Reasoning(text, key):
            yield {key: text}
        case Text(text, size, rate):
            begun = time.monotonic()
            for number, piece in enumerate(pieces(text, size)):
                if rate:  # by the clock, so that many streams keep their rate together
                    await connection.sleep(begun + number / rate - time.monotonic())
                yield {"content": piece}
        case Endless(text, rate):
            begun, number = time.monotonic(), 0
            while True:
                yield {"content": text}
                number += 1
                await connection.sleep(begun + number / rate - time.monotonic())
        case ToolCall(name, arguments, identity, index, size):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            function = {"name": name, "arguments": ""}
            call = {"index": index, "id": identity, "type": "function", "function": function}
            yield {"tool_calls": [call]}
            for piece in pieces(text, size):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--rate", type=float, default=50.0, help="pieces of 4 characters a second")
    arguments = parser.parse_args()
    server = ScriptedServer(echo(arguments.rate), arguments.port).start()
    print(f"{server.url}#{MODEL}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
