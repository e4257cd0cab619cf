"""Messages as JSON, in the database and in exported files.

Version 1. A message is an object with `id`, `role`, `parts`, and where they say something
`reasoning`, `calls`, `result`, `finish`, `error`, `usage`, `context`; fields are those of
`backends.messages`. A part has a `type`: `text`, `picture` or `document`. The path of a file is
two fields: `root`, one of the conversation's folders ("workspace" or "pictures"), and `path` in
it. Fields that a reader doesn't know are ignored.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.core.history.stored import Row
from backends.messages import (
    Compacted,
    ContextUsed,
    Document,
    Message,
    PageUsed,
    Part,
    Picture,
    Text,
    Usage,
)
from tools.base import Attachment, ToolCall, ToolResult
from tools.safe_files import names_in

log = logging.getLogger(__name__)

VERSION = 1
MISSING_ROOT = "missing"
"""The root of a file that is in none of the conversation's folders."""

_PARTS: Mapping[str, type[Part]] = {"text": Text, "picture": Picture, "document": Document}
_TYPES = {type_: name for name, type_ in _PARTS.items()}

Roots = Mapping[str, Path]
"""The folders of a conversation by name."""


class BadMessage(ValueError):
    """The JSON is no message of this version; the message says what is wrong with it."""


def to_json(message: Message, roots: Roots) -> dict[str, Any]:
    """The message as JSON values; files as paths in `roots`."""
    data = _object(message, roots)
    data["parts"] = [part_to_json(part, roots) for part in message.parts]
    data["id"], data["role"] = message.id, message.role
    return data


def from_json(data: object, roots: Roots) -> Message:
    """The message of JSON values that may be anything. Raises `BadMessage`."""
    if not isinstance(data, dict):
        raise BadMessage("a message is no object")
    values = {field.name: data[field.name] for field in fields(Message) if field.name in data}
    values["parts"] = tuple(part_from_json(part, roots) for part in _list(data.get("parts")))
    values["calls"] = tuple(_made(ToolCall, call, roots) for call in _list(data.get("calls")))
    for name, kind in (("result", ToolResult), ("usage", Usage), ("context", ContextUsed)):
        if values.get(name) is not None:
            values[name] = _made(kind, values[name], roots)
    try:
        message: Message = _adapters()[Message].validate_python(values)
    except ValidationError as error:
        raise BadMessage(_wrong(error)) from None
    return message


def restored(row: Row, roots: Roots) -> Message:
    """The message of a stored row; where its JSON can't be read, what is known of it."""
    try:
        message = from_json(json.loads(row.body), roots)
    except (BadMessage, ValueError, RecursionError):
        log.warning("a stored message could not be read", exc_info=True)
        role = row.role if row.role in ("user", "assistant", "tool") else "assistant"
        message = Message(role, (Text(row.text),))  # type: ignore[arg-type]
    return replace(message, id=row.id)


def _plain(value: Any, roots: Roots) -> Any:
    if isinstance(value, Message | Text | Picture | Document | Attachment | ToolCall | ToolResult):
        return _object(value, roots)
    if isinstance(value, Usage | ContextUsed | PageUsed | Compacted):
        return _object(value, roots)
    if isinstance(value, tuple):
        return [_plain(each, roots) for each in value]
    return value


def _object(value: Any, roots: Roots) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if isinstance(part, Path):
            data["root"], data["path"] = located(part, roots)
        elif field.default is MISSING or part != field.default:
            data[field.name] = _plain(part, roots)
    return data


def located(path: Path, roots: Roots) -> tuple[str, str]:
    """The root that has the file, and the path in it."""
    for name, folder in roots.items():
        for base in (folder, folder.resolve()):
            if path.is_relative_to(base):
                return name, path.relative_to(base).as_posix()
    return MISSING_ROOT, path.name


def part_to_json(part: Part, roots: Roots) -> dict[str, Any]:
    """A part of a message as JSON values."""
    return {"type": _TYPES[type(part)], **_object(part, roots)}


def part_from_json(data: object, roots: Roots) -> Part:
    """The part of JSON values that may be anything. Raises `BadMessage`."""
    kind = _PARTS.get(str(data.get("type"))) if isinstance(data, dict) else None
    if kind is None:
        raise BadMessage("a part of a message has no known type")
    part: Part = _made(kind, data, roots)
    return part


def _made(kind: type[Any], data: object, roots: Roots) -> Any:
    if not isinstance(data, dict):
        raise BadMessage(f"a {kind.__name__} is no object")
    values = {field.name: data[field.name] for field in fields(kind) if field.name in data}
    if "path" in values:
        values["path"] = _path(data, roots)
    if kind is ToolResult:
        made = (_made(Attachment, each, roots) for each in _list(data.get("attachments")))
        values["attachments"] = tuple(made)
    try:
        return _adapters()[kind].validate_python(values)
    except ValidationError as error:
        raise BadMessage(_wrong(error)) from None


def _path(data: Mapping[str, Any], roots: Roots) -> Path:
    """A path inside one of the roots, whatever the JSON says."""
    folder = roots.get(str(data.get("root")))
    try:
        names = names_in(str(data["path"]))
    except ValueError:
        names = ()
    if folder is None or not names:
        return next(iter(roots.values())) / "missing"
    return folder.joinpath(*names)


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadMessage("a list is none")
    return value


def _wrong(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'a message'}: {first['msg']}"


@cache
def _adapters() -> dict[type, TypeAdapter[Any]]:
    kinds = (Message, Text, Picture, Document, Attachment, ToolCall, ToolResult, Usage, ContextUsed)
    return {kind: TypeAdapter(kind) for kind in kinds}
