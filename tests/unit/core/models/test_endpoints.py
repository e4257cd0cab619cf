"""Endpoints and their keys: kept for their owner alone, never shown, never lost."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.models.endpoints import (
    FILE_NAME,
    MAX_ENDPOINTS,
    MAX_FILE_BYTES,
    Abilities,
    BadEndpoint,
    Endpoints,
    endpoint,
)

KEY = "sk-4711-secret"
NEW = endpoint("Box", "http://box:8000/v1", KEY, ("glm-4", "glm-4v"))


def test_an_endpoint_is_kept_with_what_was_found_out(tmp_path: Path) -> None:
    tried = replace(NEW, abilities={"glm-4": Abilities(answers=True, tools=False)})
    Endpoints(tmp_path / "models").put(tried)
    again = Endpoints(tmp_path / "models")
    assert again.all() == (tried,) and again.get("Box") == tried
    again.remove("Box")
    assert Endpoints(tmp_path / "models").all() == ()


def test_only_the_owner_reads_the_file_and_the_key_is_in_no_text(tmp_path: Path) -> None:
    Endpoints(tmp_path).put(NEW)
    mode = (tmp_path / FILE_NAME).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert KEY not in repr(NEW)
    assert sorted(os.listdir(tmp_path)) == [FILE_NAME]


def test_two_processes_see_each_others_endpoints(tmp_path: Path) -> None:
    one, other = Endpoints(tmp_path), Endpoints(tmp_path)
    one.put(NEW)
    other.put(replace(NEW, name="Second"))
    one.put(replace(NEW, name="Third"))
    assert [each.name for each in other.all()] == ["Box", "Second", "Third"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]]",
        '{"name": 1}',
        '[{"name": "x"}]',
        "\x00" * 100,
        "[" * 9999,
        " " * (MAX_FILE_BYTES + 1),
    ],
)
def test_a_damaged_file_is_put_aside(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    endpoints = Endpoints(tmp_path)
    assert endpoints.all() == ()
    assert "put aside as endpoints.damaged" in endpoints.problem
    assert str(tmp_path) not in endpoints.problem
    endpoints.put(NEW)
    assert Endpoints(tmp_path).all() == (NEW,)
    (aside,) = tmp_path.glob("endpoints.damaged*")
    assert aside.read_text() == text


@pytest.mark.parametrize(
    ("name", "address", "key"),
    [
        ("", "http://box/v1", ""),
        ("x" * 81, "http://box/v1", ""),
        ("a#b", "http://box/v1", ""),
        ("Box", "", ""),
        ("Box", "box:8000", ""),
        ("Box", "ftp://box/v1", ""),
        ("Box", "http://", ""),
        ("Box", "http://box:port/v1", ""),
        ("Box", "http://box/v1#glm-4", ""),
        ("Box", "http://user:word@box/v1", ""),
        ("Box", "http://box/v1", "schlüssel"),
        ("Box", "http://box/v1", "a\nb"),
    ],
)
def test_what_can_be_no_endpoint_is_refused_in_a_sentence(
    name: str, address: str, key: str
) -> None:
    with pytest.raises(BadEndpoint) as caught:
        endpoint(name, address, key)
    assert str(caught.value).endswith(".") and "GLM_" not in str(caught.value)


def test_an_address_is_taken_as_people_copy_it() -> None:
    copied = endpoint(" My  box ", " http://box:1/v1/chat/completions ", f" {KEY} ")
    assert (copied.name, copied.address, copied.key) == ("My box", "http://box:1/v1", KEY)


def test_there_is_a_limit(tmp_path: Path) -> None:
    endpoints = Endpoints(tmp_path)
    for number in range(MAX_ENDPOINTS):
        endpoints.put(replace(NEW, name=f"{number}"))
    with pytest.raises(BadEndpoint, match="remove one first"):
        endpoints.put(NEW)
    endpoints.put(replace(NEW, name="0", key=""))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(BadEndpoint, match="can't be stored"):
        Endpoints(tmp_path / "models").put(NEW)
