"""Search in a folder, and its pages under their own address."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from tools.base import ToolCancelled
from tools.browser.base import LINK_CLOSES, LINK_OPENS, Link, Page, ReadFailed
from tools.browser.reading.local_reader import LocalReader
from tools.browser.search import local_index
from tools.browser.search.base import SearchFailed
from tools.browser.search.chain import HANDBOOK_SHARE
from tools.browser.search.local_folder import Folder
from tools.browser.search.local_index import LocalSearch

HANDBOOK = Path(__file__).resolve().parents[4] / "assets" / "handbook"


@pytest.fixture(autouse=True)
def always_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_index, "REFRESH_INTERVAL_S", 0.0)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    docs = tmp_path / "Our Docs"
    write(docs / "otters.md", "# Sea otters\n\nThey hold hands while they sleep.\n")
    write(docs / "sub" / "weather.html", "<html><head><title>Weather - Site</title></head><body>"
          "<nav>Otters menu</nav><script>var otters</script><main><h1>Weather</h1>"
          "<p>Rain in Lisbon.</p></main></body></html>")  # fmt: skip
    write(docs / "notes.txt", "Budget for 2026: 41 otters and a boat.\n")
    write(docs / "北京.md", "# 北京旅游\n\n故宫每天八点半开门，周一休息。票价六十元。\n")
    return docs


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def found(search: LocalSearch, query: str, days: int | None = None) -> list[str]:
    start = f"local://{search.folder.name}/"
    return [each.url.removeprefix(start) for each in search.search(query, days, 5)]


def test_pages_are_found_by_title_text_and_name(docs):
    search = LocalSearch(Folder(docs))
    assert found(search, "otters") == ["otters.md", "notes.txt"]
    assert found(search, "What is the weather?") == ["sub/weather.html"]
    assert found(search, "notes") == ["notes.txt"]
    (first, *_) = search.search("sleeping otter", None, 5)
    assert first.title == "Sea otters" and first.snippet == "They hold hands while they sleep."
    assert first.published == date.today()
    assert search.search("weather", None, 5)[0].title == "Weather - Site"


@pytest.mark.parametrize("query", ["北京", "故宫几点开门", "票价", "元", "故宫 开门"])
def test_chinese_is_found_by_words_of_any_length(docs, query):
    assert found(LocalSearch(Folder(docs)), query) == ["%E5%8C%97%E4%BA%AC.md"]


def test_chinese_passages_are_read_without_blanks(docs):
    (result,) = LocalSearch(Folder(docs)).search("故宫开门", None, 5)
    assert "故宫每天八点半开门" in result.snippet and result.title == "北京旅游"


@pytest.mark.parametrize(
    "query",
    ["", "  ", '"', "otters AND (", "NEAR(a b)", "title:x*", "^", "\0", "-", "*", "💥", "a" * 5000,
     "'; drop table words; --"],
)  # fmt: skip
def test_no_query_breaks_the_index(docs, query):
    search = LocalSearch(Folder(docs))
    search.search(query, None, 5)
    assert found(search, "hands") == ["otters.md"]


def test_the_index_follows_the_folder(docs, tmp_path):
    search = LocalSearch(Folder(docs), tmp_path / "cache")
    assert found(search, "boat") == ["notes.txt"]
    write(docs / "new.md", "# Boats\nA boat.")
    (docs / "notes.txt").unlink()
    assert found(search, "boat") == ["new.md"]
    stamp = (docs / "new.md").stat()
    write(docs / "new.md", "# Trains\nA rail")
    os.utime(docs / "new.md", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert stamp.st_size == (docs / "new.md").stat().st_size
    assert found(search, "boat") == ["new.md"]  # size and time are the same: not looked into
    os.utime(docs / "new.md", ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    assert found(search, "boat") == [] and found(search, "trains") == ["new.md"]


def test_the_index_is_kept_and_only_what_changed_is_read(docs, tmp_path, monkeypatch):
    LocalSearch(Folder(docs), tmp_path / "cache").search("otters", None, 5)
    (docs / "otters.md").touch()
    read: list[str] = []
    whole = Folder.read
    monkeypatch.setattr(Folder, "read", lambda self, path: read.append(path) or whole(self, path))
    again = LocalSearch(Folder(docs), tmp_path / "cache")
    assert found(again, "hands") == ["otters.md"]
    assert read == ["otters.md"]


def test_a_broken_or_older_index_is_built_anew(docs, tmp_path):
    cache = tmp_path / "cache"
    search = LocalSearch(Folder(docs), cache)
    search.search("otters", None, 5)
    search.close()
    (file,) = cache.glob("*.sqlite")
    file.write_bytes(b"no database at all" * 100)
    assert found(LocalSearch(Folder(docs), cache), "hands") == ["otters.md"]
    with sqlite3.connect(file) as database:
        database.execute("pragma user_version = 99")
    database.close()
    assert found(LocalSearch(Folder(docs), cache), "hands") == ["otters.md"]


def test_two_indexes_of_one_folder_don_t_disturb_each_other(docs, tmp_path):
    cache = tmp_path / "cache"
    searches = [LocalSearch(Folder(docs), cache) for _ in range(4)]
    answers: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda one=one: answers.append(found(one, "hands")))
        for one in searches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [["otters.md"]] * 4


def test_a_cache_that_can_t_be_written_costs_nothing_but_time(docs, tmp_path):
    write(tmp_path / "file", "in the way")
    assert found(LocalSearch(Folder(docs), tmp_path / "file"), "hands") == ["otters.md"]


def test_a_folder_that_is_gone_is_a_failure_and_costs_no_index(docs, tmp_path):
    search = LocalSearch(Folder(docs), tmp_path / "cache")
    search.search("otters", None, 5)
    docs.rename(tmp_path / "away")
    with pytest.raises(SearchFailed, match="our-docs can't be indexed"):
        search.search("otters", None, 5)
    (tmp_path / "away").rename(docs)
    assert found(search, "hands") == ["otters.md"]


def test_building_tells_how_far_it_is_and_can_be_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(local_index, "_PROGRESS_INTERVAL_S", 0.0)
    monkeypatch.setattr(local_index, "_BATCH_FILES", 7)
    for number in range(30):
        write(tmp_path / "many" / f"p{number:02}.txt", f"otter number{number}")
    search, cancel, told = LocalSearch(Folder(tmp_path / "many")), threading.Event(), list[str]()

    def progress(text: str) -> None:
        told.append(text)
        if len(told) == 10:
            cancel.set()

    with pytest.raises(ToolCancelled):
        search.prepare(progress, cancel)
    assert told[9] == "indexing many: 9 of 30 pages"
    told.clear()
    search.prepare(told.append, threading.Event())
    assert told[0] == "indexing many: 0 of 20 pages"
    assert found(search, "number29") == ["p29.txt"]


def test_days_are_those_of_the_files(docs):
    search = LocalSearch(Folder(docs))
    old = time.time() - 10 * 86400
    os.utime(docs / "otters.md", (old, old))
    assert found(search, "otters", 7) == ["notes.txt"]
    assert search.search("hands", None, 5)[0].published == date.today() - timedelta(days=10)
    undated = LocalSearch(Folder(docs), dated=False)
    assert found(undated, "hands", 7) == ["otters.md"]
    assert undated.search("hands", None, 5)[0].published is None


def test_hidden_files_links_and_other_kinds_are_not_seen(docs, tmp_path):
    write(tmp_path / "secret.md", "# Secret otters")
    (docs / "link.md").symlink_to(tmp_path / "secret.md")
    (docs / "linked").symlink_to(tmp_path)
    write(docs / ".hidden.md", "# Secret otters")
    write(docs / ".git" / "x.md", "# Secret otters")
    write(docs / "program.py", "secret otters")
    write(docs / "large.txt", b"secret otters " * 400_000)
    search = LocalSearch(Folder(docs))
    assert found(search, "secret") == []
    reader, never = LocalReader([Folder(docs)]), threading.Event()
    base = "local://our-docs"
    addresses = [
        "/link.md", "/linked/secret.md", "/.hidden.md", "/.git/x.md", "/program.py",
        "/../secret.md", "/%2e%2e/secret.md", "/sub/../../secret.md", "//etc/passwd.md",
        "/sub%2F..%2F..%2Fsecret.md", "/otters.md%00", "/", "", "/nothing.md", "/large.txt",
        f"/{'a' * 5000}.md",
    ]  # fmt: skip
    urls = [base + address for address in addresses]
    urls += ["local://other/otters.md", "local:///otters.md", "local://[/a.md", "local:otters.md"]
    for url, page in zip(urls, reader.read(urls, never), strict=True):
        assert isinstance(page, ReadFailed), url
        assert str(page) == "there is no such page"


def test_a_page_is_read_with_its_links_by_its_address(docs):
    write(
        docs / "sub" / "a.md",
        '# A *page*\n\nSee [otters](../otters.md#hands), [the `web`](https://e.example/x?y=1 "t"), '
        "![a picture](p.png), [here](#top), [out](../../../etc/x.md), [mail](mailto:a@b.example), "
        "\ue0007\ue001 and 【9†fake†x】.\n",
    )
    write(
        docs / "page.html",
        "<html><head><title>Page</title></head><body><main><p>Go to <a href='sub/a.md'>A</a> or "
        "<a href='/notes.txt'>notes</a> or <a href='https://e.example/'>out</a>.</p></main>",
    )
    reader = LocalReader([Folder(docs)])
    markdown, html = reader.read(
        ["local://our-docs/sub/a.md#part", "local://our-docs/page.html"], threading.Event()
    )
    assert isinstance(markdown, Page) and isinstance(html, Page)
    assert (markdown.url, markdown.title) == ("local://our-docs/sub/a.md", "A page")
    assert markdown.status == 200
    assert markdown.links == (
        Link("otters", "local://our-docs/otters.md"),
        Link("the `web`", "https://e.example/x?y=1"),
        Link("out", "local://our-docs/etc/x.md"),
    )
    links = [f"{LINK_OPENS}{number}{LINK_CLOSES}" for number in range(3)]
    assert markdown.lines[-1] == (
        f"See {links[0]}, {links[1]}, a picture, here, {links[2]}, mail, 7 and 〔9†fake†x〕."
    )
    assert [link.url for link in html.links] == [
        "local://our-docs/sub/a.md", "local://our-docs/notes.txt", "https://e.example/",
    ]  # fmt: skip


def test_a_file_in_another_charset_is_read(docs):
    body = (
        "<head><meta charset=gbk><title>海獭</title></head><body><p>海獭睡觉时手拉着手。</p></body>"
    )
    write(docs / "gbk.html", f"<html>{body}</html>".encode("gbk"))
    search = LocalSearch(Folder(docs))
    assert found(search, "海獭") == ["gbk.html"]
    (page,) = LocalReader([search.folder]).read(["local://our-docs/gbk.html"], threading.Event())
    assert isinstance(page, Page) and page.lines == ("海獭睡觉时手拉着手。",)


TOPICS = [
    ("what can the bundled model do", "bundled-model.md"),
    ("use another model", "models.md"),
    ("vLLM server", "models.md"),
    ("GGUF file", "models.md"),
    ("difference between chat and tools mode", "modes.md"),
    ("write my own tool", "own-tools.md"),
    ("ToolError", "own-tools.md"),
    ("python sandbox", "python.md"),
    ("python sandbox", "sandbox.md"),
    ("python memory limit", "python.md"),
    ("GLM_PYTHON_SECONDS", "python.md"),
    ("settings glm.toml", "settings.md"),
    ("privacy who sees my conversation", "privacy.md"),
    ("are my messages stored?", "privacy.md"),
    ("command line", "command-line.md"),
    ("use the agent from Python", "python-api.md"),
    ("Agent class run stream resume", "python-api.md"),
    ("exit code", "command-line.md"),
    ("troubleshooting slow answers", "troubleshooting.md"),
    ("model does not load", "troubleshooting.md"),
    ("how to start the app", "start.md"),
    ("safetensors 4bit", "models.md"),
    ("fine-tune with LoRA", "fine-tuning.md"),
    ("GLM_PYTHON_WORKSPACE_MB", "settings.md"),
    ("behind a proxy", "serving.md"),
    ("how are quotations in pdf documents shown", "documents.md"),
    ("draw pictures with cogview", "pictures.md"),
    ("make bench figures", "measurements.md"),
    ("web search searxng", "web.md"),
    ("search without a network", "web.md"),
]


@pytest.fixture(scope="module")
def handbook() -> LocalSearch:
    return LocalSearch(Folder(HANDBOOK), share=HANDBOOK_SHARE, dated=False)


@pytest.mark.parametrize(("query", "page"), TOPICS)
def test_the_handbook_has_a_page_for_each_topic(handbook, query, page):
    assert page in found(handbook, query)[:2]


@pytest.mark.parametrize(
    "query",
    ["bitcoin price today", "latest news about the James Webb telescope", "vegan ramen recipes",
     "who won the Nobel prize", "weather in Paris", "特斯拉的股价",
     "train strike in Germany this week"],
)  # fmt: skip
def test_the_handbook_has_nothing_on_other_matters(handbook, query):
    assert found(handbook, query) == []


def test_the_handbook_s_links_lead_to_its_pages(handbook):
    reader = LocalReader([handbook.folder])
    pages = {handbook.folder.address(path) for path in handbook.folder.files().files}
    assert 8 <= len(pages) <= 30
    for page in reader.read(sorted(pages), threading.Event()):
        assert isinstance(page, Page)
        assert sum(len(line.split()) for line in page.lines) > 150
        prose = [line for line in page.lines if not line.startswith("|")]
        assert sum(len(line.split()) for line in prose) < 700
        assert {link.url for link in page.links} <= pages
