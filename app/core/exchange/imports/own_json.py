"""This app's own JSON, alone or in its archive, see `assets/handbook/export-format.md`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from app.core.exchange.imports.drafts import (
    FOLDERS,
    BadImport,
    Draft,
    Node,
    a_list,
    a_text,
    a_time,
    an_object,
)
from app.core.exchange.imports.files import Files, absent
from app.core.exchange.imports.json_stream import JsonText
from app.core.exchange.json_export import FORMAT, VERSION
from app.core.history.message_json import BadMessage, from_json, part_from_json, part_to_json
from app.core.history.quotations import quotations_from_json
from app.core.modes import Mode
from backends.messages import Part, Picture
from tools.media import PICTURES

NEWER = "The file was written by a newer version of this app."


def conversations(text: JsonText, files: Files) -> Iterator[Draft | BadImport]:
    """The conversations of a file, and a sentence for each that can't be taken over. Raises
    `BadImport` for a file of another format."""
    named = False
    for name, value in text.members("conversations"):
        if name == "format":
            named = True
            if value != FORMAT:
                raise BadImport("The file is of a format that can't be imported.")
        elif name == "version" and value != VERSION:
            raise BadImport(NEWER if isinstance(value, int) else "The file names no version.")
        elif name == "conversations":
            if not isinstance(value, dict):
                yield BadImport("A conversation was left out: it is no object.")
                continue
            try:
                yield _draft(value, files)
            except BadImport as error:
                yield error
            except BadMessage as error:
                yield BadImport(
                    f"{Draft(title=a_text(value.get('title'))).name} was left out: {error}."
                )
    if not named:
        raise BadImport("The file is of a format that can't be imported.")


def _draft(data: Mapping[str, Any], files: Files) -> Draft:
    modes: Mapping[str, Mode] = {mode: mode for mode in get_args(Mode)}
    draft = Draft(
        mode=modes.get(a_text(data.get("mode"))),
        title=a_text(data.get("title")),
        pinned=data.get("pinned") is True,
        created=a_time(data.get("created")),
        updated=a_time(data.get("updated")),
        head=a_text(data.get("head")) or None,
        settings=_settings(an_object(data.get("settings"))),
    )
    messages = a_list(data.get("messages"))
    draft.check_size(len(messages))
    for each in messages:
        draft.nodes.append(_node(each, draft.nodes))
    for each in map(an_object, a_list(data.get("files"))):
        root, path = a_text(each.get("root")), a_text(each.get("path"))
        kept = files.keep(a_text(each.get("archived")), root, path)
        if kept is not None:
            draft.files.append(kept)
    return draft


def _node(data: object, before: list[Node]) -> Node:
    """Raises `BadMessage`."""
    values = an_object(data)
    try:
        message = from_json(data, FOLDERS)
    except RecursionError:
        raise BadMessage("a message is nested too deeply") from None
    message = replace(message, id="", parts=tuple(map(_part, message.parts)))
    id = a_text(values.get("id"))
    if "parent" in values:
        parent = a_text(values["parent"]) or None
    else:  # without one, messages are in order
        parent = before[-1].id if before else None
    created = a_time(values.get("created"))
    return Node(id or f"#{len(before)}", parent, message, created, _citations(values))


def _part(part: Part) -> Part:
    """Pictures are those of the folder for them alone: what lies there was looked at."""
    if isinstance(part, Picture):
        fits = part.path.is_relative_to(FOLDERS["pictures"]) and part.mime in PICTURES
        return part if fits else absent("picture", part.name)
    return part


def _citations(values: Mapping[str, Any]) -> str:
    citations = a_list(values.get("citations"))
    if not citations:
        return "[]"
    text = json.dumps(citations)
    return text if quotations_from_json(text) else "[]"


_VALUES: Mapping[str, Callable[[Any], bool]] = {
    "system": lambda value: isinstance(value, str),
    "temperature": lambda value: _is_number(value) and 0 <= value <= 2,
    "top_p": lambda value: _is_number(value) and 0.05 <= value <= 1,
    "max_tokens": lambda value: type(value) is int and 1 <= value <= 1_000_000,
}
"""What a conversation's settings may be, as the page's fields allow."""


def _settings(data: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        name: value
        for name, value in an_object(data.get("values")).items()
        if name in _VALUES and _VALUES[name](value)
    }
    off = [name[:200] for name in a_list(data.get("off"))[:1000] if isinstance(name, str)]
    documents = an_object(data.get("documents"))
    kept = [each for each in map(_document, a_list(documents.get("documents"))[:1000]) if each]
    read = {"documents": {"mode": a_text(documents.get("mode")), "documents": kept}} if kept else {}
    return {"values": values, "off": off, **read}


def _document(data: object) -> dict[str, Any] | None:
    """A document of the conversation, with its first number, its pages and those selected."""
    values = an_object(data)
    try:
        part = part_to_json(part_from_json(values, FOLDERS), FOLDERS)
        selected = values.get("selected")
        ranges = None if selected is None else [[_count(a), _count(b)] for a, b in selected]
    except (BadMessage, TypeError, ValueError):
        return None
    numbers = {"first": _count(values.get("first")), "pages": _count(values.get("pages"))}
    return {**part, **numbers, "selected": ranges}


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value <= 10_000_000 else 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
