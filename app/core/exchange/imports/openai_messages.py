"""Messages as OpenAI's chat completions have them: `{"messages": [...]}`, or a message by itself,
a line each (platform.openai.com/docs/guides/fine-tuning)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.core.exchange.imports.drafts import (
    MAX_MESSAGES,
    BadImport,
    Draft,
    Node,
    a_list,
    a_text,
    an_object,
    mode_of,
)
from app.core.exchange.imports.files import Files, absent, in_data_url
from app.core.history.history import title_of
from backends.messages import Message, Part, Text
from tools.base import ToolCall, ToolResult

NO_MESSAGE = "A line was left out: it is no message."


def from_lines(text: str, files: Files) -> Iterator[Draft | BadImport]:
    """The conversations of a text with a JSON object a line. Messages that stand by themselves are
    one conversation."""

    def values() -> Iterator[object]:
        for line in text.split("\n"):
            if line.strip():
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError):
                    yield None

    yield from conversations(values(), files)


def conversations(values: Iterable[object], files: Files) -> Iterator[Draft | BadImport]:
    """The conversations of values that are such objects, or should be."""
    alone: list[Any] = []
    bad = 0
    broken: BadImport | None = None
    values = iter(values)
    while True:
        try:
            value = next(values)
        except StopIteration:
            break
        except BadImport as error:  # what came before is taken over
            broken = error
            break
        data = an_object(value)
        if isinstance(data.get("messages"), list):
            yield _draft(data["messages"], files)
        elif "role" not in data:
            bad += 1
        elif len(alone) <= MAX_MESSAGES:
            alone.append(data)
    if alone:
        yield _draft(alone, files)
    if bad:
        yield BadImport(
            NO_MESSAGE if bad == 1 else f"{bad:,} lines were left out: they are no messages."
        )
    if broken is not None:
        yield broken


def _draft(messages: Sequence[object], files: Files) -> Draft:
    draft = Draft()
    system: list[str] = []
    names: dict[str, str] = {}
    for at, data in enumerate(map(an_object, messages)):
        message = _message(data, names, draft, files)
        if message is not None and message.role == "system":
            system.append(message.text)
        elif message is not None:
            before = draft.nodes[-1].id if draft.nodes else None
            draft.nodes.append(Node(str(at), before, message))
    kept = [node.message for node in draft.nodes if node.message is not None]
    draft.mode = mode_of(kept)
    asked = next((m.text for m in kept if m.role == "user" and m.text.strip()), "")
    draft.title = title_of(asked)
    if system and draft.mode == "chat":
        draft.settings = {"values": {"system": "\n\n".join(system)}, "off": []}
    return draft


def _message(
    data: Mapping[str, Any], names: dict[str, str], draft: Draft, files: Files
) -> Message | None:
    """The message, None for what is none. `names` are those of the calls before, by their ids."""
    role = {"developer": "system", "function": "tool"}.get(role := a_text(data.get("role")), role)
    parts = tuple(_parts(data.get("content"), draft, files))
    match role:
        case "system" | "user":
            return Message("system" if role == "system" else "user", parts)
        case "assistant":
            calls = tuple(_calls(data))
            names |= {call.id: call.name for call in calls}
            return Message("assistant", parts, a_text(data.get("reasoning_content")), calls)
        case "tool":
            id = a_text(data.get("tool_call_id")) or a_text(data.get("name"))
            name = a_text(data.get("name")) or names.get(id, "tool")
            text = "".join(part.text for part in parts if isinstance(part, Text))
            return Message("tool", result=ToolResult(id, name, text))
    return None


def _parts(content: object, draft: Draft, files: Files) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
    for part in map(an_object, a_list(content)):
        kind = a_text(part.get("type"))
        if kind in ("text", "input_text", "output_text"):
            yield Text(a_text(part.get("text")))
        elif kind in ("image_url", "input_image"):
            image = part.get("image_url")
            url = a_text(image) or a_text(an_object(image).get("url"))
            data = in_data_url(url)
            made = None if data is None else files.picture(data, "picture", len(draft.files) + 1)
            if made is None:
                yield absent("picture", "" if url.startswith("data:") else url)
            else:
                draft.files.append(made[1])
                yield made[0]
        elif kind:
            yield absent("file", a_text(an_object(part.get("file")).get("filename")) or kind)


def _calls(data: Mapping[str, Any]) -> Iterator[ToolCall]:
    for call in map(an_object, a_list(data.get("tool_calls"))):
        function = an_object(call.get("function"))
        if name := a_text(function.get("name")):
            yield ToolCall(a_text(call.get("id")) or name, name, _input(function.get("arguments")))
    old = an_object(data.get("function_call"))
    if name := a_text(old.get("name")):
        yield ToolCall(name, name, _input(old.get("arguments")))


def _input(arguments: object) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {})
