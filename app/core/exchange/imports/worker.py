"""The process that reads a file of a stranger's, run as a module: `path` and the blobs' folder.

Answers are lines of JSON on standard output:

    conversation    what is known of a conversation, with the number of its messages
    rows            some of its messages, as rows of the history
    problem         a sentence on what was left out
    log             an error message for the log
    error           a sentence on why the file can't be imported
    end             the last answer

However large or odd the file is, this process alone holds it, within limits of memory and time.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.exchange.imports import chatgpt, openai_messages, own_json
from app.core.exchange.imports.archive import NO_CONVERSATIONS, Source
from app.core.exchange.imports.drafts import (
    FOLDERS,
    MAX_CONVERSATIONS,
    BadImport,
    Draft,
    Placed,
    one_line,
    placed,
)
from app.core.exchange.imports.files import Files
from app.core.exchange.imports.json_stream import JsonText
from app.core.history.blobs import Blobs
from app.core.history.message_json import to_json
from tools.safe_files import no_room
from tools.text import encodable

MEMORY_BYTES = 3 << 30
CPU_SECONDS = 300
ROWS_AT_ONCE = 100
MAX_PROBLEMS = 20
TOO_MUCH = "The file holds more than can be read at once. Import it in parts."


def main(arguments: list[str]) -> None:
    """Answers for the file that the arguments name."""
    path, blobs = map(Path, arguments)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _limit()

    def send(**answer: Any) -> None:
        out.write(json.dumps(answer) + "\n")
        out.flush()

    try:
        _answer(path, Blobs(blobs), send)
    except BadImport as error:
        send(error=str(error))
    except (MemoryError, RecursionError):
        send(error=TOO_MUCH)
    except Exception as error:  # noqa: BLE001 - logged by the parent
        if not isinstance(error, OSError):
            send(log=traceback.format_exc()[-4000:])
        full = "The disk of this server is full." if no_room(error) else ""
        send(error=full or "The file could not be read.")
    send(end=True)


def drafts(path: Path, blobs: Blobs) -> Iterator[Draft | BadImport]:
    """The conversations of a file of any known format, and sentences on what was left out."""
    source = Source(path)
    files = Files(source, blobs)
    whole = source.text()
    text = JsonText(whole)
    match text.peek():
        case "[":
            yield from _listed(text, source, files)
        case "{" if _is_one_of_ours(whole):
            yield from own_json.conversations(text, files)
        case "{":
            yield from _objects(whole, source, files)
        case _:
            raise BadImport(NO_CONVERSATIONS)


def _is_one_of_ours(whole: str) -> bool:
    """Whether the object has `format` or `conversations`; what else it has may be large."""
    try:
        for name, _ in JsonText(whole).members("conversations"):
            if name in ("format", "conversations"):
                return True
            if name in ("messages", "mapping", "role"):
                return False
    except BadImport:
        pass
    return False


def _listed(text: JsonText, source: Source, files: Files) -> Iterator[Draft | BadImport]:
    """A list of ChatGPT's conversations, of objects with messages, or of messages."""
    elements = text.elements()
    first = next(elements, None)
    if first is None:
        raise BadImport(NO_CONVERSATIONS)
    every = itertools.chain([first], elements)
    if not chatgpt.is_conversation(first):
        yield from openai_messages.conversations(every, files)
        return
    for value in every:
        try:
            if not chatgpt.is_conversation(value):
                raise BadImport("A conversation was left out: it has no tree of messages.")
            yield chatgpt.conversation(value, source, files)
        except BadImport as error:
            yield error


def _objects(whole: str, source: Source, files: Files) -> Iterator[Draft | BadImport]:
    """One object with messages or a tree of them, else an object a line."""
    text = JsonText(whole)
    try:
        value = text.value()
        alone = text.peek() == ""
    except BadImport:
        alone = False
    if not alone:
        yield from openai_messages.from_lines(whole, files)
    elif chatgpt.is_conversation(value):
        yield chatgpt.conversation(value, source, files)
    else:
        yield from openai_messages.conversations([value], files)


def _answer(path: Path, blobs: Blobs, send: Any) -> None:
    count = problems = 0
    for draft in drafts(path, blobs):
        try:
            if isinstance(draft, BadImport):
                raise draft
            rows, head = placed(draft)
        except BadImport as error:
            problems += 1
            if problems <= MAX_PROBLEMS:
                send(problem=str(error))
            continue
        count += 1
        if count > MAX_CONVERSATIONS:
            raise BadImport(f"Only the first {MAX_CONVERSATIONS:,} conversations were imported.")
        send(
            conversation={
                "mode": draft.mode or "chat", "title": one_line(draft.title),
                "pinned": draft.pinned, "created": draft.created, "updated": draft.updated,
                "settings": draft.settings, "head": head, "count": len(rows),
                "files": [[f.root, f.path, f.digest, f.size] for f in draft.files],
            }
        )  # fmt: skip
        for at in range(0, len(rows), ROWS_AT_ONCE):
            send(rows=[_row(each) for each in rows[at : at + ROWS_AT_ONCE]])
    if problems > MAX_PROBLEMS:
        send(problem=f"{problems - MAX_PROBLEMS:,} more were left out.")
    if not count and not problems:
        raise BadImport(NO_CONVERSATIONS)


def _row(each: Placed) -> list[Any]:
    message = replace(each.message, id=each.id)
    body = json.dumps(to_json(message, FOLDERS))
    text = encodable(message.text) if message.role in ("user", "assistant") else ""
    return [each.id, each.parent, message.role, body, text, each.citations, each.created]


def _limit() -> None:
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS has no limit on address space
            resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main(sys.argv[1:])
