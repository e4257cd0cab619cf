"""Files that a user gives: under which name they lie, what is refused, what the model reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.attachments import Upload, UploadRejected
from app.core.attachments.uploads import MAX_FILES, read_upload, store_uploads, user_message
from app.core.conversation import Conversation
from app.core.settings import Settings
from backends.messages import Document, Message, Text, user

SMALL = Settings(upload_mb=1, python_workspace_mb=2)
MEGABYTE = 1024 * 1024


def test_files_lie_in_the_workspace_under_names_that_are_safe_and_free(tmp_path: Path) -> None:
    files = [
        Upload("../../销售.csv", b"a\n1\n"),
        Upload("销售.csv", memoryview(b"b")),
        Upload(".ssh/authorized_keys", b"k"),
    ]
    kept = store_uploads(files, tmp_path, Settings())
    assert [(each.name, each.mime, each.size) for each in kept] == [
        ("销售.csv", "text/csv", 4),
        ("销售 (2).csv", "text/csv", 1),
        ("authorized_keys", "application/octet-stream", 1),
    ]
    assert [each.path for each in kept] == [tmp_path.resolve() / each.name for each in kept]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(each.name for each in kept)
    assert kept[0].path.read_bytes() == b"a\n1\n"


def test_a_file_never_goes_through_a_link_that_the_code_left(tmp_path: Path) -> None:
    outside, workspace = tmp_path / "outside.csv", tmp_path / "workspace"
    outside.write_text("theirs")
    workspace.mkdir()
    os.symlink(outside, workspace / "a.csv")
    (kept,) = store_uploads([Upload("a.csv", b"mine")], workspace, Settings())
    assert outside.read_text() == "theirs" and kept.name == "a (2).csv"


def test_what_is_too_large_or_too_much_is_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = b"x" * MEGABYTE
    with pytest.raises(UploadRejected, match=r"^The file a.bin is larger than 1 MB.$"):
        store_uploads([Upload("a.bin", whole + b"x")], tmp_path, SMALL)
    store_uploads([Upload("a.bin", whole)], tmp_path, SMALL)
    with pytest.raises(UploadRejected, match="more than 2 MB"):
        store_uploads([Upload("b.bin", whole), Upload("c.bin", b"x")], tmp_path, SMALL)
    with pytest.raises(UploadRejected, match=f"At most {MAX_FILES} files"):
        store_uploads([Upload("a", b"")] * (MAX_FILES + 1), tmp_path, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_behind_a_gateway_no_file_is_taken(tmp_path: Path) -> None:
    away = Settings(kernel_gateway_url="http://127.0.0.1:1")
    with pytest.raises(UploadRejected, match="another machine"):
        store_uploads([Upload("a", b"")], tmp_path, away)
    assert store_uploads([], tmp_path, away) == ()


def test_a_workspace_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(UploadRejected, match="could not be kept"):
        store_uploads([Upload("a", b"")], tmp_path / "gone" / "workspace", SMALL)


def test_a_file_of_the_users_own_is_read_or_told(tmp_path: Path) -> None:
    path = tmp_path / "a b.csv"
    path.write_bytes(b"1")
    assert read_upload(path, SMALL) == Upload("a b.csv", b"1")
    for wrong in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(UploadRejected) as refused:
            read_upload(wrong, SMALL)
        assert wrong.name in str(refused.value) and str(tmp_path) + "/" not in str(refused.value)


def test_the_model_reads_a_line_for_each_file(tmp_path: Path) -> None:
    table = Document(tmp_path / "a.csv", "text/csv", "a.csv", 12_345)
    message = user_message("Plot it", [table, table])
    line = "[file a.csv, 12 KB, in the working directory]"
    assert message.prompt == f"{line}\n{line}\nPlot it"
    assert (message.text, message.documents) == ("Plot it", (table, table))
    assert user_message("  ", [table]) == Message("user", (table,))
    assert user_message("  ", [table]).prompt == line
    assert user_message("hi") == user("hi") == Message("user", (Text("hi"),))
    assert user("hi").prompt == "hi"


def test_files_stay_with_the_message_that_is_asked_again(tmp_path: Path) -> None:
    table = Document(tmp_path / "a.csv", "text/csv", "a.csv", 1)
    asked = user_message("Plot it", [table])
    conversation = Conversation().append(asked, Message("assistant", (Text("Done."),)))
    assert conversation.for_retry().messages == (asked,)
