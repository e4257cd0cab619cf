"""ChatGPT's export: `conversations.json`, a list of conversations, each a tree of messages.

The format is written down nowhere; what is read here is what exports of 2023 to 2026 have. A
conversation has `title`, `create_time`, `update_time`, `current_node` and `mapping`, which has a
node for each id: `parent`, `children`, and a `message` or none. A message has an `author` with a
`role`, a `recipient` (a tool's name in a call), and `content` of some `content_type`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.exchange.imports.archive import Source
from app.core.exchange.imports.drafts import (
    BadImport,
    Draft,
    Node,
    a_list,
    a_text,
    a_time,
    an_object,
    mode_of,
)
from app.core.exchange.imports.files import MAX_PICTURE_BYTES, Files, absent
from backends.messages import Message, Part, Text
from tools.base import ToolCall, ToolResult

_TO_ALL = ("", "all")
_THOUGHTS = ("thoughts", "reasoning_recap")
_SERVICES = ("file-service://", "sediment://")


def is_conversation(value: object) -> bool:
    """Whether a value is a conversation of such an export, or should be one."""
    return isinstance(value, dict) and "mapping" in value


def conversation(data: Mapping[str, Any], source: Source, files: Files) -> Draft:
    """The conversation of such an export. Raises `BadImport`."""
    draft = Draft(
        title=a_text(data.get("title")),
        created=a_time(data.get("create_time")),
        updated=a_time(data.get("update_time")),
        head=a_text(data.get("current_node")) or None,
    )
    mapping = data.get("mapping")
    if not isinstance(mapping, dict):
        raise BadImport(f"{draft.name} was left out: it has no tree of messages.")
    draft.check_size(len(mapping))
    reader = _Reader(draft, source, files)
    for id in _in_order(mapping):
        draft.nodes.append(reader.node(id, an_object(mapping[id])))
    draft.mode = mode_of([node.message for node in draft.nodes if node.message is not None])
    return draft


def _in_order(mapping: Mapping[str, Any]) -> Iterator[str]:
    """The ids, each followed by what hangs on it, branches as their parent names them; then such
    as nothing leads to."""
    seen: set[str] = set()
    parents = {id: a_text(an_object(node).get("parent")) for id, node in mapping.items()}
    waiting = [id for id, parent in parents.items() if parent not in mapping][::-1]
    while waiting:
        id = waiting.pop()
        if id in seen:
            continue
        seen.add(id)
        yield id
        children = a_list(an_object(mapping[id]).get("children"))
        below = [each for each in children if isinstance(each, str) and each in mapping]
        waiting += [each for each in below[::-1] if each not in seen]
    yield from (id for id in mapping if id not in seen)


@dataclass
class _Reader:
    draft: Draft
    source: Source
    files: Files

    def __post_init__(self) -> None:
        self._calls: dict[str, ToolCall] = {}  # by the node that made the call, or its result
        self._thoughts: dict[str, str] = {}

    def node(self, id: str, node: Mapping[str, Any]) -> Node:
        parent = a_text(node.get("parent")) or None
        data = an_object(node.get("message"))
        message = self._message(id, parent or "", data) if data else None
        if message is None and parent in self._thoughts and id not in self._thoughts:
            self._thoughts[id] = self._thoughts[parent]
        return Node(id, parent, message, a_time(data.get("create_time")))

    def _message(self, id: str, parent: str, data: Mapping[str, Any]) -> Message | None:
        metadata = an_object(data.get("metadata"))
        if metadata.get("is_visually_hidden_from_conversation") is True:
            return None
        content = an_object(data.get("content"))
        author = an_object(data.get("author"))
        match a_text(author.get("role")):
            case "user":
                parts = (*self._attachments(metadata), *self._parts(content))
                return Message("user", parts) if parts else None
            case "assistant":
                return self._answer(id, parent, data, content)
            case "tool":
                return self._result(id, parent, a_text(author.get("name")), content)
        return None

    def _answer(
        self, id: str, parent: str, data: Mapping[str, Any], content: Mapping[str, Any]
    ) -> Message | None:
        thoughts = self._thoughts.get(parent, "")
        if a_text(content.get("content_type")) in _THOUGHTS:
            new = "\n\n".join(
                text
                for each in map(an_object, a_list(content.get("thoughts")))
                if (text := a_text(each.get("content")) or a_text(each.get("summary")))
            )
            self._thoughts[id] = "\n\n".join(filter(None, (thoughts, new)))
            return None
        recipient = a_text(data.get("recipient"))
        text = _words(content)
        if recipient not in _TO_ALL:
            name = "python" if recipient == "python" else recipient[:200]
            call = ToolCall(id, name, text, "code" if name == "python" else None)
            self._calls[id] = call
            return Message("assistant", (), thoughts, (call,))
        parts = tuple(self._parts(content))
        return Message("assistant", parts, thoughts) if parts or thoughts else None

    def _result(
        self, id: str, parent: str, name: str, content: Mapping[str, Any]
    ) -> Message | None:
        call = self._calls.get(parent)
        if call is None:
            return None
        parts = self._parts(content)
        text = "".join(part.text for part in parts if isinstance(part, Text))
        return Message("tool", result=ToolResult(call.id, call.name or name, text))

    def _parts(self, content: Mapping[str, Any]) -> Iterator[Part]:
        """The texts and pictures of a content of any type."""
        parts = content.get("parts")
        if not isinstance(parts, list):
            if text := _words(content):
                yield Text(text)
            return
        for part in parts:
            if isinstance(part, str):
                if part:
                    yield Text(part)
            elif "asset_pointer" in an_object(part):
                yield self._picture(an_object(part))
            elif text := a_text(an_object(part).get("text")):
                yield Text(text)

    def _picture(self, part: Mapping[str, Any]) -> Part:
        pointer = a_text(part.get("asset_pointer"))
        for service in _SERVICES:
            pointer = pointer.removeprefix(service)
        member = self.source.beginning(pointer) if pointer else None
        data = self.files.read(member, MAX_PICTURE_BYTES) if member else None
        if data is not None and member is not None:
            name = member.rpartition("/")[2]
            made = self.files.picture(data, name, len(self.draft.files) + 1)
            if made is not None:
                self.draft.files.append(made[1])
                return made[0]
        return absent("picture", pointer[:80])

    def _attachments(self, metadata: Mapping[str, Any]) -> Iterator[Part]:
        for each in map(an_object, a_list(metadata.get("attachments"))[:100]):
            id, name = a_text(each.get("id")), a_text(each.get("name"))
            mime = a_text(each.get("mime_type")) or a_text(each.get("mimeType"))
            if mime.startswith("image/"):
                continue  # it is a part of the content too
            member = self.source.beginning(id) if id else None
            made = member and self.files.document(
                member, name or id, mime or "application/octet-stream", len(self.draft.files) + 1
            )
            if made:
                self.draft.files.append(made[1])
                yield made[0]
            else:
                yield absent("file", name or id)


def _words(content: Mapping[str, Any]) -> str:
    """The text of a content that is code, a quotation, an output or the like."""
    parts = "".join(part for part in a_list(content.get("parts")) if isinstance(part, str))
    return parts or a_text(content.get("text")) or a_text(content.get("result"))
