"""The worker process, run as a module: it reads one file, or renders one page of it.

The request is a line of JSON on standard input; answers are frames of JSON on standard output:

    kind      the format
    length    the number of pages to come
    pages     some pages: number, text, unreadable parts, whether by OCR, boxes of its words
    remark    a sentence for the user on the whole file
    png       a rendered page, in base 64
    error     why the file can't be read; with `locked` if it needs a password
    memory    the limit on memory was reached
    log       an error message for the log
    end       the last answer
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

LENGTH = struct.Struct(">I")  # precedes each frame: its length in bytes
BATCH_INTERVAL_S = 0.1  # between two frames of pages, because each frame has a cost
INTERNAL_ERROR = "Something went wrong here while the file was read."
MAX_LOGGED_LINES = 20  # for each file

# Audit events (sys.addaudithook) of what a library must not do for a file.
_FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.exec", "os.system")


class FrameWriter(logging.Handler):
    """Writes answers as frames; as a logging handler also the errors that libraries log."""

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__(logging.ERROR)
        self._sink = sink
        self._logged = 0

    def send(self, **answer: Any) -> None:
        # Lone surrogates, which JSON in UTF-8 can't carry, become question marks.
        data = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
        self._sink.write(LENGTH.pack(len(data)) + data)
        self._sink.flush()

    def emit(self, record: logging.LogRecord) -> None:
        self._logged += 1
        if self._logged <= MAX_LOGGED_LINES:
            self.send(log=self.format(record)[:2000])


def main() -> None:
    """Answer the request on standard input."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Libraries may print: standard output is redirected to standard error.
    writer = FrameWriter(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    logging.basicConfig(handlers=[writer], level=logging.ERROR)
    _limit_process(request["limits"]["memory"], request["limits"]["seconds"])
    try:
        _respond(request, writer.send)
    except PasswordNeeded as error:
        writer.send(error=str(error), locked=True)
    except DocumentError as error:
        writer.send(error=str(error))
    except FileNotFoundError:
        writer.send(error="The file is no longer there.")
    except RecursionError:
        writer.send(error="The file is nested too deeply.")
    except MemoryError:
        writer.send(memory=True)
    except Exception:  # noqa: BLE001 - reported, and logged by the parent
        writer.send(log=traceback.format_exc()[-4000:])
        writer.send(error=INTERNAL_ERROR)
    writer.send(end=True)
    # Exit handlers of libraries are skipped, because they may take long, or crash.
    os._exit(0)


def _respond(request: dict[str, Any], send: Callable[..., None]) -> None:
    from tools.documents.formats import kind_of, reader
    from tools.documents.readers.office.encryption import opened

    drawing, options = request.get("draw"), Options(**request.get("options", {}))
    with opened(Path(request["path"]), options.password) as path:
        kind = kind_of(path, request["name"])
        send(kind=kind)
        read = reader(kind)
        if drawing is None:
            _send_events(read(path, options), request["limits"]["characters"], send)
            return
        draw = getattr(sys.modules[read.__module__], "draw", None)
        if draw is None:
            raise DocumentError("Files of this format have no pages that can be shown.")
        draw(path, **drawing).save(data := io.BytesIO(), "PNG")
        send(png=base64.b64encode(data.getvalue()).decode())


def _send_events(events: Iterable[ReaderEvent], max_chars: int, send: Callable[..., None]) -> None:
    """Send what a reader yields, up to `max_chars` characters of text."""
    remaining = max_chars
    pages: list[tuple[int, str, tuple[str, ...], bool, tuple[WordBox, ...]]] = []
    sent_at = time.monotonic()

    def send_pages() -> None:
        if pages:
            send(pages=pages)
            pages.clear()

    try:
        for event in events:
            match event:
                case Length(count):
                    send(length=count)
                case Remark(text):
                    send(remark=text)
                case Page(number, text, unreadable, ocr, places):
                    pages.append((number, text[:remaining], unreadable, ocr, places))
                    remaining -= len(text)
                    if remaining < 0:
                        send_pages()
                        send(remark=f"Only the first {max_chars:,} characters were read.")
                        return
                    if time.monotonic() - sent_at > BATCH_INTERVAL_S:
                        send_pages()
                        sent_at = time.monotonic()
    finally:
        send_pages()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _limit_process(memory: int, seconds: float) -> None:
    """Limit this process's memory (bytes) and CPU time; forbid network and subprocesses."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: int(2 * seconds) + 1,
        resource.RLIMIT_CORE: 0,
    }
    for limit, maximum in limits.items():
        _, hard = resource.getrlimit(limit)
        maximum = maximum if hard == resource.RLIM_INFINITY else min(maximum, hard)
        try:
            resource.setrlimit(limit, (maximum, maximum))
        except (OSError, ValueError):  # macOS has no limit on address space
            logging.info("no limit %d", limit)
    if sys.platform == "linux":
        # When the machine runs out of memory, Linux ends this process first.
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError("a reader neither uses the network nor starts programs")


if __name__ == "__main__":
    main()
