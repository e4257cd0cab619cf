"""A conversation's documents: read in the background, each on its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.document_qa.store import DocumentStore, Entry
from backends.messages import Document
from tests.support.made_pdfs import text_pdf
from tools.documents.base import DocumentError, Options, Page, Reading
from tools.documents.loader import DocumentLoader
from tools.documents.worker import reading as worker

TIMEOUT_S = 120.0  # on a busy machine

Put = Callable[..., Document]


@pytest.fixture
def odd_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CHILD", "tests.support.documents_child")


@pytest.fixture
def loader() -> DocumentLoader:
    return DocumentLoader(options=Options(ocr=False))


@pytest.fixture
def store(loader: DocumentLoader) -> Iterator[DocumentStore]:
    store = DocumentStore(loader)
    yield store
    store.close()


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def put(name: str, text: str | bytes = "text") -> Document:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return Document(path, "application/octet-stream", name, path.stat().st_size)

    return put


def settled(store: DocumentStore) -> dict[str, Entry]:
    assert store.wait(TIMEOUT_S)
    return {entry.document.name: entry for entry in store.entries()}


def until(store: DocumentStore, name: str, holds: Callable[[Entry], bool]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not any(e.document.name == name and holds(e) for e in store.entries()):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_fifty_files_at_once_are_read_and_numbered(store: DocumentStore, put: Put) -> None:
    # Five contents, so that most are known already; two files are no documents.
    for number in range(48):
        store.add(put(f"{number}.txt", f"text {number % 5}"))
    store.add(put("empty.txt", ""))
    store.add(put("broken.pdf", b"%PDF-1.7\n" + bytes(range(256))))
    assert len(store.entries()) == 50
    entries = settled(store)
    assert [entry.document.name for entry in store.entries()][:3] == ["0.txt", "1.txt", "2.txt"]
    failed = {name: entry.error for name, entry in entries.items() if entry.state != "ready"}
    assert set(failed) == {"empty.txt", "broken.pdf"}
    assert failed["empty.txt"] == "The file is empty."
    ready = [entry for entry in entries.values() if entry.state == "ready"]
    assert all(
        entry.reading == Reading("text", (Page(1, f"text {int(name[:-4]) % 5}"),))
        for name, entry in entries.items()
        if entry.state == "ready"
    )
    assert sorted(entry.first for entry in ready) == list(range(1, 49))


def test_numbers_are_never_used_again(store: DocumentStore, put: Put, tmp_path: Path) -> None:
    long = text_pdf(tmp_path / "long.pdf", [["a"], ["b"], ["c"]])
    store.add(Document(long, "application/pdf", "long.pdf"))
    assert settled(store)["long.pdf"].first == 1
    store.add(put("a.txt"))
    assert settled(store)["a.txt"].first == 4
    store.remove("long.pdf")
    store.add(put("b.txt", "other"))
    entries = settled(store)
    assert {name: entry.first for name, entry in entries.items()} == {"a.txt": 4, "b.txt": 5}
    # The same document once more changes nothing.
    store.add(entries["a.txt"].document)
    assert store.entries()[0] == entries["a.txt"]


def test_pages_are_selected_as_they_are_typed(store: DocumentStore, tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "a.pdf", [[f"Page {n}"] for n in range(12)])
    store.add(Document(path, "application/pdf", "a.pdf"))
    settled(store)
    for typed, meant in {
        "1-5, 9": ((1, 5), (9, 9)),
        "9，2–4、4-6": ((2, 6), (9, 9)),
        "10-": ((10, 12),),
        "-2": ((1, 2),),
        "１２": ((12, 12),),
        " ": None,
    }.items():
        store.select("a.pdf", typed)
        assert store.entries()[0].selected == meant
    store.select("a.pdf", "3")
    for nonsense in ("x", "3-1", "0", "1-13", "99999999999999999999", "1--2", "-", "²"):
        with pytest.raises(DocumentError):
            store.select("a.pdf", nonsense)
    assert store.entries()[0].selected == ((3, 3),)
    with pytest.raises(DocumentError, match="once the document is read"):
        store.select("b.pdf", "1")


@pytest.mark.usefixtures("odd_readers")
def test_a_crash_and_a_fault_leave_the_others_alone(store: DocumentStore, put: Put) -> None:
    for name in ("crash", "deep", "a.txt"):
        store.add(put(name, name))
    entries = settled(store)
    assert [entry.state for entry in entries.values()] == ["failed", "failed", "ready"]
    assert "crash" in (entries["crash"].error or "")


@pytest.mark.usefixtures("odd_readers")
def test_a_locked_file_waits_for_its_password(
    loader: DocumentLoader, store: DocumentStore, put: Put
) -> None:
    store.add(put("a", "locked"))
    assert settled(store)["a"].state == "locked"
    store.unlock("a", "wrong")
    assert settled(store)["a"].error == "It is locked."
    store.unlock("a", "open")
    entry = settled(store)["a"]
    assert entry.state == "ready" and entry.first == 1
    # Who has the file and not its password does not get what another one read.
    other = DocumentStore(loader)
    other.add(entry.document)
    assert settled(other)["a"].state == "locked"


@pytest.mark.usefixtures("odd_readers")
def test_reading_is_stopped_and_taken_up_again(store: DocumentStore, put: Put) -> None:
    document = put("a", "slow")
    store.add(document)
    until(store, "a", lambda entry: entry.done > 0)
    assert store.entries()[0].total == 1000
    store.cancel("a")
    assert store.entries()[0].state == "cancelled"
    store.add(document)
    until(store, "a", lambda entry: entry.state == "reading")
    store.remove("a")
    assert store.entries() == ()
    store.add(put("b.txt"))
    assert settled(store)["b.txt"].state == "ready"


@pytest.mark.usefixtures("odd_readers")
def test_a_file_that_is_removed_while_it_is_read_is_read(store: DocumentStore, put: Put) -> None:
    document = put("a", "slow")
    store.add(document)
    until(store, "a", lambda entry: entry.done > 0)
    document.path.unlink()
    done = store.entries()[0].done
    until(store, "a", lambda entry: entry.done > done + 1)
    store.cancel("a")
    store.add(Document(document.path, "", "gone"))
    assert settled(store)["gone"].error == "The file is no longer there."


def test_what_is_no_file_of_the_workspace_is_not_read(
    store: DocumentStore, put: Put, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(put("secret.txt", "of somebody else").path)
    store.add(Document(tmp_path / "link", "", "link"))
    store.add(Document(tmp_path, "", "folder"))
    assert {entry.error for entry in settled(store).values()} == {"The file is no longer there."}


def test_sessions_take_turns(loader: DocumentLoader, put: Put) -> None:
    """One that brings many files does not keep the others waiting."""
    begin, order = threading.Event(), list[str]()
    one, two = DocumentStore(loader), DocumentStore(loader)
    for _ in range(2):
        loader.submit(loader, lambda: begin.wait(TIMEOUT_S))
    end = threading.Barrier(3)

    def job(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    for number in range(4):
        loader.submit(one, job(f"one {number}"))
    loader.submit(two, job("two"))
    loader.submit(two, end.wait)
    loader.submit(one, end.wait)
    begin.set()
    end.wait(TIMEOUT_S)
    assert order.index("two") < 3


def test_the_same_content_is_read_once_for_all(
    loader: DocumentLoader, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = DocumentStore(loader), DocumentStore(loader)
    one.add(put("a.txt", "a text"))
    first = settled(one)["a.txt"].reading
    monkeypatch.setattr(worker, "CHILD", "tests.no_such_module")
    two.add(put("b.txt", "a text"))
    two.add(put("c.txt", "another text"))
    entries = settled(two)
    assert entries["b.txt"].reading is first
    assert entries["c.txt"].state == "failed"


def test_what_is_kept_is_bounded(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = DocumentLoader(cache_bytes=100)
    store = DocumentStore(loader)
    store.add(put("a.txt", "x" * 200))
    settled(store)
    monkeypatch.setattr(worker, "CHILD", "tests.no_such_module")
    store.add(put("b.txt", "x" * 200))
    assert settled(store)["b.txt"].state == "failed"


@pytest.mark.usefixtures("odd_readers")
def test_a_closed_desk_is_empty_and_stays_so(loader: DocumentLoader, put: Put) -> None:
    store = DocumentStore(loader)
    store.add(put("a", "slow"))
    store.add(put("b", "text"))
    store.close()
    store.close()
    store.add(put("c", "text"))
    assert store.entries() == () and store.wait(0)


def test_desks_of_one_visitor_take_one_turn_together(loader: DocumentLoader) -> None:
    begin, end, order = threading.Event(), threading.Event(), list[str]()
    mine, too, other = (
        DocumentStore(loader, "me"),
        DocumentStore(loader, "me"),
        DocumentStore(loader, "you"),
    )
    assert mine.owner == too.owner != other.owner != DocumentStore(loader).owner
    for _ in range(2):
        loader.submit(loader, lambda: begin.wait(TIMEOUT_S))
    for store in (mine, mine, too, too):
        loader.submit(store.owner, lambda: order.append("me"))
    loader.submit(other.owner, lambda: order.append("you"))
    loader.submit(other.owner, end.set)
    begin.set()
    assert end.wait(TIMEOUT_S)
    assert order.index("you") <= 2
