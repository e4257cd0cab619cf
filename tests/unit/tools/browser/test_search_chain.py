"""Which searches are asked, in which order, and what is said of those that fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.loopback_web import Answer, Request, Site
from tools.base import ToolCancelled
from tools.browser.search import chain as module
from tools.browser.search.base import Result, SearchFailed
from tools.browser.search.chain import FROM_HANDBOOK, NO_NETWORK, SearchChain, choose_search
from tools.browser.search.local_folder import Folder
from tools.browser.search.local_index import LocalSearch
from tools.browser.search.providers.brave import Brave
from tools.browser.search.providers.ddgs import Ddgs
from tools.browser.search.providers.searxng import SearXNG

HANDBOOK = Path(__file__).resolve().parents[4] / "assets" / "handbook"
NOBODY = "http://nowhere.invalid"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def answer(*titles: str) -> Answer:
    results = [{"title": title, "url": f"https://{title}.example/"} for title in titles]
    return Answer(json.dumps({"results": results}).encode(), "application/json")


def handbook() -> LocalSearch:
    return LocalSearch(Folder(HANDBOOK), share=module.HANDBOOK_SHARE, dated=False)


def titles(results: tuple[Result, ...]) -> list[str]:
    return [each.title for each in results]


def test_the_first_that_finds_something_answers(site, tmp_path):
    (tmp_path / "otters.md").write_text("# Otters here", encoding="utf-8")
    site.pages["/search"] = answer("otters")
    told: list[str] = []
    chain = SearchChain([LocalSearch(Folder(tmp_path, "docs")), SearXNG(site.url)])
    found = chain.search("otters", None, 5, told.append)
    assert (titles(found.results), found.notes, found.error) == (["Otters here"], (), None)
    assert titles(chain.search("beavers", None, 5, told.append).results) == ["otters"]
    assert told == ["searching local", "searching local", "searching searxng"]


def test_one_that_fails_is_named_and_the_next_is_asked(site):
    site.pages["/search"] = answer("otters")
    site.pages["/res/v1/web/search"] = Answer(b'{"error": {"detail": "No"}}', status=401)
    found = SearchChain([Brave("k", site.url), SearXNG(site.url)]).search("otters", None, 5)
    assert titles(found.results) == ["otters"] and found.error is None
    assert found.notes == ("brave could not be asked: it does not accept the key (No).",)


def test_nothing_found_and_nothing_asked_are_different_things(site):
    site.pages["/search"] = answer()
    found = SearchChain([SearXNG(site.url)]).search("otters", None, 5)
    assert (found.results, found.notes, found.error) == ((), (), None)
    found = SearchChain([SearXNG(site.url), SearXNG(NOBODY)]).search("otters", None, 5)
    assert found.notes == (
        'No results for "otters".', "searxng could not be asked: it can't be reached.",
    )  # fmt: skip
    found = SearchChain([SearXNG(NOBODY)]).search("otters", None, 5)
    assert found.notes[-1] == "Nothing could be searched."
    assert found.error == "searxng could not be asked: it can't be reached."
    found = SearchChain([]).search("otters", None, 5)
    assert found.error == "No search service is set up here."


def test_one_that_can_t_be_reached_is_left_in_peace_for_a_while(site, monkeypatch):
    searxng = SearXNG(NOBODY)
    chain = SearchChain([searxng])
    first = chain.search("otters", None, 5)
    site.pages["/search"] = answer("otters")
    searxng._url = f"{site.url}/search"
    assert chain.search("otters", None, 5) == first and site.asked == []
    monkeypatch.setattr(module.time, "monotonic", lambda now=module.time.monotonic: now() + 61)
    assert titles(chain.search("otters", None, 5).results) == ["otters"]


def test_one_that_refuses_is_asked_again(site):
    site.pages["/search"] = Answer(b"{}", status=429)
    chain = SearchChain([SearXNG(site.url)])
    chain.search("otters", None, 5)
    site.pages["/search"] = answer("otters")
    assert titles(chain.search("otters", None, 5).results) == ["otters"]


def test_without_a_network_the_handbook_answers_on_itself_and_on_nothing_else():
    chain = SearchChain([SearXNG(NOBODY)], handbook())
    found = chain.search("python sandbox", None, 5)
    assert titles(found.results)[:2] == ["The sandbox of the Python tool", "The Python tool"]
    assert found.notes == (FROM_HANDBOOK,) and found.error == NO_NETWORK
    found = chain.search("bitcoin price today", None, 5)
    assert found.results == () and found.notes == (NO_NETWORK,) and found.error == NO_NETWORK


def test_with_a_network_that_refuses_the_handbook_is_named_as_what_it_is(site):
    site.pages["/search"] = Answer(b"{}", status=429)
    found = SearchChain([SearXNG(site.url)], handbook()).search("python sandbox", None, 5)
    assert found.notes == (
        "searxng could not be asked: it has had too many requests.",
        "These are pages of this app's own handbook.",
    )
    site.pages["/search"] = answer()
    assert SearchChain([SearXNG(site.url)], handbook()).search("python", None, 5).results == ()


def test_stop_ends_it_between_two_searches(site):
    cancel = threading.Event()

    def stops(request: Request) -> None:
        cancel.set()
        request.answer(Answer(b"{}", status=500))

    site.pages["/search"] = stops
    with pytest.raises(ToolCancelled):
        SearchChain([SearXNG(site.url)] * 2).search("otters", None, 5, lambda _: None, cancel)
    assert len(site.asked) == 1


# The setting


def test_the_default_is_ddgs_and_the_handbook():
    for setting in ("", "ddgs", " DDGS "):
        chain = choose_search(setting, {}, HANDBOOK)
        assert [type(each) for each in chain.providers] == [Ddgs] and chain.problems == ()
        assert [folder.name for folder in chain.folders] == ["handbook"]
    assert choose_search("ddgs", {}, Path("nowhere")).folders == ()
    assert choose_search("searxng:https://x.example", {}, HANDBOOK).folders == ()


def test_a_list_is_made_in_its_order(tmp_path):
    setting = f"searxng:https://x.example/, brave,tavily, zhipu ,serper,local:{tmp_path},ddgs"
    keys = {"brave": "1", "tavily": "2", "zhipu": "3", "serper": "4"}
    chain = choose_search(setting, keys)
    assert chain.names == "searxng, brave, tavily, zhipu, serper, local, ddgs"
    assert chain.problems == () and len(chain.folders) == 1


def test_folders_of_the_same_name_have_addresses_of_their_own(tmp_path):
    for parent in ("a", "b"):
        (tmp_path / parent / "docs").mkdir(parents=True)
    chain = choose_search(f"local:{tmp_path}/a/docs,local:{tmp_path}/b/docs", {})
    assert [folder.name for folder in chain.folders] == ["docs", "docs-2"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("brave", "brave needs a key, so it is not searched with."),
        ("searxng", "searxng needs its address: searxng:https://host. It is not used."),
        ("searxng:search.example", "searxng needs its address"),
        ("local:", "The folder of local: is not there, so it is not searched."),
        ("local:/home/somebody/secret", "The folder secret is not there"),
        ("google", "There is no search named google; there are searxng:URL, brave,"),
        ("ddgs:x", "There is no search named ddgs"),
    ],
)
def test_what_can_t_be_used_is_told_and_not_offered(setting, said):
    chain = choose_search(setting, {"brave": " "})
    assert chain.providers == () and chain.names == ""
    (problem,) = chain.problems
    assert problem.startswith(said) and "/home" not in problem


def test_a_failure_is_one_line():
    assert str(SearchFailed("it broke\n\nTraceback " + "x" * 500)).count("\n") == 0
