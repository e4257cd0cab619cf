"""Run as a module: the child process that reads one file, or draws one page of it.

It is asked on standard input, in a line of JSON, and answers on standard output, in frames of JSON:

    kind      the format
    length    how many pages there will be
    pages     some pages: number, text, what is unreadable, whether by OCR, where its words stand
    remark    a sentence on the whole file
    png       a page as it looks, in base 64
    error     why it can't be read; `locked` where it needs a password
    memory    there was too little of it
    log       for the log: what went wrong
    end       the last one
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import resource
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from tools.documents.base import (
    DocumentError,
    Length,
    Options,
    Page,
    PasswordNeeded,
    ReaderEvent,
    Remark,
    WordBox,
)

LENGTH = struct.Struct(">I")  # of a frame, before it
BATCH = 0.1  # seconds; pages are handed over together, for each frame costs something
INTERNAL_ERROR = "Something went wrong here while the file was read."
MAX_LOGGED_LINES = 20  # lines, a file

# Whatever a library would like to fetch or start for a file.
_FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.exec", "os.system")


class FrameWriter(logging.Handler):
    """Writes answers; as a handler of logging, what the libraries log as an error, too."""

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__(logging.ERROR)
        self._sink = sink
        self._logged = 0

    def tell(self, **answer: Any) -> None:
        # Half characters, which no file may bring in, become question marks.
        data = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
        self._sink.write(LENGTH.pack(len(data)) + data)
        self._sink.flush()

    def emit(self, record: logging.LogRecord) -> None:
        self._logged += 1
        if self._logged <= MAX_LOGGED_LINES:
            self.tell(log=self.format(record)[:2000])


def main() -> None:
    """Answer what is asked on standard input."""
    asked = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_who_asked, daemon=True).start()
    # Libraries print.
    teller = FrameWriter(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    logging.basicConfig(handlers=[teller], level=logging.ERROR)
    _confine(asked["limits"]["memory"], asked["limits"]["seconds"])
    try:
        _answer(asked, teller.tell)
    except PasswordNeeded as error:
        teller.tell(error=str(error), locked=True)
    except DocumentError as error:
        teller.tell(error=str(error))
    except FileNotFoundError:
        teller.tell(error="The file is no longer there.")
    except RecursionError:
        teller.tell(error="The file is nested too deeply.")
    except MemoryError:
        teller.tell(memory=True)
    except Exception:  # noqa: BLE001 - told, and logged by who asked
        teller.tell(log=traceback.format_exc()[-4000:])
        teller.tell(error=INTERNAL_ERROR)
    teller.tell(end=True)
    # What libraries do at the end of a process may take long, or crash.
    os._exit(0)


def _answer(asked: dict[str, Any], tell: Callable[..., None]) -> None:
    from tools.documents.formats import kind_of, reader
    from tools.documents.readers.office.encryption import opened

    drawing, options = asked.get("draw"), Options(**asked.get("options", {}))
    with opened(Path(asked["path"]), options.password) as path:
        kind = kind_of(path, asked["name"])
        tell(kind=kind)
        read = reader(kind)
        if drawing is None:
            _pass_on(read(path, options), asked["limits"]["characters"], tell)
            return
        draw = getattr(sys.modules[read.__module__], "draw", None)
        if draw is None:
            raise DocumentError("Files of this format have no pages that can be shown.")
        draw(path, **drawing).save(data := io.BytesIO(), "PNG")
        tell(png=base64.b64encode(data.getvalue()).decode())


def _pass_on(pieces: Iterable[ReaderEvent], room: int, tell: Callable[..., None]) -> None:
    """Tell what a reader yields, up to `room` characters of text."""
    most = room
    pages: list[tuple[int, str, tuple[str, ...], bool, tuple[WordBox, ...]]] = []
    told = time.monotonic()

    def hand_over() -> None:
        if pages:
            tell(pages=pages)
            pages.clear()

    try:
        for piece in pieces:
            match piece:
                case Length(count):
                    tell(length=count)
                case Remark(text):
                    tell(remark=text)
                case Page(number, text, unreadable, ocr, places):
                    pages.append((number, text[:room], unreadable, ocr, places))
                    room -= len(text)
                    if room < 0:
                        hand_over()
                        tell(remark=f"Only the first {most:,} characters were read.")
                        return
                    if time.monotonic() - told > BATCH:
                        hand_over()
                        told = time.monotonic()
    finally:
        hand_over()


def _end_with_who_asked() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _confine(memory: int, seconds: float) -> None:
    """Take from this process what a file has no need of."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: int(2 * seconds) + 1,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(limit, (most, most))
        except (OSError, ValueError):  # macOS knows no limit of address space
            logging.info("no limit %d", limit)
    if sys.platform == "linux":
        # Where memory runs short, this process goes first.
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError("a reader neither uses the network nor starts programs")


if __name__ == "__main__":
    main()
