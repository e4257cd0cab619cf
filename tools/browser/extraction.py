"""HTML is turned into text in processes of their own.

A page can be made so that reading it takes minutes or all memory, or that a parser crashes;
there it costs one small process. And the app's other threads don't wait for it meanwhile.
Run as a module, this is such a process: frames of JSON from standard input to standard output.
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
from tools.browser.text import Text, html_text, plain_text

SECONDS = 10.0  # for one page
PATIENCE = 60.0  # seconds by the clock until it is given up, on a machine that is busy
STARTING = 60.0  # seconds for a process to be ready, on a machine that is busy
MEMORY = 2 << 30  # bytes of address space of one process
_READY = b"ready"
_LENGTH = struct.Struct(">I")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


class Extractor:
    """Up to `most` processes, started when they are needed and kept. A page gets `seconds` of
    the processor's time, not of the clock's."""

    def __init__(self, most: int = 2, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._free: list[Process] = []
        self._all: set[Process] = set()
        self._room = asyncio.Semaphore(most)

    async def html(self, html: str, url: str) -> Text:
        """The main text of a page. Raises ReadFailed."""
        return await self._ask({"html": html, "url": url})

    async def plain(self, lines: list[str], title: str = "") -> Text:
        """The text of what has no markup. Raises ReadFailed."""
        return await self._ask({"lines": lines, "title": title})

    async def warm(self) -> None:
        """Have one process ready."""
        with contextlib.suppress(ReadFailed):
            await self.html("<p>warm</p>", "http://localhost/")

    async def close(self) -> None:
        for process in list(self._all):
            await self._end(process)

    async def _ask(self, question: dict[str, Any]) -> Text:
        async with self._room:
            answered, process = False, await self._process()
            try:
                async with asyncio.timeout(PATIENCE):
                    answer = await _exchange(process, question)
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
        await asyncio.shield(process.wait())


async def _exchange(process: Process, question: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    data = json.dumps(question).encode()
    process.stdin.write(_LENGTH.pack(len(data)) + data)
    await process.stdin.drain()
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    answer: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
    return answer


def _serve(source: BinaryIO, sink: BinaryIO, seconds: float) -> None:
    """Answers until nobody asks any more."""
    sink.write(_READY)
    sink.flush()
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        question = json.loads(source.read(_LENGTH.unpack(head)[0]))
        # When the time is over, the signal ends the process.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        if "html" in question:
            text = html_text(question["html"], question["url"])
        else:
            text = plain_text(question["lines"], question["title"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        data = json.dumps(dataclasses.asdict(text)).encode()
        sink.write(_LENGTH.pack(len(data)) + data)
        sink.flush()


if __name__ == "__main__":
    import resource

    import trafilatura  # noqa: F401 - ready means that the first page need not wait for it

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.basicConfig(level=logging.ERROR)
    _serve(sys.stdin.buffer, sys.stdout.buffer, float(sys.argv[1]))
