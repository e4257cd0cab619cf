"""What a model writes into `simple_browser`, read as a call."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.browser.calls.call import HOW, Call, NoCall, make_call
from tools.browser.calls.expression import read_call


def search(query: str, days: int | None = None) -> Call:
    return Call("search", {"query": query} | ({} if days is None else {"recency_days": days}))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('search("sea otters")', search("sea otters")),
        ("search('sea otters')", search("sea otters")),
        ("search(“sea otters”)", search("sea otters")),
        ("search(‘sea otters’)", search("sea otters")),
        ("search(「海獭」)", search("海獭")),
        ("search(『海獭』)", search("海獭")),
        ("search(«loutre»)", search("loutre")),
        ("search(„Otter“)", search("Otter")),
        ("search(`sea otters`)", search("sea otters")),
        ('search("""sea\notters""")', search("sea otters")),
        ("search('''sea otters''')", search("sea otters")),
        ('search(f"sea otters")', search("sea otters")),
        ('search(“sea otters")', search("sea otters")),
        ('search("sea otters”)', search("sea otters")),
        ("search(sea otters)", search("sea otters")),
        ("search（海獭 吃 什么）。", search("海獭 吃 什么")),
        ('search("a, b) [c] {d}", recency_days=30)', search("a, b) [c] {d}", 30)),
        ('search(query="otter", recency_days=7)', search("otter", 7)),
        ('search(recency_days=7, query="otter")', search("otter", 7)),
        ('search("otter", 7)', search("otter", 7)),
        ('search("otter", recency_days=None)', search("otter")),
        ('search("otter", recency_days="7")', search("otter", 7)),
        ("search（“北京，天气”，recency_days＝３）", search("北京，天气", 3)),
        ("search(query：“otter”)", search("otter")),
        ("search('what's new, in otters')", search("what's new, in otters")),
        ('search("the "sea" otter")', search('the "sea" otter')),
        ('search("say "hi", then")', search('say "hi", then')),
        (r'search("the \"sea\" otter\u0021")', search('the "sea" otter!')),
        (r'find("\d+ otters")', Call("find", {"pattern": r"\d+ otters"})),
        ('search("otter"', search("otter")),
        ('search({"query": "otter", "recency_days": 2})', search("otter", 2)),
        ("search({“query”：“otter”})", search("otter")),
        ('{"query": "otter"}', search("otter")),
        ('{"name": "search", "arguments": {"query": "otter"}}', search("otter")),
        ('```json\n{"search": {"query": "otter"}}\n```', search("otter")),
        ('```python\nsearch("otter")\n```', search("otter")),
        ('I will search (quickly) now:\nsimple_browser.search("otter")', search("otter")),
        ('print(await search("otter"))', search("otter")),
        ('SEARCH ( "otter" )', search("otter")),
        ("mclick([0, 2])", Call("mclick", {"ids": (0, 2)})),
        ("mclick([\n  0,\n  2,\n])", Call("mclick", {"ids": (0, 2)})),
        ("mclick(0)", Call("mclick", {"ids": (0,)})),
        ("mclick(0, 2)", Call("mclick", {"ids": (0, 2)})),
        ("mclick(ids=[０，２])", Call("mclick", {"ids": (0, 2)})),
        ('mclick("[0, 2]")', Call("mclick", {"ids": (0, 2)})),
        ('mclick(["0", "2"])', Call("mclick", {"ids": (0, 2)})),
        ("mclick(【3】)", Call("mclick", {"ids": (3,)})),
        ("click(-1)", Call("mclick", {"ids": (-1,)})),
        ("open(3)", Call("mclick", {"ids": (3,)})),
        ('open_url("https://e.org/a?b=(c),d")', Call("open_url", {"url": "https://e.org/a?b=(c),d"})),
        ('open("https://e.org")', Call("open_url", {"url": "https://e.org"})),
        ('open_url(url="e.org", line=80)', Call("open_url", {"url": "e.org", "line": 80})),
        ('{"url": "https://e.org"}', Call("open_url", {"url": "https://e.org"})),
        ('find(pattern="0.40 €")', Call("find", {"pattern": "0.40 €"})),
        ("scroll(1)", Call("scroll", {"lines": 1})),
        ("scroll(−20)", Call("scroll", {"lines": -20})),
        ("scroll(line=80)", Call("scroll", {"line": 80})),
        ("scroll()", Call("scroll", {})),
    ],
)  # fmt: skip
def test_a_call_is_read(text: str, wanted: Call) -> None:
    assert read_call(text) == wanted


def test_of_several_calls_the_first_is_taken_and_the_others_are_counted() -> None:
    call = read_call('search("otter (sea), mclick([4])")\nmclick([0])\nfind("x")')
    assert call.arguments == {"query": "otter (sea), mclick([4])"} and call.more == 2


@pytest.mark.parametrize(
    "text",
    ["", "sea otters", "Sure, let me search for that.", 'research("otter")', 'fetch("x")',
     'search("otter', "mclick([[[[[[[[[[0]]]]]]]]]])", "mclick([" * 3000, "[" * 100_000,
     '{"a": ' * 5000, "null", "{}", "search(quickly) and then read", 'search("a" recency_days=3)'],
)  # fmt: skip
def test_what_is_no_call_is_answered_with_how_one_looks(text: str) -> None:
    with pytest.raises(NoCall) as refused:
        read_call(text)
    assert HOW in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("search()", "search needs query"),
        ("search(", "search needs query"),
        ('search("")', "query of search is empty"),
        ('search("a", 1, 2)', "too many values"),
        ('search("a", query="b")', "query more than once"),
        ('search("a", colour="red")', "no parameter colour"),
        ('search("a", recency_days="soon")', "whole number"),
        ("search([1, 2])", "must be text"),
        ("search(true)", "must be text"),
        (f'search("{"a" * 2001}")', "longer than"),
        ("mclick()", "mclick needs ids"),
        ("mclick([])", "numbers of results"),
        ("mclick([1.5])", "whole numbers"),
        ('mclick("first")', "whole numbers"),
        ("mclick(1e400)", "whole numbers"),
        ("scroll(lines=3, line=4)", "not both"),
        ('{"name": "dance", "arguments": {}}', "no function dance"),
    ],
)
def test_a_call_with_wrong_arguments_says_which(text: str, said: str) -> None:
    with pytest.raises(NoCall, match=said):
        read_call(text)


def test_arguments_of_the_function_face_are_the_same() -> None:
    assert make_call("mclick", named={"ids": [0, 2]}) == read_call("mclick([0, 2])")
    with pytest.raises(NoCall, match="whole number"):
        make_call("scroll", named={"lines": float("nan")})
    with pytest.raises(NoCall, match="whole number"):
        make_call("mclick", named={"ids": {"a": 1}})


PIECES = st.sampled_from(
    ["search", "mclick", "open_url", "find", "scroll", "(", ")", "（", "）", "[", "]", "{", "}",
     '"', "'", "“", "”", "「", "」", "`", '"""', ",", "，", "=", "：", "\\", "\\u00", "\n", " ",
     "0", "-7", "1e9", "九", "true", "None", "query", "recency_days", "```", "【3†x】",
     "https://e.org/?a=(b)"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
@settings(max_examples=150, deadline=None)
def test_nothing_but_its_own_error_is_raised(text: str) -> None:
    with suppress(NoCall):
        read_call(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMED = st.dictionaries(st.sampled_from(["query", "ids", "url", "line", "lines", "id", "x"]), JSON)


@given(st.sampled_from(["search", "mclick", "open_url", "find", "scroll", "x"]), NAMED)
@settings(max_examples=100, deadline=None)
def test_arguments_of_any_kind_raise_nothing_else(name: str, named: dict[str, Any]) -> None:
    with suppress(NoCall):
        make_call(name, named=named)


QUOTED = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」"}


@given(st.text(st.characters(exclude_characters="\\`", exclude_categories=("C", "Z")), min_size=1),
       st.sampled_from(sorted(QUOTED)))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_text_without_its_own_quotes_comes_through_whole(words: str, quote: str) -> None:
    if any(mark in words for mark in (quote, QUOTED[quote])) or len(words) > 1000:
        return
    assert read_call(f"search({quote}{words}{QUOTED[quote]}, recency_days=3)") == search(words, 3)
