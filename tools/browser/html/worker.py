"""What servers sent is turned into text in processes of their own.

A page can be made so that reading it takes minutes or all memory, or that a parser crashes;
there it costs one small process. And the app's other threads don't wait for it meanwhile.
Run as a module, this is such a process. From standard input it reads questions, JSON and then the
bytes in question, to standard output it writes answers in JSON, each with its length before it.
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

CPU_TIMEOUT_S = 10.0  # for one page
TIMEOUT_S = 60.0  # seconds by the clock until it is given up, on a machine that is busy
STARTING = 60.0  # seconds for a process to be ready, on a machine that is busy
PROCESSES = max(2, min(4, os.cpu_count() or 2))
MEMORY = 2 << 30  # bytes of address space of one process
POLL_INTERVAL_S = (
    0.005  # seconds between two looks for a free process; most pages take it for 20 ms
)
_READY = b"ready"
_LENGTH = struct.Struct(">I")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


class Extractor:
    """Up to `most` processes, started when they are needed and kept; the owners of pages take
    turns. A page gets `seconds` of the processor's time, not of the clock's."""

    def __init__(self, most: int = PROCESSES, seconds: float = CPU_TIMEOUT_S) -> None:
        self._seconds = seconds
        self._free: list[Process] = []
        self._all: set[Process] = set()
        self._most = most
        self._room = FairQueue(most)

    async def html(
        self, data: bytes, url: str, charset: str | None = None, owner: str = ""
    ) -> Text:
        """The main text of a page. `charset` is the one that its server declared. Raises
        ReadFailed."""
        return await self._ask({"url": url, "charset": charset}, data, owner)

    async def plain(
        self,
        data: bytes,
        title: str = "",
        charset: str | None = None,
        json: bool = False,
        owner: str = "",
    ) -> Text:
        """The text of what has no markup; JSON is laid out. Raises ReadFailed."""
        return await self._ask({"title": title, "charset": charset, "json": json}, data, owner)

    async def warm(self) -> None:
        """Have all processes ready."""
        if len(self._all) < self._most:
            pages = (self.html(b"<p>warm</p>", "http://localhost/") for _ in range(self._most))
            await asyncio.gather(*pages, return_exceptions=True)

    async def close(self) -> None:
        for process in list(self._all):
            await self._end(process)

    async def _ask(self, question: dict[str, Any], data: bytes, owner: str) -> Text:
        async with self._room.slot_async(owner, POLL_INTERVAL_S):
            answered, process = False, await self._process()
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    answer = await _exchange(process, question, data)
                answered = True
            except (OSError, EOFError, TimeoutError):
                raise ReadFailed("its text could not be made out in time") from None
            finally:
                # Stuck, or cancelled in the middle: what it would say next is not known.
                if answered:
                    self._free.append(process)
                else:
                    await self._end(process)
        answer["links"] = tuple(Link(**link) for link in answer["links"])
        answer["lines"] = tuple(answer["lines"])
        answer["signs"] = tuple(answer["signs"])
        return Text(**answer)

    async def _process(self) -> Process:
        while self._free:
            process = self._free.pop()
            if process.returncode is None:
                return process
            self._all.discard(process)
        return await self._start()

    async def _start(self) -> Process:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
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
            async with asyncio.timeout(STARTING):
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
        await asyncio.shield(process.wait())


async def _exchange(process: Process, question: dict[str, Any], data: bytes) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    for part in (json.dumps(question).encode(), data):
        process.stdin.write(_LENGTH.pack(len(part)))
        process.stdin.write(part)
    await process.stdin.drain()
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    answer: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
    return answer


def _serve(source: BinaryIO, sink: BinaryIO, seconds: float) -> None:
    """Answers until nobody asks any more."""
    sink.write(_READY)
    sink.flush()
    while (question := _part(source)) is not None and (data := _part(source)) is not None:
        # When the time is over, the signal ends the process.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        text = _text(json.loads(question), data)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answer = json.dumps(dataclasses.asdict(text)).encode()
        sink.write(_LENGTH.pack(len(answer)) + answer)
        sink.flush()


def _part(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH.size)
    return source.read(*_LENGTH.unpack(head)) if len(head) == _LENGTH.size else None


def _text(question: dict[str, Any], data: bytes) -> Text:
    if "url" in question:
        return html_text(decode_markup(data, question["charset"]), question["url"])
    text = decode(data, question["charset"])
    lines = json_lines(text) if question["json"] else text.splitlines()
    return plain_text(lines, question["title"])


if __name__ == "__main__":
    import resource

    import trafilatura  # noqa: F401 - ready means that the first page need not wait for it

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.basicConfig(level=logging.ERROR)
    _serve(sys.stdin.buffer, sys.stdout.buffer, float(sys.argv[1]))
