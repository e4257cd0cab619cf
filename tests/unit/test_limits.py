"""Limits without a server: tokens, merged requests, addresses, pages that were left."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from app.core import descriptors
from app.core.networks import networks
from app.core.settings import load
from app.ui.limits.addresses import address_of
from app.ui.limits.buckets import Bucket, Buckets, Queue
from app.ui.limits.leaving import LeftPages
from app.ui.limits.merging import merged
from app.ui.limits.reruns import MAX_WAITING, Paced
from app.ui.pace import (
    MAX_DRAWS_PER_S,
    MAX_PAGE_DRAWS_PER_S,
    MIN_PAGE_DRAWS_PER_S,
    draw_interval,
    watching,
)

# Tokens


def test_a_bucket_gives_its_burst_and_no_more() -> None:
    bucket = Bucket(rate=1e-9, burst=3)
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    assert bucket.wait > 0 and not bucket.full


def test_each_name_has_a_bucket_of_its_own_and_idle_ones_are_forgotten() -> None:
    buckets = Buckets(rate=1e-9, burst=1)
    assert buckets["a"].take() and not buckets["a"].take() and buckets["b"].take()
    for number in range(Buckets.MAX_KEPT * 3):
        buckets[f"visitor {number}"]
    assert len(buckets._buckets) <= Buckets.MAX_KEPT
    assert not buckets["a"].take()


def test_the_next_token_goes_to_who_got_one_the_longest_ago() -> None:
    async def order() -> list[str]:
        queue = Queue(Bucket(rate=200, burst=1))
        served: list[str] = []

        async def ask(who: str) -> None:
            await queue.take(who)
            served.append(who)

        await ask("flooder")
        async with asyncio.TaskGroup() as group:
            for who in ("flooder", "flooder", "flooder", "newcomer"):
                group.create_task(ask(who))
        return served

    assert asyncio.run(order())[:2] == ["flooder", "newcomer"]


def test_who_stops_waiting_takes_no_token_from_the_others() -> None:
    async def ask() -> None:
        queue = Queue(Bucket(rate=200, burst=1))
        await queue.take("a")
        gone = asyncio.ensure_future(queue.take("b"))
        await asyncio.sleep(0)
        gone.cancel()
        async with asyncio.timeout(60):
            await queue.take("c")

    asyncio.run(ask())


# Merged requests


def request(*states: WidgetState, **client: Any) -> bytes:
    message = BackMsg()
    message.rerun_script.page_script_hash = "page"
    for name, value in client.items():
        setattr(message.rerun_script, name, value)
    message.rerun_script.widget_states.widgets.extend(states)
    return message.SerializeToString()


def value(widget: str, text: str) -> WidgetState:
    return WidgetState(id=widget, string_value=text)


def click(widget: str) -> WidgetState:
    return WidgetState(id=widget, trigger_value=True)


def said(text: str) -> WidgetState:
    state = WidgetState(id="box")
    state.chat_input_value.data = text
    return state


def test_two_requests_become_one_that_has_the_newer_values_and_loses_none() -> None:
    both = merged(request(value("a", "1"), value("b", "1")), request(value("a", "2")))
    assert both is not None
    states = BackMsg.FromString(both).rerun_script.widget_states.widgets
    assert {state.id: state.string_value for state in states} == {"a": "2", "b": "1"}


@pytest.mark.parametrize("fragments", [("", "f"), ("f", "")])
def test_the_whole_page_takes_its_parts_along(fragments: tuple[str, str]) -> None:
    one, two = (request(fragment_id=each, is_auto_rerun=True) for each in fragments)
    both = merged(one, two)
    assert both is not None
    assert BackMsg.FromString(both).rerun_script.fragment_id == ""


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (request(click("x")), request()),
        (request(), request(click("x"))),
        (request(value("a", "1")), request(value("a", "1"), said("hello"))),
        (request(click("x")), request(click("x"))),
        (request(said("one")), request(said("two"))),
        (request(WidgetState(id="j", json_trigger_value="{}")), request()),
        (request(WidgetState(id="s", string_trigger_value={"data": "s"})), request()),
        (request(fragment_id="f"), request(fragment_id="g")),
        (request(), request(page_script_hash="another")),
        (request(), request(page_name="another")),
        (request(query_string="a=1"), request(query_string="a=2")),
        (request(is_history_navigation=True), request()),
        (request(), request(is_history_navigation=True)),
        (request(), BackMsg(stop_script=True).SerializeToString()),
        (BackMsg(stop_script=True).SerializeToString(), request()),
        (b"\xff\xff", request()),
        (request(), b"\xff\xff"),
    ],
)
def test_what_would_lose_something_is_not_merged(older: bytes, newer: bytes) -> None:
    assert merged(older, newer) is None


# A connection


def played(messages: list[dict[str, Any]], turns: int) -> tuple[list[dict[str, Any]], int]:
    """What the app gets while the connection has `turns` turns, and how much was read of it."""

    async def play() -> tuple[list[dict[str, Any]], int]:
        coming = list(messages)
        allowed = asyncio.Semaphore(turns)

        async def receive() -> dict[str, Any]:
            if not coming:
                await asyncio.Event().wait()
            return coming.pop(0)

        async def turn() -> None:
            await allowed.acquire()

        paced, got = Paced(receive, turn), []  # type: ignore[arg-type]
        for _ in range(turns):
            got.append(await paced.receive())
        # One more is asked for: it waits, and what comes meanwhile is read as far as there is room.
        last = asyncio.ensure_future(paced.receive())
        for _ in range(1000):
            await asyncio.sleep(0)
        allowed.release()
        got.append(await last)
        await paced.close()
        return got, len(messages) - len(coming)  # type: ignore[return-value]

    return asyncio.run(play())


def frame(data: bytes) -> dict[str, Any]:
    return {"type": "websocket.receive", "bytes": data}


def test_what_comes_too_fast_is_one_request_with_the_last_value() -> None:
    messages = [frame(request(value("a", str(at)))) for at in range(50)]
    got, read = played(messages, 1)
    assert read == 50
    assert len(got) == 2 and got[-1] == messages[-1]


def test_clicks_wait_and_no_more_is_read_than_there_is_room_for() -> None:
    messages = [frame(request(click("x"))) for _ in range(50)]
    got, read = played(messages, 2)
    assert got == messages[:3]
    assert read == 2 + MAX_WAITING


def test_what_was_sent_before_leaving_is_passed_on_first() -> None:
    leaving = {"type": "websocket.disconnect", "code": 1001}
    messages = [frame(request(said("one"))), frame(request(said("two"))), leaving]
    got, _ = played(messages, 2)
    assert got == messages


# Addresses


def scope(peer: str, forwarded: str = "") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"type": "http", "client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("203.0.113.7", "", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "", "203.0.113.7"),
        ("127.0.0.1", "", "", ""),
        ("127.0.0.1", "198.51.100.1", "", ""),
        ("::1", "", "", ""),
        ("127.0.0.1", "198.51.100.1", "127.0.0.1", "198.51.100.1"),
        ("10.0.0.2", "9.9.9.9, 198.51.100.1, 10.0.0.3", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.2", "not an address", "10.0.0.0/8", "10.0.0.2"),
        ("::ffff:203.0.113.7", "", "", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "", "", "2001:db8:1:2::/64"),
        ("testclient", "", "", ""),
    ],
)
def test_the_address_is_who_came_last_to_a_proxy_that_is_named(
    peer: str, forwarded: str, proxies: str, address: str
) -> None:
    assert address_of(scope(peer, forwarded), networks(proxies)) == address


def test_proxies_that_are_no_addresses_are_told() -> None:
    loaded = load({"GLM_PROXIES": "gateway.example"})
    assert loaded.settings.proxies == ""
    assert "should be addresses and networks (10.0.0.0/8)" in loaded.problems[0]


# Pages that were left


def left(name: str, closed: list[str]) -> Any:
    """A page as Streamlit stores it, which says when it is closed."""
    session = SimpleNamespace(id=name, shutdown=lambda: closed.append(name))
    return SimpleNamespace(session=session)


def test_a_left_page_comes_back_in_its_time_and_is_closed_after_it() -> None:
    now = 0.0
    closed: list[str] = []
    pages = LeftPages(40, clock=lambda: now)
    first, second = left("first", closed), left("second", closed)
    pages.save(first)
    now = 30.0
    pages.save(second)
    assert pages.sweep() == 0 and pages.get("first") is first
    now = 41.0
    assert pages.get("first") is None and pages.get("second") is second
    assert pages.sweep() == 1 and closed == ["first"]
    pages.delete("second")
    now = 100.0
    assert pages.sweep() == 0 and closed == ["first"] and pages.list() == []


def test_many_left_pages_close_the_longest_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.limits.leaving.MAX_KEPT", 2)
    closed: list[str] = []
    pages = LeftPages(40)
    for name in "abc":
        pages.save(left(name, closed))
    assert closed == ["a"] and len(pages.list()) == 2


# Descriptors, draws


def test_room_for_pages_leaves_some_to_those_who_are_here() -> None:
    small, large = descriptors.Descriptors(100, 40), descriptors.Descriptors(65_536, 100)
    assert small.free == 40 and small.pages == 10
    assert large.free == 65_536 - 100 - descriptors.MAX_RESERVED
    full = descriptors.Descriptors(100, 91)
    assert full.pages == 0 and full.scarce
    assert not small.scarce


def test_many_pages_are_drawn_less_often_each() -> None:
    assert draw_interval() == 1 / MAX_PAGE_DRAWS_PER_S
    with watching(), watching():
        assert draw_interval() == 1 / MAX_PAGE_DRAWS_PER_S
    many = [watching() for _ in range(MAX_DRAWS_PER_S)]
    for each in many:
        each.__enter__()
    assert draw_interval() == 1 / MIN_PAGE_DRAWS_PER_S
    for each in many:
        each.__exit__(None, None, None)
    assert draw_interval() == 1 / MAX_PAGE_DRAWS_PER_S
