"""Visitors' tokens, and the key that signs them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.visitor_tokens import KEY_BYTES, KEY_FILE, VisitorTokens, signing_key
from tests.support.running_app import ROOT


def test_a_token_is_known_by_its_own_key_alone() -> None:
    tokens, others = VisitorTokens(b"a" * KEY_BYTES), VisitorTokens(b"b" * KEY_BYTES)
    value = tokens.new()
    assert value != tokens.new()
    visitor = tokens.visitor(value)
    assert visitor is not None and len(visitor) >= 32
    assert visitor not in repr(tokens) and "aaaa" not in repr(tokens)
    assert others.visitor(value) is None


@pytest.mark.parametrize("value", [None, "", ".", "..", "chosen", "chosen.", "ä.b", "\udcff.x"])
def test_what_was_not_given_out_is_nobody(value: str | None) -> None:
    assert VisitorTokens(b"a" * KEY_BYTES).visitor(value) is None


def test_no_letter_of_a_token_may_change() -> None:
    tokens = VisitorTokens(b"a" * KEY_BYTES)
    value = tokens.new()
    for at, letter in enumerate(value):
        for other in ("A", "B", ".", letter.swapcase(), ""):
            if other != letter:
                assert tokens.visitor(value[:at] + other + value[at + 1 :]) is None
    assert tokens.visitor(value + "0") is None
    assert tokens.visitor(f" {value}") is None


def test_a_key_is_its_owners_alone_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    key = signing_key(folder)
    assert len(key) == KEY_BYTES
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [KEY_FILE]
    assert signing_key(folder) == key
    assert signing_key(tmp_path / "other") != key


def test_a_key_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    key = signing_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    assert signing_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("damaged", [b"", b"short", b"x" * (KEY_BYTES + 1)])
def test_a_damaged_key_is_made_anew(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(damaged)
    key = signing_key(tmp_path)
    assert len(key) == KEY_BYTES and key != damaged
    assert signing_key(tmp_path) == key
    assert (tmp_path / KEY_FILE).read_bytes() == key


def test_a_key_that_can_not_be_kept_is_told_and_lasts_for_this_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "target").write_bytes(b"x" * KEY_BYTES)
    for name in ("folder", "fifo", "link"):
        (tmp_path / name).mkdir()
    (tmp_path / "folder" / KEY_FILE).mkdir()
    os.mkfifo(tmp_path / "fifo" / KEY_FILE)
    (tmp_path / "link" / KEY_FILE).symlink_to(tmp_path / "target")
    for name in ("file", "folder", "fifo", "link"):
        caplog.clear()
        assert len(signing_key(tmp_path / name)) == KEY_BYTES
        assert signing_key(tmp_path / name) != signing_key(tmp_path / name)
        assert "no key can be kept" in caplog.text
        assert str(tmp_path) not in caplog.text
    assert (tmp_path / "target").read_bytes() == b"x" * KEY_BYTES


def test_processes_that_begin_together_get_the_same_key(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from app.core.visitor_tokens import signing_key;"
        " print(signing_key(pathlib.Path(sys.argv[1])).hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    keys = [bytes.fromhex(process.communicate(timeout=120)[0]) for process in processes]
    assert set(keys) == {(tmp_path / KEY_FILE).read_bytes()}
