"""Office files behind a password: asked for, wrong, right in any script, and odd containers."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.method.container.ecma376_encrypted import ECMA376Encrypted

from tests.support.office_files import make_docx, make_pptx, make_xlsx
from tests.support.words_in_order import pages
from tests.support.words_in_order import read as read_here
from tools.documents.base import DocumentError, Options, PasswordNeeded
from tools.documents.formats import kind_of
from tools.documents.readers.office.encryption import opened
from tools.documents.worker.reading import read


def locked(plain: Path, password: str) -> Path:
    """The file as Office writes it with a password."""
    path = plain.with_suffix(f".locked{plain.suffix}")
    with plain.open("rb") as source, path.open("wb") as target:
        OOXMLFile(source).encrypt(password, target)
    return path


def unlocked(path: Path, password: str | None) -> bytes:
    with opened(path, password) as plain:
        return plain.read_bytes()


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    return make_pptx(tmp_path / "a.pptx", "Outlook", "We hire thirty engineers.")


def test_a_password_is_asked_for_and_may_be_in_any_script(slides: Path) -> None:
    path = locked(slides, "пароль-密码-é")
    with pytest.raises(PasswordNeeded, match="needs a password"):
        unlocked(path, None)
    for wrong in ("密码", "\ud800"):
        with pytest.raises(PasswordNeeded, match="does not open"):
            unlocked(path, wrong)
    typed = "пароль-密码-e\u0301"  # with an accent of its own
    assert unlocked(path, typed) == slides.read_bytes()
    with pytest.raises(PasswordNeeded, match="does not open"):
        read(path, path.name, options=Options(password="wrong"))
    reading = read(path, path.name, options=Options(password=typed))
    assert reading.kind == "pptx" and "thirty engineers" in reading.pages[0].text


@pytest.mark.parametrize("kind", ["docx", "xlsx"])
def test_the_other_formats_are_opened(kind: str, tmp_path: Path) -> None:
    if kind == "docx":
        plain = make_docx(tmp_path / "a.docx", "At the foot")
    else:
        plain = make_xlsx(tmp_path / "a.xlsx", ("item", "price"))
    with opened(locked(plain, "secret"), "secret") as path:
        assert kind_of(path, "no suffix") == kind
        assert words_of(path) == words_of(plain)


def words_of(path: Path) -> list[str]:
    found = pages(read_here(path))
    assert found
    return found


def test_what_excel_locks_against_changes_alone_is_read(tmp_path: Path) -> None:
    path = locked(make_xlsx(tmp_path / "a.xlsx", ("steel", 812)), "VelvetSweatshop")
    with opened(path, None) as plain:
        assert "812" in words_of(plain)[0]


def test_nothing_of_what_was_locked_is_left_on_the_disk(
    slides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with opened(locked(slides, "secret"), "secret") as path:
        assert path.read_bytes() == slides.read_bytes()
        assert os.listdir(folder) == []
    with opened(slides, "secret") as path:
        assert path == slides


@pytest.mark.parametrize("part", [0.2, 0.5, 0.98])
def test_a_locked_file_that_is_cut_short_is_damaged(slides: Path, part: float) -> None:
    path = locked(slides, "secret")
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with (
        pytest.raises(DocumentError, match=r"damaged or cut short|old Office"),
        opened(path, "secret") as plain,
    ):
        kind_of(plain, path.name)


@pytest.mark.parametrize(
    ("info", "sentence"),
    [
        (b"\x04\x00\x03\x00" + bytes(60), "can't be opened here"),
        (b"\x09\x00\x09\x00" + bytes(60), "can't be opened here"),
        (b"\x04\x00\x04\x00" + bytes(4) + b"<encryption/>", "damaged"),
        (b"\x04\x00\x04\x00" + bytes(4) + b"no XML", "damaged"),
        (b"\x04\x00\x02\x00" + bytes(60), "damaged"),
        (b"", "damaged"),
    ],
)
def test_another_lock_is_said(tmp_path: Path, info: bytes, sentence: str) -> None:
    data = io.BytesIO()
    ECMA376Encrypted(bytes(8192), info).write_to(data)
    path = tmp_path / "a.docx"
    path.write_bytes(data.getvalue())
    with pytest.raises(DocumentError, match=sentence), opened(path, "secret"):
        pass
