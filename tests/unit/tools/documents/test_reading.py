"""Files read in a process of their own, what they may take, and what is said of those that fail."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest

from tests.support.made_pdfs import HELLO, one_page, text_pdf
from tools.documents import page_images
from tools.documents.base import DocumentError, Options, PasswordNeeded, Reading
from tools.documents.worker import reading as worker
from tools.documents.worker.reading import MEGABYTE, Limits, read

OWN = {"LC_CTYPE", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
OWN |= {"PYTHONPATH", "PYTHONUTF8", "PATH", "TMPDIR", "TZ", "LD_LIBRARY_PATH"}


@pytest.fixture
def odd_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CHILD", "tests.support.documents_child")


def made(folder: Path, text: str | bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def seconds(most: float) -> Limits:
    return Limits(memory=500 * MEGABYTE, seconds=most)


def texts(reading: Reading) -> list[str]:
    return [page.text for page in reading.pages]


def test_the_content_says_what_a_file_is(tmp_path: Path) -> None:
    assert texts(read(made(tmp_path, one_page(HELLO)), "notes.txt")) == ["Hello there"]
    reading = read(made(tmp_path, "only text"), "report.pdf")
    assert (reading.kind, texts(reading)) == ("text", ["only text"])


def test_progress_is_told_while_a_file_is_read(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = text_pdf(tmp_path / "a.pdf", [[f"Page {n}"] for n in range(30)])
    reading = read(path, "a.pdf", progress=lambda done, total: told.append((done, total)))
    assert reading.complete and len(reading.pages) == 30
    assert told[0] == (0, 30) and told[-1] == (30, 30)


def test_a_file_that_is_not_there_or_empty_or_too_large_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no longer there"):
        read(tmp_path / "gone.pdf", "gone.pdf")
    with pytest.raises(DocumentError, match="is empty"):
        read(made(tmp_path, ""), "a.pdf")
    with pytest.raises(DocumentError, match="larger than 1 MB"):
        read(made(tmp_path, "x" * (MEGABYTE + 1)), "a.txt", Limits(size=MEGABYTE))


@pytest.mark.usefixtures("odd_readers")
class TestWhatGoesWrong:
    def test_a_crash_is_one_file_s_error(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match="made its reader crash"):
            read(made(tmp_path, "crash"), "a")

    def test_what_was_read_in_time_is_kept_and_the_rest_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = [0.0]
        monkeypatch.setattr(worker, "monotonic", lambda: time.monotonic() + late[0])

        def progress(done: int, total: int | None) -> None:
            late[0] = 60.0 if done == 2 else 0.0

        reading = read(made(tmp_path, "spin"), "a", seconds(60), progress=progress)
        assert texts(reading) == ["read before", "read before, too"]
        assert not reading.complete
        assert "the first 2 of 3 pages were read" in reading.remarks[0]

    def test_a_reader_that_is_never_done_is_ended(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match="takes more than"):
            read(made(tmp_path, "stuck"), "a", seconds(1))

    def test_memory_is_bounded(self, tmp_path: Path) -> None:
        reading = read(made(tmp_path, "hungry"), "a", seconds(60))
        assert texts(reading) == ["read before"]
        assert "more than 500 MB of memory" in reading.remarks[0]

    def test_a_nest_without_a_bottom_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match="nested too deeply"):
            read(made(tmp_path, "deep"), "a")

    def test_there_is_no_network_and_nothing_of_the_app_s_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GLM_API_KEY", "secret")
        refused, environment = texts(read(made(tmp_path, "curious"), "a"))
        assert refused == "refused refused refused"
        assert set(environment.split()) <= OWN

    def test_the_text_is_bounded_and_is_text(self, tmp_path: Path) -> None:
        reading = read(made(tmp_path, "wordy"), "a", Limits(characters=2500))
        assert reading.characters == 2500
        assert reading.remarks == ("Only the first 2,500 characters were read.",)
        assert reading.pages[0].text.startswith("word? word? ")

    def test_a_stop_is_noticed_at_once(self, tmp_path: Path) -> None:
        cancel, told = threading.Event(), []

        def progress(done: int, total: int | None) -> None:
            told.append(done)
            if done:
                cancel.set()

        with pytest.raises(DocumentError, match="stopped"):
            read(made(tmp_path, "slow"), "a", cancel=cancel, progress=progress)
        assert max(told) < 10

    def test_a_fault_is_logged_and_said_without_its_path(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR), pytest.raises(DocumentError) as error:
            read(made(tmp_path, "faulty"), "a")
        assert "ZeroDivisionError" in caplog.text
        assert str(error.value) == "Something went wrong here while the file was read."

    def test_a_locked_file_is_told_from_a_broken_one(self, tmp_path: Path) -> None:
        path = made(tmp_path, "locked")
        with pytest.raises(PasswordNeeded):
            read(path, "a")
        assert texts(read(path, "a", options=Options(password="open"))) == ["opened"]


def test_a_page_is_shown_as_it_looks(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "a.pdf", [["One"], ["Two"]])
    shown = page_images.render(path, 2, width=300)
    assert shown.startswith(b"\x89PNG") and shown != page_images.render(path, 1, width=300)
    with pytest.raises(DocumentError, match="no such page"):
        page_images.render(path, 3)
    with pytest.raises(DocumentError, match="can be shown"):
        page_images.render(made(tmp_path, "text", "a.txt"), 1)
    (tmp_path / "link.pdf").symlink_to(path)
    with pytest.raises(DocumentError, match="no longer there"):
        page_images.render(tmp_path / "link.pdf", 1)
