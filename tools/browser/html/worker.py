"""Extracts the text of web pages in worker processes.

A hostile page can make a parser run for minutes, use all memory, or crash; in a worker it costs one
small process, and the app's other threads don't wait for it. Run as a module, this file is such a
worker: it reads requests (JSON, then the bytes of the page) from standard input and writes
responses (JSON) to standard output, each part with its length before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import signal
import struct
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any, BinaryIO

from tools.browser.base import Link, ReadFailed
from tools.browser.html.main_text import Text, html_text, json_lines, plain_text
from tools.documents.encoding.detect import decode, decode_markup
from tools.fair_queue import FairQueue

CPU_TIMEOUT_S = 10.0  # of processor time for one page
TIMEOUT_S = 60.0  # of wall-clock time for one page, enough on a busy machine
START_TIMEOUT_S = 60.0  # of a worker, enough on a busy machine
PROCESSES = max(2, min(4, os.cpu_count() or 2))
MAX_PROCESS_BYTES = 2 << 30  # address space of one worker
POLL_INTERVAL_S = 0.005  # between two checks for a free worker; most pages take 20 ms
_READY = b"ready"
_LENGTH = struct.Struct(">I")
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


class Extractor:
    """A pool of up to `most` workers, started on demand; visitors take turns in a fair queue.

    `seconds` is the limit of processor time for one page.
    """

    def __init__(self, most: int = PROCESSES, seconds: float = CPU_TIMEOUT_S) -> None:
        self._seconds = seconds
        self._free: list[Process] = []
        self._all: set[Process] = set()
        self._most = most
        self._queue = FairQueue(most)

    async def html(
        self, data: bytes, url: str, charset: str | None = None, owner: str = ""
    ) -> Text:
        """The main text of an HTML page.

        `charset` is the one that its server declared; `owner` is the visitor's key in the queue.
        Raises ReadFailed.
        """
        return await self._request({"url": url, "charset": charset}, data, owner)

    async def plain(
        self,
        data: bytes,
        title: str = "",
        charset: str | None = None,
        json: bool = False,
        owner: str = "",
    ) -> Text:
        """The text of a file without markup; JSON is indented. Raises ReadFailed."""
        return await self._request({"title": title, "charset": charset, "json": json}, data, owner)

    async def warm(self) -> None:
        """Starts all workers."""
        if len(self._all) < self._most:
            pages = (self.html(b"<p>warm</p>", "http://localhost/") for _ in range(self._most))
            await asyncio.gather(*pages, return_exceptions=True)

    async def close(self) -> None:
        for process in list(self._all):
            await self._end(process)

    async def _request(self, request: dict[str, Any], data: bytes, owner: str) -> Text:
        async with self._queue.slot_async(owner, POLL_INTERVAL_S):
            completed, process = False, await self._process()
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    response = await _exchange(process, request, data)
                completed = True
            except (OSError, EOFError, TimeoutError):
                raise ReadFailed("its text could not be made out in time") from None
            finally:
                # A worker that hangs, or whose request was cancelled, may still send a response.
                if completed:
                    self._free.append(process)
                else:
                    await self._end(process)
        response["links"] = tuple(Link(**link) for link in response["links"])
        response["lines"] = tuple(response["lines"])
        response["signs"] = tuple(response["signs"])
        return Text(**response)

    async def _process(self) -> Process:
        while self._free:
            process = self._free.pop()
            if process.returncode is None:
                return process
            self._all.discard(process)
        return await self._start()

    async def _start(self) -> Process:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            str(self._seconds),
            stdin=PIPE,
            stdout=PIPE,
            env=environment,
        )
        self._all.add(process)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await process.stdout.readexactly(len(_READY))
        except BaseException as error:
            await self._end(process)
            if isinstance(error, TimeoutError | EOFError):
                raise ReadFailed("what takes the text out of pages did not start") from None
            raise
        return process

    async def _end(self, process: Process) -> None:
        self._all.discard(process)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await asyncio.shield(_ended(process))


async def _ended(process: Process) -> None:
    """Waits for the end of a killed worker and of what it wrote: until then asyncio keeps its
    pipes open, and closing them needs the event loop."""
    await process.wait()
    assert process.stdout is not None
    with contextlib.suppress(RuntimeError):  # a request reads it, and comes here itself
        await process.stdout.read()


async def _exchange(process: Process, request: dict[str, Any], data: bytes) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    for part in (json.dumps(request).encode(), data):
        process.stdin.write(_LENGTH.pack(len(part)))
        process.stdin.write(part)
    await process.stdin.drain()
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    response: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
    return response


def _serve(source: BinaryIO, sink: BinaryIO, seconds: float) -> None:
    """Handles requests until the end of the input."""
    sink.write(_READY)
    sink.flush()
    while (request := _part(source)) is not None and (data := _part(source)) is not None:
        # When the processor time is used up, the signal ends the process.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        text = _text(json.loads(request), data)
        signal.setitimer(signal.ITIMER_PROF, 0)
        response = json.dumps(dataclasses.asdict(text)).encode()
        sink.write(_LENGTH.pack(len(response)) + response)
        sink.flush()


def _part(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH.size)
    return source.read(*_LENGTH.unpack(head)) if len(head) == _LENGTH.size else None


def _text(request: dict[str, Any], data: bytes) -> Text:
    if "url" in request:
        return html_text(decode_markup(data, request["charset"]), request["url"])
    text = decode(data, request["charset"])
    lines = json_lines(text) if request["json"] else text.splitlines()
    return plain_text(lines, request["title"])


if __name__ == "__main__":
    import resource

    import trafilatura  # noqa: F401 - imported before the first request

    resource.setrlimit(resource.RLIMIT_AS, (MAX_PROCESS_BYTES, MAX_PROCESS_BYTES))
    logging.basicConfig(level=logging.ERROR)
    _serve(sys.stdin.buffer, sys.stdout.buffer, float(sys.argv[1]))
