"""Each search service against a server on loopback that speaks its API, and badly too."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ddgs.engines.duckduckgo import Duckduckgo

from tests.support.loopback_web import Answer, Request, Site, html
from tools.browser.search.base import Result, SearchFailed, SearchProvider, read_date
from tools.browser.search.providers.brave import Brave
from tools.browser.search.providers.ddgs import Ddgs
from tools.browser.search.providers.searxng import SearXNG
from tools.browser.search.providers.serper import Serper
from tools.browser.search.providers.tavily import Tavily
from tools.browser.search.providers.zhipu import Zhipu

KEY = "key-1234567890"
MAY = date(2026, 5, 1)
OTTER = Result("Sea otters", "https://otters.example/sea", 'They "hold" hands & sleep.', MAY)
SNIPPET = "They &quot;hold&quot; <strong>hands</strong>\n &amp; sleep."


class Api:
    """One path of a site that answers with JSON; `asked` has method, query, headers and body."""

    def __init__(self, site: Site, path: str, value: Any, status: int = 200) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str], Any]] = []
        self._value, self._status = value, status
        site.pages[path] = self._answer

    def _answer(self, request: Request) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.command, query, headers, json.loads(body) if body else None))
        data = json.dumps(self._value).encode()
        request.answer(Answer(data, "application/json", self._status))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def brave(site: Site) -> SearchProvider:
    return Brave(KEY, site.url, seconds=3)


def tavily(site: Site) -> SearchProvider:
    return Tavily(KEY, site.url, seconds=3)


def zhipu(site: Site) -> SearchProvider:
    return Zhipu(KEY, site.url, seconds=3)


def serper(site: Site) -> SearchProvider:
    return Serper(KEY, site.url, seconds=3)


def searxng(site: Site) -> SearchProvider:
    return SearXNG(f"{site.url}/", seconds=3)


def answers(make: Callable[[Site], SearchProvider], items: list[dict[str, Any]]) -> tuple[str, Any]:
    """The path a service is asked at, and its answer with these results."""
    if make is brave:
        return "/res/v1/web/search", {"type": "search", "web": {"results": items}}
    if make is zhipu:
        return "/api/paas/v4/web_search", {"id": "1", "search_intent": [], "search_result": items}
    if make is serper:
        return "/search", {"searchParameters": {}, "organic": items}
    return "/search", {"query": "otters", "results": items}


ITEMS: list[tuple[Callable[[Site], SearchProvider], dict[str, Any]]] = [
    (searxng, {"title": OTTER.title, "url": OTTER.url, "content": SNIPPET,
               "publishedDate": "2026-05-01T00:00:00", "engine": "x"}),
    (brave, {"title": OTTER.title, "url": OTTER.url, "description": SNIPPET,
             "page_age": "2026-05-01T10:00:00", "age": "May 1, 2026"}),
    (tavily, {"title": OTTER.title, "url": OTTER.url, "content": SNIPPET, "score": 0.9,
              "published_date": "Fri, 01 May 2026 17:25:56 GMT"}),
    (zhipu, {"title": OTTER.title, "link": OTTER.url, "content": SNIPPET, "media": "x",
             "publish_date": "2026-05-01"}),
    (serper, {"title": OTTER.title, "link": OTTER.url, "snippet": SNIPPET, "date": "May 1, 2026",
              "position": 1}),
]  # fmt: skip
MAKES = [make for make, _ in ITEMS]


@pytest.mark.parametrize(("make", "item"), ITEMS)
def test_results_come_as_plain_text_with_their_day(site, make, item):
    path, answer = answers(make, [item])
    Api(site, path, answer)
    assert make(site).search("otters", None, 5) == [OTTER]


def test_each_service_is_asked_as_its_documentation_says(site):
    since = (date.today() - timedelta(days=5)).isoformat()
    wanted = {
        searxng: ("GET", {"q": "sea otters", "format": "json", "time_range": "week"}, None),
        brave: ("GET", {"q": "sea otters", "count": "5", "text_decorations": "false",
                        "result_filter": "web", "freshness": f"{since}to{date.today()}"}, None),
        tavily: ("POST", {}, {"query": "sea otters", "max_results": 5, "start_date": since}),
        zhipu: ("POST", {}, {"search_engine": "search_std", "search_query": "sea otters",
                             "search_intent": False, "count": 5,
                             "search_recency_filter": "oneWeek"}),
        serper: ("POST", {}, {"q": "sea otters", "num": 5, "tbs": "qdr:w"}),
    }  # fmt: skip
    keys = {brave: ("x-subscription-token", KEY), tavily: ("authorization", f"Bearer {KEY}"),
            zhipu: ("authorization", f"Bearer {KEY}"), serper: ("x-api-key", KEY)}  # fmt: skip
    for make, expected in wanted.items():
        api = Api(site, *answers(make, []))
        assert make(site).search("sea otters", 5, 5) == []
        ((method, query, headers, body),) = api.asked
        assert (method, query, body) == expected
        if make in keys:
            name, value = keys[make]
            assert headers[name] == value


@pytest.mark.parametrize(("make", "item"), ITEMS)
def test_a_thousand_results_are_cut_and_bad_ones_left_out(site, make, item):
    at = "link" if "link" in item else "url"
    bad: list[Any] = [{}, "x", None, {at: None}, item | {at: "javascript:alert(1)"},
                      item | {at: "file:///etc/passwd"}, item | {at: "https://x/" + "a" * 5000},
                      item | {"title": None, "content": 3, "publishedDate": 7}]  # fmt: skip
    Api(site, *answers(make, [*bad, *[item] * 1000]))
    results = make(site).search("otters", None, 10)
    assert len(results) == 10 and results[1:] == [OTTER] * 9
    assert results[0].title == ""


def test_a_private_address_among_the_results_is_only_a_result(site):
    Api(site, *answers(searxng, [{"title": "Router", "url": "http://192.168.1.1/"}]))
    assert searxng(site).search("router", None, 3) == [Result("Router", "http://192.168.1.1/", "")]


ERRORS = [
    (brave, 401, {"type": "ErrorResponse", "error": {"detail": "Wrong token " + KEY}},
     "it does not accept the key (Wrong token …)"),
    (tavily, 401, {"detail": {"error": "Unauthorized: missing or invalid API key."}},
     "it does not accept the key (Unauthorized: missing or invalid API key)"),
    (zhipu, 429, {"error": {"code": "1701", "message": "并发已达上限"}},
     "it has had too many requests (并发已达上限)"),
    (serper, 403, {"message": "Unauthorized.", "statusCode": 403},
     "it refuses the request (Unauthorized)"),
    (searxng, 403, {}, "its settings must list json"),
    (searxng, 500, [1, 2], "it answered with the status 500"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "status", "body", "said"), ERRORS)
def test_a_refusal_is_told_in_the_services_words_without_the_key(site, make, status, body, said):
    path, _ = answers(make, [])
    Api(site, path, body, status)
    with pytest.raises(SearchFailed) as failed:
        make(site).search("otters", None, 5)
    assert said in str(failed.value) and KEY not in str(failed.value)
    assert not failed.value.offline


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (html("<h1>Welcome</h1>"), "not the JSON"),
        (Answer(b"", "application/json"), "not the JSON"),
        (Answer(b"[]", "application/json"), "not the JSON"),
        (Answer(b'{"a": ' * 20_000, "application/json"), "not the JSON"),
        (Answer(status=302, headers={"Location": "/elsewhere"}), "status 302"),
        (Answer(b"x" * 5_000_000), "larger than"),
    ],
)
def test_an_answer_of_another_kind_is_a_failure(site, make, answer, said):
    site.pages[answers(make, [])[0]] = answer
    with pytest.raises(SearchFailed, match=said):
        make(site).search("otters", None, 5)


@pytest.mark.parametrize("make", MAKES)
def test_an_answer_of_the_wrong_shape_is_no_result(site, make):
    for value in ({}, {"results": {"a": 1}}, {"web": []}, {"organic": None, "search_result": "x"}):
        Api(site, answers(make, [])[0], value)
        assert make(site).search("otters", None, 5) == []


def test_search_engines_that_are_all_silent_are_no_empty_answer(site):
    Api(site, "/search", {"results": [], "unresponsive_engines": [["google", "CAPTCHA"]]})
    with pytest.raises(SearchFailed, match="1 of its search engines"):
        searxng(site).search("otters", None, 5)


def test_a_service_that_hangs_or_drips_is_given_up(site):
    site.pages["/search"] = Request.hang
    with pytest.raises(SearchFailed, match=r"within 0\.5 s"):
        SearXNG(site.url, seconds=0.5).search("otters", None, 5)
    site.pages["/search"] = lambda request: request.stream(lambda: site.over.wait(0.05) or b" ")
    with pytest.raises(SearchFailed, match="did not end in time"):
        SearXNG(site.url, seconds=0.5).search("otters", None, 5)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://nowhere.invalid"])
def test_a_service_that_is_not_there_is_offline(url):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = url.format(port=unused.getsockname()[1])
        with pytest.raises(SearchFailed, match="reached") as failed:
            SearXNG(address, seconds=3).search("otters", None, 5)
    assert failed.value.offline


@pytest.mark.parametrize("url", ["http://[", "http://a b", "http://" + "a" * 300])
def test_an_address_that_is_none_is_a_failure(url):
    with pytest.raises(SearchFailed):
        SearXNG(url, seconds=3).search("otters", None, 5)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-05-01", MAY), ("2026-5-1 10:00", MAY), ("Fri, 01 May 2026 17:25:56 GMT", MAY),
     ("May 1, 2026", MAY), ("1 May 2026", MAY), ("2026年5月1日", MAY), ("2026-13-45", None),
     ("0001-01-01", None), ("9999-01-01", None), ("yesterday's news", None), ("x" * 99, None),
     ("", None), (None, None), (7, None)],
)  # fmt: skip
def test_days_are_read_as_services_write_them(text, day):
    assert read_date(text) == day


def test_days_ago_are_counted_from_today():
    before, found, after = date.today(), read_date("3 days ago"), date.today()
    assert found in (before - timedelta(days=3), after - timedelta(days=3))  # midnight may pass


# ddgs, with one of its own engines pointed at loopback


@pytest.fixture
def ddgs(site: Site, monkeypatch: pytest.MonkeyPatch) -> Ddgs:
    monkeypatch.setattr(Duckduckgo, "search_url", f"{site.url}/html/")
    return Ddgs(backend="duckduckgo", seconds=4)


def test_ddgs_finds_without_a_key(site, ddgs):
    body = (
        f"<div class='body'><h2>{OTTER.title}</h2><a href='{OTTER.url}'>They hold hands</a></div>"
    )
    site.pages["/html/"] = html(body * 30)
    results = ddgs.search("otters", 5, 3)
    assert results == [Result(OTTER.title, OTTER.url, "They hold hands")]


def test_ddgs_that_finds_nothing_has_no_results(site, ddgs):
    site.pages["/html/"] = html("<p>nothing</p>")
    assert ddgs.search("otters", None, 3) == []


def test_ddgs_that_hangs_is_given_up(site, monkeypatch):
    monkeypatch.setattr(Duckduckgo, "search_url", f"{site.url}/html/")
    site.pages["/html/"] = Request.hang
    with pytest.raises(SearchFailed, match="answered") as failed:
        Ddgs(backend="duckduckgo", seconds=1.5).search("otters", None, 3)
    assert "127.0.0.1" not in str(failed.value)


def test_ddgs_without_a_network_is_offline(monkeypatch):
    monkeypatch.setattr(Duckduckgo, "search_url", "http://nowhere.invalid/")
    with pytest.raises(SearchFailed) as failed:
        Ddgs(backend="duckduckgo", seconds=5).search("otters", None, 3)
    assert failed.value.offline and "nowhere" not in str(failed.value)


def test_an_answer_without_results_is_an_answer(site: Site) -> None:
    value = {
        "results": [],
        "answers": [{"answer": "4,711 m", "url": "https://peaks.example/x"}, "4.7 km", {}, 7],
        "infoboxes": [
            {
                "infobox": "Mount X",
                "content": "A mountain.",
                "urls": [{"title": "Peaks", "url": "https://peaks.example/"}, {"url": None}],
                "attributes": [{"label": "Height", "value": "4,711 m"}],
            },
            {"infobox": "Nothing"},
            "odd",
        ],
    }
    Api(site, "/search", value)
    said, old, box = searxng(site).search("height of mount x", None, 5)
    assert (said.url, said.snippet) == ("https://peaks.example/x", "4,711 m")
    assert (old.url, old.snippet) == (f"{site.url}/search?q=height+of+mount+x", "4.7 km")
    assert (box.title, box.url) == ("Mount X", "https://peaks.example/")
    assert box.snippet == "A mountain.; Height: 4,711 m"

    value = {
        "organic": [],
        "answerBox": {"title": "Mount X", "answer": "4,711 m", "link": "https://peaks.example/x"},
        "knowledgeGraph": {
            "title": "Mount X",
            "description": "A mountain.",
            "website": "https://x.example",
        },
    }
    Api(site, "/search", value)
    assert [each.snippet for each in serper(site).search("x", None, 5)] == [
        "4,711 m",
        "A mountain.",
    ]
    Api(site, "/search", {"answerBox": [], "knowledgeGraph": "odd", "organic": "odd"})
    assert serper(site).search("x", None, 5) == []
