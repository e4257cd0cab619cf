"""Messages as JSON: what goes in comes out again, and JSON of strangers is a message or refused."""

from __future__ import annotations

import contextlib
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.history.message_json import MISSING_ROOT, BadMessage, Roots, from_json, to_json
from backends.messages import (
    ContextUsed,
    Document,
    Message,
    PageUsed,
    Picture,
    Text,
    Usage,
    identified,
    user,
)
from tools.base import Attachment, ToolCall, ToolResult

ROOTS: Roots = {"workspace": Path("/nowhere/w"), "pictures": Path("/nowhere/p")}

texts = st.text(st.characters(exclude_categories=()), max_size=60)
"""With halves of characters and NUL, which models and files do have."""
names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1
).filter(lambda name: name not in (".", ".."))
paths = st.builds(
    lambda root, parts: ROOTS[root].joinpath(*parts),
    st.sampled_from(list(ROOTS)),
    st.lists(names, min_size=1, max_size=3),
)
counts = st.integers(0, 2**40)
seconds = st.floats(0, 1e9)
pages = st.builds(PageUsed, id=counts, document=texts, number=counts, unit=texts, total=counts)
parts = st.one_of(
    st.builds(Text, texts),
    st.builds(Picture, path=paths, mime=texts, name=texts, words=st.none() | texts),
    st.builds(Document, path=paths, mime=texts, name=texts, size=counts),
)
attachments = st.builds(
    Attachment, name=texts, mime=texts, path=paths, inline=st.booleans(), offered=st.booleans()
)
results = st.builds(
    ToolResult,
    call_id=texts,
    name=texts,
    text=texts,
    seconds=seconds,
    attachments=st.lists(attachments, max_size=2).map(tuple),
    error=st.none() | texts,
)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    parts=st.lists(parts, max_size=3).map(tuple),
    reasoning=texts,
    calls=st.lists(st.builds(ToolCall, texts, texts, texts, st.none() | texts), max_size=2).map(
        tuple
    ),
    result=st.none() | results,
    finish=st.sampled_from(["stop", "length", "cancelled", "error"]),
    error=st.none() | texts,
    usage=st.none() | st.builds(Usage, counts, counts, counts, st.none() | seconds, seconds),
    context=st.none()
    | st.builds(
        ContextUsed,
        mode=st.sampled_from([None, "whole", "passages", "parts"]),
        pages=st.lists(pages, max_size=2).map(tuple),
        excess=counts,
        refused=st.booleans(),
        results_shortened=counts,
        images_left_out=counts,
    ),
).map(identified)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(messages)
def test_a_message_is_the_same_after_it(message: Message) -> None:
    written = json.dumps(to_json(message, ROOTS))
    read = from_json(json.loads(written), ROOTS)
    assert read == message and read.id == message.id


@given(messages, st.data())
def test_a_message_with_anything_in_one_of_its_fields_is_read_or_refused(
    message: Message, data: st.DataObject
) -> None:
    value: dict[str, Any] = json.loads(json.dumps(to_json(message, ROOTS)))
    value[data.draw(st.sampled_from([field.name for field in fields(Message)]))] = data.draw(
        anything
    )
    try:
        read = from_json(value, ROOTS)
    except BadMessage:
        return
    for part in read.attached:
        assert any(part.path.is_relative_to(root) for root in ROOTS.values())
    json.dumps(to_json(read, ROOTS))  # and it can be written again


@given(anything)
def test_anything_at_all_is_read_or_refused(value: Any) -> None:
    with contextlib.suppress(BadMessage):
        assert isinstance(from_json(value, ROOTS), Message)


def test_only_what_says_something_is_written() -> None:
    assert to_json(replace(user("hello"), id="1"), ROOTS) == {
        "id": "1",
        "role": "user",
        "parts": [{"type": "text", "text": "hello"}],
    }


def test_what_a_reader_does_not_know_is_ignored() -> None:
    data = to_json(user("hello"), ROOTS) | {"mood": "good"}
    data["parts"][0]["colour"] = "red"
    assert from_json(data, ROOTS) == user("hello")


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../b",
        "",
        ".",
        "a//b",
        "a/./b",
        "nul\0byte",
        "..",
        7,
        None,
        ["a"],
    ],
)
@pytest.mark.parametrize("root", ["workspace", "pictures", "etc", "", None, 3, MISSING_ROOT])
def test_a_path_stays_in_its_folder(path: object, root: object) -> None:
    part = {"type": "document", "root": root, "path": path, "mime": "text/plain"}
    read = from_json({"role": "user", "parts": [part]}, ROOTS)
    (document,) = read.documents
    assert ".." not in document.path.parts
    assert any(document.path.is_relative_to(folder) for folder in ROOTS.values())


def test_a_file_elsewhere_is_named_and_missing() -> None:
    outside = Message("user", (Picture(Path("/etc/shadow.png"), "image/png"),))
    written = to_json(outside, ROOTS)["parts"][0]
    assert (written["root"], written["path"]) == (MISSING_ROOT, "shadow.png")
    (read,) = from_json(to_json(outside, ROOTS), ROOTS).pictures
    assert read.path == ROOTS["workspace"] / "missing"


def test_a_folder_behind_a_link_is_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    roots: Roots = {"workspace": tmp_path / "link", "pictures": tmp_path / "pictures"}
    message = Message("user", (Picture(tmp_path / "real" / "a.png", "image/png"),))
    assert to_json(message, roots)["parts"][0]["root"] == "workspace"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        3,
        {},
        {"role": "root"},
        {"role": "user", "parts": "abc"},
        {"role": "user", "parts": [1]},
        {"role": "user", "parts": [{"type": "script"}]},
        {"role": "user", "parts": [{"type": ["text"]}]},
        {"role": "user", "parts": [{"type": "text"}]},
        {"role": "user", "parts": [{"type": "document"}]},
        {"role": "assistant", "calls": [{"name": "x"}]},
        {"role": "tool", "result": []},
        {"role": "tool", "result": {"call_id": "1", "name": "x", "text": "", "attachments": [{}]}},
        {"role": "assistant", "finish": "exploded"},
        {"role": "assistant", "usage": {"seconds": "long"}},
        {"role": "assistant", "context": {"pages": [{"id": "x"}]}},
    ],
)
def test_what_is_no_message_is_refused_in_a_sentence(data: object) -> None:
    with pytest.raises(BadMessage) as refused:
        from_json(data, ROOTS)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200
