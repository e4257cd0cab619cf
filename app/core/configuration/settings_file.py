"""Writing `glm.toml`: a few values are changed, and all else that somebody wrote there stays."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from app.core.settings import Settings, checked

MODE = 0o600
"""Of a new file: it may hold keys."""
UNCHANGED = "Nothing was changed."

_writing = threading.Lock()


class NotSaved(Exception):
    """The file could not be written and is as it was; the message is one sentence or two."""


class BadValues(NotSaved):
    """Values that the settings don't take; `problems` has a sentence for each, by name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(UNCHANGED)
        self.problems = problems


def save(path: Path, changes: Mapping[str, Any]) -> None:
    """Writes settings into the file at `path`, which need not be there.

    Args:
        path: the settings file.
        changes: values by the names of fields of `Settings`; None or an empty text takes the
            setting out of the file, so that its default holds.

    Raises `BadValues` where one is not valid, `NotSaved` where the file can't be read or written;
    then nothing of it has changed. What others write at the same time is kept.
    """
    values = _valid(changes)
    path = Path(os.path.realpath(path))
    with _writing, _sole_writer(path.parent):
        document = _read(path)
        for name, value in values.items():
            if value is None:
                document.pop(name, None)
            else:
                document[name] = value
        secret = any(
            item.metadata["secret"] and values.get(item.name) is not None
            for item in fields(Settings)
        )
        _replace(path, tomlkit.dumps(document), secret)


def _valid(changes: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, raw in changes.items():
        text = raw.strip() if isinstance(raw, str) else raw
        if text is None or text == "":
            values[name] = None
            continue
        try:
            values[name] = checked(name, text)
        except ValueError as error:
            problems[name] = f"This should be {error}."
    if problems:
        raise BadValues(problems)
    return values


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_bytes())
    except FileNotFoundError:
        return tomlkit.document()
    except (ParseError, TOMLKitError, UnicodeDecodeError) as error:
        line = f" in line {error.line}" if isinstance(error, ParseError) else ""
        raise NotSaved(
            f"The settings file {path.name} has a mistake{line}: mend it first. {UNCHANGED}"
        ) from None
    except OSError as error:
        raise NotSaved(_failure("read", path, error)) from None


def _replace(path: Path, text: str, secret: bool) -> None:
    """Puts a new file in the place of the old one, in one step: a reader, and a stop of the
    machine, meet the one or the other."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mode = MODE
    except OSError as error:
        raise NotSaved(_failure("written", path, error)) from None
    if not mode & 0o222 or (path.exists() and not os.access(path, os.W_OK)):
        raise NotSaved(f"The settings file {path.name} is read-only. {UNCHANGED}")
    temporary = ""
    try:
        number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, MODE if secret else mode)
        os.replace(temporary, path)
    except (OSError, UnicodeEncodeError) as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise NotSaved(_failure("written", path, error)) from None


def _failure(what: str, path: Path, error: Exception) -> str:
    why = getattr(error, "strerror", None) or "it has characters that no file takes"
    return f"The settings file {path.name} can't be {what}: {why}. {UNCHANGED}"


@contextlib.contextmanager
def _sole_writer(folder: Path) -> Iterator[None]:
    """Keeps writers of other processes waiting, by a lock on the folder: the file itself is
    replaced."""
    try:
        number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NotSaved(
            f"The folder of the settings file can't be used: {error.strerror}. {UNCHANGED}"
        ) from None
    try:
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
