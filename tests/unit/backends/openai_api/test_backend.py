"""The backend for OpenAI-compatible servers, over real HTTP."""

from __future__ import annotations

import base64
import json
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from backends import glm4
from backends.base import GenerationConfig
from backends.errors import (
    AnswerBroken,
    BackendError,
    ContextExceeded,
    ModelUnavailable,
    PromptTooLong,
    RequestRefused,
    ServerUnreachable,
)
from backends.events import (
    AnswerFinished,
    ModelEvent,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
)
from backends.messages import Document, Message, Picture, Text, user
from backends.openai_api.backend import OpenAIBackend
from backends.openai_api.errors import RequestFailure
from backends.openai_api.errors import user_message as tell
from tests.support import scripted_server as say
from tests.support.scripted_server import Script, ScriptedServer, Status
from tools.base import ToolCall, ToolResult, ToolSpec

KEY = "sk-secret-0123456789"
QUICK = {"Retry-After": "0"}
ADD = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
DOTTED = ToolSpec("weather.today", "Tells.", {"type": "object", "properties": {}})
CODE = ToolSpec(
    "python", "Runs.", {"type": "object", "properties": {"code": {"type": "string"}}}, raw="code"
)

Make = Callable[..., tuple[OpenAIBackend, ScriptedServer]]


@pytest.fixture
def make() -> Iterator[Make]:
    """Starts a server with a script, and a backend that talks to it."""
    open_: list[Any] = []

    def start(
        script: Script, models: Any = None, model: str | None = say.MODEL, **options: Any
    ) -> tuple[OpenAIBackend, ScriptedServer]:
        server = ScriptedServer(script, **({} if models is None else {"models": models})).start()
        backend = OpenAIBackend(server.url, model, options.pop("api_key", KEY), **options)
        open_.extend([server.stop, backend.close])
        return backend, server

    yield start
    for close in reversed(open_):
        close()


def ask(
    backend: OpenAIBackend,
    messages: Sequence[Message] | str = "hello",
    tools: Sequence[ToolSpec] = (),
    cancel: threading.Event | None = None,
    **config: Any,
) -> Iterator[ModelEvent]:
    given = [user(messages)] if isinstance(messages, str) else messages
    return backend.generate(given, tools, GenerationConfig(**config), cancel or threading.Event())


def told(events: Iterator[ModelEvent], error: type[BackendError]) -> tuple[list[ModelEvent], str]:
    """The events before an error, and the error's sentence."""
    seen = []

    def run() -> None:
        for event in events:
            seen.append(event)

    with pytest.raises(error) as caught:
        run()
    assert type(caught.value) is error
    assert KEY not in str(caught.value)
    return seen, str(caught.value)


def text_of(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def ready(events: Sequence[ModelEvent]) -> list[ToolCall]:
    return [event.call for event in events if isinstance(event, ToolCallReady)]


def notices(events: Sequence[ModelEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


# What goes out, and a plain answer


def test_text_streams_and_usage_comes_last(make: Make) -> None:
    backend, server = make([[say.Text("Hello there", size=3), say.Finish(), say.Usage(11, 4, 2)]])
    events = list(ask(backend, max_tokens=7, temperature=0.5, top_p=0.6, seed=3, min_tokens=2))
    assert [e.text for e in events[:-1]] == ["Hel", "lo ", "the", "re"]
    end = events[-1]
    assert isinstance(end, AnswerFinished) and end.finish == "stop"
    usage = end.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (11, 4, 2)
    assert usage.first_token is not None and 0 < usage.first_token <= usage.seconds
    body = server.requests[0].body
    assert body == {
        "model": "scripted",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.6,
        "seed": 3,
        "min_tokens": 2,
    }
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_text_is_told_as_it_comes(make: Make) -> None:
    backend, server = make([[say.Text("a"), say.Wait(600), say.Text("b")]])
    events = ask(backend)
    assert next(events) == TextDelta("a")
    assert not server.requests[0].done.is_set()
    events.close()


def test_without_a_key_none_is_sent(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    backend, server = make([say.Text("x")], api_key=None)
    list(ask(backend))
    assert backend.capabilities
    assert "authorization" not in server.requests[0].headers
    assert "authorization" not in server.others[0].headers


def test_connections_are_used_again(make: Make) -> None:
    backend, server = make([say.Text("x")])
    for _ in range(8):
        list(ask(backend))
        time.sleep(0.05)  # the end of the body, after the end of the answer, is on its way
    assert len(server.requests) == 8 and server.connections < 8


def test_a_server_that_does_not_stream(make: Make) -> None:
    whole = {
        "choices": [
            {
                "message": {
                    "content": "All at once.",
                    "tool_calls": [
                        {"id": "c", "function": {"name": "add", "arguments": '{"a":1}'}}
                    ],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 6},
    }
    backend, _ = make([Status(200, whole)])
    events = list(ask(backend, tools=[ADD]))
    assert text_of(events) == "All at once."
    assert ready(events) == [ToolCall("c", "add", '{"a":1}')]
    assert isinstance(events[-1], AnswerFinished) and events[-1].usage.completion_tokens == 6


def test_sloppy_streams(make: Make) -> None:
    """No space after the colon, no empty line between, carriage returns, U+2028, BOM-less UTF-8
    in two pieces, no line end at the end."""
    event = json.dumps({"choices": [{"delta": {"content": "ü\u2028😀"}}]}, ensure_ascii=False)
    data = f"data:{event}\r\ndata: {event}\nevent: x\nid: 3\n\n".encode()
    end = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}'
    cut = data.index("😀".encode()) + 2
    backend, _ = make([[say.Raw(data[:cut]), say.Wait(0.05), say.Raw(data[cut:] + end), say.End()]])
    assert text_of(list(ask(backend))) == "ü\u2028😀" * 2


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_reasoning(make: Make, key: str) -> None:
    backend, _ = make([[say.Reasoning("hm", key), say.Text("so")]])
    assert list(ask(backend))[:2] == [ReasoningDelta("hm"), TextDelta("so")]


def test_length(make: Make) -> None:
    backend, _ = make([[say.Text("and th"), say.Finish("length")]])
    end = list(ask(backend))[-1]
    assert isinstance(end, AnswerFinished) and end.finish == "length"


def test_the_end_mark_alone_ends_an_answer(make: Make) -> None:
    backend, _ = make([[say.ToolCall("add", {"a": 1}), say.Finish(None)]])
    events = list(ask(backend, tools=[ADD]))
    assert len(ready(events)) == 1
    assert isinstance(events[-1], AnswerFinished) and events[-1].finish == "stop"


def test_a_finish_reason_alone_ends_an_answer(make: Make) -> None:
    backend, _ = make([[say.ToolCall("add", {"a": 1}), say.Finish("tool_calls"), say.Drop()]])
    events = list(ask(backend, tools=[ADD]))
    assert len(ready(events)) == 1 and isinstance(events[-1], AnswerFinished)


def test_an_empty_answer(make: Make) -> None:
    backend, _ = make([[say.Finish()]])
    (end,) = list(ask(backend))
    assert isinstance(end, AnswerFinished) and end.usage.first_token is None


def test_the_content_filter_is_told(make: Make) -> None:
    backend, _ = make([[say.Text("Well"), say.Finish("content_filter")]])
    seen, sentence = told(ask(backend), AnswerBroken)
    assert text_of(seen) == "Well" and "content filter" in sentence


def test_surrogates_and_control_characters(make: Make) -> None:
    backend, server = make([say.Text("x")])
    odd = ToolSpec("add", "half \ud83d", {"type": "object", "title": "\udc00"})
    list(ask(backend, "a\ud83db\ud83d\ude00\x00\x1b\u202e", [odd]))
    body = server.requests[0].body
    assert body["messages"][0]["content"] == "a\ufffdb😀\x00\x1b\u202e"
    assert body["tools"][0]["function"]["description"] == "half \ufffd"


# Tools


def test_calls_and_their_results_go_round(make: Make) -> None:
    call = say.ToolCall("weather_today", '{"city":  "Bergen"}', id="xY-1", size=4)
    backend, server = make([[say.Text("A moment."), call, say.Finish("stop")], [say.Text("Rain.")]])
    events = list(ask(backend, tools=[ADD, DOTTED]))
    got = ToolCall("xY-1", "weather.today", '{"city":  "Bergen"}')
    assert ready(events) == [got]
    deltas = [e for e in events if isinstance(e, ToolCallDelta)]
    assert {e.name for e in deltas} == {"weather.today"}
    assert "".join(e.text for e in deltas) == got.input
    history = [
        user("weather?"),
        Message("assistant", (Text("A moment."),), calls=(got,)),
        Message("tool", result=ToolResult("xY-1", "weather.today", "rain")),
    ]
    list(ask(backend, history, [ADD, DOTTED], tool_choice="weather.today"))
    body = server.requests[1].body
    assert [tool["function"]["name"] for tool in body["tools"]] == ["add", "weather_today"]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather_today"}}
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "A moment.",
            "tool_calls": [
                {
                    "id": "xY-1",
                    "type": "function",
                    "function": {"name": "weather_today", "arguments": '{"city":  "Bergen"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "xY-1", "name": "weather_today", "content": "rain"},
    ]


def test_names_stay_unique(make: Make) -> None:
    names = ["a.b", "a_b", "a-b", "a b", "é", "x" * 80, "x" * 81]
    specs = [ToolSpec(name, "", {"type": "object"}) for name in names]
    script = lambda body: [  # noqa: E731
        *(
            say.ToolCall(tool["function"]["name"], "{}", id=f"c{i}", index=i)
            for i, tool in enumerate(body["tools"])
        ),
        say.Finish(),
    ]
    backend, server = make(script)
    assert [call.name for call in ready(list(ask(backend, tools=specs)))] == names
    sent = [tool["function"]["name"] for tool in server.requests[0].body["tools"]]
    assert len(set(sent)) == len(names) and max(map(len, sent)) <= 64
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", name) for name in sent)
    assert sent[1:3] == ["a_b", "a-b"]


def test_a_history_that_servers_would_refuse_is_mended(make: Make) -> None:
    backend, server = make([say.Text("x")])
    calls = (
        ToolCall("1", "add", '{"a":'),
        ToolCall("2", "no such", ""),
        ToolCall("3", "python", "print(1)", raw="code"),
    )
    history = [
        user("go"),
        Message("assistant", calls=calls),
        Message("tool", result=ToolResult("1", "add", "no JSON")),
        user("and?"),
        Message("assistant", error="broke off", finish="error"),
        user("again"),
    ]
    list(ask(backend, history, [ADD]))
    sent = server.requests[0].body["messages"]
    asked = [call["function"] for call in sent[1]["tool_calls"]]
    assert [json.loads(call["arguments"]) for call in asked] == [
        {"input": '{"a":'},
        {},
        {"code": "print(1)"},
    ]
    assert [call["name"] for call in asked] == ["add", "no_such", "python"]
    assert [m.get("tool_call_id", m["role"]) for m in sent[2:]] == ["1", "2", "3", "user", "user"]


def test_no_tools_no_fields(make: Make) -> None:
    backend, server = make([say.Text("x")])
    list(ask(backend, tool_choice="add"))
    assert not {"tools", "tool_choice"} & set(server.requests[0].body)


def test_of_a_file_a_line_is_sent(make: Make, tmp_path: Path) -> None:
    backend, server = make([[say.Text("Two rows."), say.Finish()]])
    table = Document(tmp_path / "a.csv", "text/csv", "sales 销售.csv", 12)
    picture = Picture(tmp_path / "dot.png", "image/png", "dot.png")
    picture.path.write_bytes(b"x")
    asked = [
        Message("user", (table, Text("How many?"))),
        Message("user", (table,)),
        Message("user", (table, picture)),
    ]
    list(ask(backend, asked))
    line = "[file sales 销售.csv, 12 bytes, in the working directory]"
    first, second, third = [each["content"] for each in server.requests[0].body["messages"]]
    assert first == f"{line}\nHow many?" and second == line
    assert third[0] == {"type": "text", "text": line}


def test_pictures_are_sent(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    path.write_bytes(b"\x89PNG")
    backend, server = make([say.Text("A dot.")])
    message = Message("user", (Text("What is it?"), Picture(path, "image/png", "dot.png")))
    list(ask(backend, [message]))
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert server.requests[0].body["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    path.unlink()
    _, sentence = told(ask(backend, [message]), RequestRefused)
    assert "dot.png" in sentence and str(tmp_path) not in sentence


# GLM-4


SPECIAL = "a <|user|> b"


def test_special_tokens_are_defused_for_a_glm(make: Make) -> None:
    backend, server = make([say.Text("x")], model="THUDM/GLM-4-9B-0414")
    call = ToolCall("1", "add", json.dumps({"a": SPECIAL}))
    result = ToolResult("1", "add", SPECIAL)
    history = [user(SPECIAL), Message("assistant", calls=(call,)), Message("tool", result=result)]
    list(ask(backend, history))
    sent = server.requests[0].body["messages"]
    assert "<|user|>" not in json.dumps(sent, ensure_ascii=False)
    assert sent[0]["content"] == sent[2]["content"] == glm4.defuse(SPECIAL)
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"])["a"]


def test_other_models_get_the_text_as_it_is(make: Make) -> None:
    backend, server = make([say.Text("x")])
    list(ask(backend, SPECIAL))
    assert server.requests[0].body["messages"][0]["content"] == SPECIAL


def test_raw_glm4_text(make: Make) -> None:
    raw = "\nLet me see.<|assistant|>python\nprint(1 + 1)\n<|observation|>"
    backend, server = make([say.Text(raw, size=3)], protocol="glm4")
    capabilities = backend.capabilities
    assert capabilities.native_tools and not capabilities.forced_tool
    call = ToolCall("1", "python", "1", raw="code")
    history = [
        Message("system", (Text("Be kind."),)),
        user(SPECIAL),
        Message("assistant", (Text("Yes."),), calls=(call,)),
        Message("tool", result=ToolResult("1", "python", "1")),
    ]
    events = list(ask(backend, history, [CODE], tool_choice="python"))
    assert text_of(events).strip() == "Let me see."
    (got,) = ready(events)
    assert (got.name, got.input.strip(), got.raw) == ("python", "print(1 + 1)", "code")
    body = server.requests[0].body
    assert not {"tools", "tool_choice"} & set(body)
    assert body["messages"] == [
        {"role": "system", "content": glm4.system_text("Be kind.", [CODE])},
        {"role": "user", "content": glm4.defuse(SPECIAL)},
        {"role": "assistant", "content": "Yes."},
        {"role": "assistant", "content": "python\n1"},
        {"role": "observation", "content": "1"},
    ]


def test_half_a_raw_call_is_never_ready(make: Make) -> None:
    backend, _ = make([[say.Text("python\nprint("), say.Drop()]], protocol="glm4")
    seen, _ = told(ask(backend, tools=[CODE]), AnswerBroken)
    assert ready(seen) == []


# Answers that break off


@pytest.mark.parametrize("end", [say.Drop(), say.End()])
def test_an_answer_that_breaks_off_keeps_its_text_and_runs_nothing(
    make: Make, end: say.Step
) -> None:
    half = say.Delta(
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "add", "arguments": "{}"}}]}
    )
    backend, server = make([[say.Text("So far"), half, say.Wait(0.1), end]])
    seen, sentence = told(ask(backend, tools=[ADD]), AnswerBroken)
    assert text_of(seen) == "So far" and ready(seen) == []
    assert "broke off" in sentence and "Retry" in sentence
    assert len(server.requests) == 1


def test_a_stream_without_anything(make: Make) -> None:
    backend, server = make([[say.End()]])
    _, sentence = told(ask(backend), AnswerBroken)
    assert "broke off" in sentence and len(server.requests) == 1


def test_held_back_text_is_not_lost(make: Make) -> None:
    backend, _ = make([[say.Delta({"content": "a\ud83d"}), say.Wait(0.1), say.Drop()]])
    seen, _ = told(ask(backend), AnswerBroken)
    assert text_of(seen) == "a\ufffd"


def test_an_error_in_mid_stream(make: Make) -> None:
    error = {"error": {"message": f"CUDA out of <b>memory</b> {KEY}", "code": 500}}
    backend, server = make([[say.Text("So"), say.Chunk(error)]])
    seen, sentence = told(ask(backend), AnswerBroken)
    assert text_of(seen) == "So" and "CUDA out of memory" in sentence
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "garbage",
    [b"data: \xff\xfe\x00{]\n\n", b"\x00\xff\x80" * 500, b"data: {\n\n", b"data: [1]\n\n"],
)
@pytest.mark.parametrize("before", [[], [say.Text("So")]])
def test_garbage(make: Make, garbage: bytes, before: list[say.Step]) -> None:
    backend, _ = make([[*before, say.Raw(garbage), say.End()]])
    seen, sentence = told(ask(backend), AnswerBroken)
    assert text_of(seen) == "So" * len(before) and "broke off" in sentence


RUBBISH = bytes(value for value in range(256) if value not in b"\r\n") * 4


@pytest.mark.parametrize("rubbish", [RUBBISH, b"\x00" * 1024, RUBBISH + b"\n", b"\xff\n" + RUBBISH])
def test_rubbish_in_an_answer_swallows_nothing_and_is_said(make: Make, rubbish: bytes) -> None:
    call = say.ToolCall("add", {"a": 1})
    after = [say.Text("one "), say.Raw(rubbish), say.Text("two "), call, say.Finish("tool_calls")]
    backend, server = make([after])
    seen, sentence = told(ask(backend, tools=[ADD]), AnswerBroken)
    assert text_of(seen) == "one two "
    assert f"{len(rubbish.replace(bytes([10]), b'')):,} bytes that could not be read" in sentence
    assert ready(seen) == [] and len(server.requests) == 1


@pytest.mark.parametrize("line", [b": data: {}\n", b"\n\n", b"\xef\xbb\xbf\n", b"\tx: y\n", b"x\r"])
def test_lines_that_nobody_knows_are_passed_over(make: Make, line: bytes) -> None:
    backend, _ = make([[say.Raw(line), say.Text("one "), say.Raw(line), say.Text("two")]])
    assert text_of(list(ask(backend))) == "one two"


def test_endless_garbage_ends(make: Make) -> None:
    backend, _ = make([[say.Raw(b"x" * 2**20)] * 20])
    told(ask(backend), AnswerBroken)


def test_a_silent_server_is_given_up_before_the_answer(make: Make) -> None:
    backend, server = make([say.Wait(600)], idle_timeout=1.0)
    _, sentence = told(ask(backend), ModelUnavailable)
    assert "silent" in sentence
    assert server.requests[0].gone.wait(5) and len(server.requests) == 1


def test_a_silent_server_is_given_up_in_the_answer(make: Make) -> None:
    backend, server = make([[say.Text("So"), say.Wait(600)]], idle_timeout=1.0)
    seen, sentence = told(ask(backend), AnswerBroken)
    assert text_of(seen) == "So" and "silent" in sentence
    assert server.requests[0].gone.wait(5)


def test_a_slow_server_is_not_given_up(make: Make) -> None:
    alive = [say.Wait(0.6), say.Raw(b": still here\n\n")]
    backend, _ = make([[*alive * 4, say.Text("abcd", size=1, rate=1.7)]], idle_timeout=2.0)
    assert text_of(list(ask(backend))) == "abcd"


def test_silence_after_the_finish_does_no_harm(make: Make) -> None:
    backend, _ = make([[say.Text("So"), say.Finish(), say.Wait(600)]], idle_timeout=1.0)
    events = list(ask(backend))
    assert text_of(events) == "So" and isinstance(events[-1], AnswerFinished)


# Trying again


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_busy_servers_are_asked_again(make: Make, code: int) -> None:
    busy = Status(code, {"error": {"message": "busy"}}, QUICK)
    backend, server = make([busy, busy, say.Text("Here.")])
    events = list(ask(backend))
    assert text_of(events) == "Here." and len(server.requests) == 3
    assert notices(events) == [
        "The server is busy; trying again in 1 s (1 of 3)",
        "",
        "The server is busy; trying again in 1 s (2 of 3)",
        "",
    ]


def test_busy_for_good(make: Make) -> None:
    busy = Status(429, {"error": {"message": f"slow down, {KEY}"}}, QUICK)
    backend, server = make([busy])
    seen, sentence = told(ask(backend), ModelUnavailable)
    assert "slow down" in sentence and len(server.requests) == 4
    assert notices(seen)[-1] == ""


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"Retry-After": "1"}, 1.0),
        ({"retry-after-ms": "700"}, 0.7),
        ({}, 0.5),
        ({"Retry-After": "soon"}, 0.5),
    ],
)
def test_retry_after_is_honoured(make: Make, headers: dict[str, str], least: float) -> None:
    backend, server = make([Status(503, {}, headers), say.Text("x")])
    list(ask(backend))
    first, second = server.requests
    assert second.arrived - first.arrived >= least


@pytest.mark.parametrize("wait", ["86400", "date"])
def test_a_long_wait_is_cut_short_and_can_be_cancelled(make: Make, wait: str) -> None:
    value = formatdate(time.time() + 3600, usegmt=True) if wait == "date" else wait
    backend, server = make([Status(429, {}, {"Retry-After": value})])
    cancel = threading.Event()
    events = ask(backend, cancel=cancel)
    assert next(events) == Notice("The server is busy; trying again in 60 s (1 of 3)")
    threading.Timer(0.2, cancel.set).start()
    assert next(events) == Notice("")
    end = next(events)
    assert isinstance(end, AnswerFinished) and end.finish == "cancelled"
    assert len(server.requests) == 1


def test_a_lost_connection_before_the_first_token_is_tried_again(make: Make) -> None:
    role = say.Delta({"role": "assistant", "content": ""})
    backend, server = make([say.Drop(), [role, say.Wait(0.1), say.Drop()], say.Text("Here.")])
    events = list(ask(backend))
    assert text_of(events) == "Here." and len(server.requests) == 3
    assert notices(events)[0].startswith("The server does not answer; trying again in 1 s")


def test_an_error_in_place_of_the_first_chunk_is_tried_again(make: Make) -> None:
    backend, server = make([say.Chunk({"error": {"code": 503, "message": "x"}}), say.Text("Here.")])
    assert text_of(list(ask(backend))) == "Here." and len(server.requests) == 2


def test_nobody_listens() -> None:
    with socket.socket() as taken:  # bound, not listening: refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = f"http://someone:{KEY}@127.0.0.1:{port}/v1"
        backend = OpenAIBackend(url, "m", None, retries=1)
        seen, sentence = told(ask(backend), ServerUnreachable)
        assert f"127.0.0.1:{port}" in sentence and "GLM_MODEL" in sentence
        assert "someone" not in sentence
        assert len(notices(seen)) == 2
        assert backend.name == f"m at 127.0.0.1:{port}"
        backend.close()


# Refusals


@pytest.mark.parametrize(
    ("code", "body", "says"),
    [
        (401, {"error": {"message": f"Incorrect API key: {KEY}"}}, ["401", "[key]", "GLM_API_KEY"]),
        (403, {"detail": "no way"}, ["403", "no way"]),
        (404, {"object": "error", "message": "The model `x` does not exist."}, ["404", "`x`"]),
        (400, {"error": "bad <script>alert(1)</script>\x1b[31m thing"}, ["400", "bad", "thing"]),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, ["422", "field required"]),
        (403, "<html><title>Blocked &amp; gone</title><p>x</p></html>", ["403", "Blocked & gone"]),
        (400, {"error": {"message": "y" * 5000}}, ["yyy…"]),
        (429, {"error": {"message": "Pay.", "code": "insufficient_quota"}}, ["429", "Pay"]),
    ],
)
def test_refusals_are_told_at_once(make: Make, code: int, body: Any, says: list[str]) -> None:
    backend, server = make([Status(code, body)])
    seen, sentence = told(ask(backend), RequestRefused)
    assert all(word in sentence for word in says) and len(sentence) < 450
    assert "<" not in sentence and "\x1b" not in sentence and "alert" not in sentence
    assert seen == [] and len(server.requests) == 1


@pytest.mark.parametrize("code", [200, 404])
def test_a_web_page_in_place_of_the_api(make: Make, code: int) -> None:
    backend, _ = make([Status(code, "<!doctype html><html><body>Welcome</body></html>")])
    _, sentence = told(ask(backend), ModelUnavailable)
    assert "web page" in sentence and "/v1" in sentence and "<" not in sentence


def test_a_web_page_from_a_proxy_is_a_busy_server(make: Make) -> None:
    page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
    backend, server = make([Status(502, page, QUICK)], retries=1)
    _, sentence = told(ask(backend), ModelUnavailable)
    assert "502 Bad Gateway" in sentence and len(server.requests) == 2


CONTEXT = [
    (
        "This model's maximum context length is 8192 tokens. However, you requested 9192 tokens "
        "(8168 in the messages, 1024 in the completion). Please reduce the length.",
        {},
    ),
    (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in "
        "9192 tokens.",
        {"code": "context_length_exceeded"},
    ),
    ("The input (9192 tokens) is longer than the model's context length (8192 tokens).", {}),
    (
        "Requested token count exceeds the model's maximum context length of 8192 tokens. You "
        "requested a total of 9192 tokens: 8168 tokens from the input messages and 1024 tokens "
        "for the completion.",
        {},
    ),
    ("request (9192 tokens) exceeds the available context size (8192 tokens)", {}),
    (
        "the request exceeds the available context size, try increasing it",
        {"type": "exceed_context_size_error", "n_prompt_tokens": 9192, "n_ctx": 8192},
    ),
    (
        "You passed 8,168 input tokens and requested 1,024 output tokens. However, the model's "
        "context length is only 8,192 tokens, resulting in a maximum input length of 7,168 tokens.",
        {},
    ),
]


@pytest.mark.parametrize(("message", "fields"), CONTEXT)
@pytest.mark.parametrize("code", [400, 500])
def test_a_prompt_that_is_too_long(
    make: Make, message: str, fields: dict[str, Any], code: int
) -> None:
    backend, server = make([Status(code, {"error": {"message": message, **fields}})])
    with pytest.raises(ContextExceeded) as caught:
        list(ask(backend))
    assert (caught.value.excess, caught.value.window) == (1000, 8192)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "message",
    [
        "the request exceeds the available context size. try increasing the context size",
        "'max_tokens' is too large: 9000. This model's maximum context length is 8192 tokens and "
        "your request has 100 input tokens (9000 > 8192 - 100).",
        "输入内容过长，请缩短后重试",
        "您的请求已超过模型的最大上下文长度",
        "The input prompt is too long for this model.",
        "Input length must be within range of input length 1 to 6000",
        "The conversation's context overflows; start a shorter one.",
        "Your messages exceed the token limit of this deployment.",
    ],
)
def test_a_prompt_that_is_too_long_by_nobody_knows_how_much(make: Make, message: str) -> None:
    backend, _ = make([Status(400, {"error": {"message": message}})])
    _, sentence = told(ask(backend), PromptTooLong)
    assert "do not fit" in sentence


@pytest.mark.parametrize(
    "message",
    [
        "You exceeded the token limit: 60000 tokens per minute. Try again in 20 s.",
        "Rate limit reached for this model on tokens: Limit 8000.",
        "您的账户已达到速率限制，请您控制请求频率，超过了 token 长度限额",
    ],
)
def test_a_limit_on_tokens_a_minute_is_no_prompt_that_is_too_long(make: Make, message: str) -> None:
    backend, _ = make([Status(429, {"error": {"message": message}})], retries=0)
    _, sentence = told(ask(backend), ModelUnavailable)
    assert "busy" in sentence


def test_a_prompt_that_cannot_fit_is_not_sent(make: Make) -> None:
    backend, server = make([say.Text("x")], models=[{"id": "scripted", "max_model_len": 8192}])
    with pytest.raises(ContextExceeded) as caught:
        list(ask(backend, "lorem ipsum, " * 20_000))
    assert caught.value.window == 8192
    assert server.requests == []
    assert text_of(list(ask(backend, "=" * 200_000))) == "x"  # a ruler is few tokens
    assert text_of(list(ask(backend, "lorem ipsum, " * 2_000))) == "x"


def test_a_long_message_is_sent_where_the_window_is_unknown(make: Make) -> None:
    backend, server = make([say.Text("x")], models=Status(404, {}))
    message = "lorem ipsum, " * 20_000
    assert text_of(list(ask(backend, message))) == "x"
    assert server.requests[0].body["messages"][0]["content"] == message


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        ("Extra inputs are not permitted: stream_options", "stream_options", None),
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            "max_tokens",
            {"max_completion_tokens": 1024},
        ),
        ("Unsupported value: 'temperature' does not support 0.7.", "temperature", None),
        ("Unknown parameter: 'min_tokens'.", "min_tokens", None),
    ],
)
def test_options_that_a_server_refuses_are_left_out(
    make: Make, message: str, field: str, value: dict[str, int] | None
) -> None:
    def script(body: dict[str, Any]) -> say.Answer:
        if field in body:
            return Status(400, {"error": {"message": message}})
        return say.Text("Here.")

    backend, server = make(script)
    assert text_of(list(ask(backend, min_tokens=2))) == "Here." and len(server.requests) == 2
    first, second = (request.body for request in server.requests)
    assert second == {k: v for k, v in first.items() if k != field} | (value or {})
    list(ask(backend, min_tokens=2))
    assert len(server.requests) == 3


# Stop


@pytest.mark.parametrize(
    "answer", [[say.Text("So"), say.Wait(600)], [say.Wait(600)], [say.Endless(rate=200)]]
)
def test_cancel_closes_the_connection(make: Make, answer: list[say.Step]) -> None:
    cancel = threading.Event()

    def script(body: dict[str, Any]) -> say.Answer:
        threading.Timer(0.2, cancel.set).start()
        return answer

    backend, server = make(script)
    events = list(ask(backend, cancel=cancel))
    end = events[-1]
    assert isinstance(end, AnswerFinished) and end.finish == "cancelled"
    assert server.requests[0].gone.wait(5)


def test_cancelled_calls_are_not_ready(make: Make) -> None:
    backend, _ = make([[say.ToolCall("add", {"a": 1}), say.Wait(600)]])
    cancel = threading.Event()
    events = []
    for event in ask(backend, tools=[ADD], cancel=cancel):
        events.append(event)
        cancel.set()
    assert ready(events) == [] and isinstance(events[-1], AnswerFinished)


def test_cancel_before_the_start_asks_nothing(make: Make) -> None:
    backend, server = make([say.Text("x")])
    cancel = threading.Event()
    cancel.set()
    (end,) = list(ask(backend, cancel=cancel))
    assert isinstance(end, AnswerFinished) and end.finish == "cancelled" and not server.requests


def test_closing_the_generator_closes_the_connection(make: Make) -> None:
    backend, server = make([say.Endless(rate=100)])
    events = ask(backend)
    next(events)
    events.close()
    assert server.requests[0].gone.wait(5)


def test_closing_the_backend_ends_its_answers_and_its_thread(make: Make) -> None:
    before = set(threading.enumerate())
    backend, server = make([say.Endless(rate=100)])
    events = ask(backend)
    next(events)
    backend.close()
    told(events, AnswerBroken)
    assert server.requests[0].gone.wait(5)
    backend.close()
    told(ask(backend), ModelUnavailable)
    left = set(threading.enumerate()) - before
    assert "model-server" not in [thread.name for thread in left]


def test_thirty_answers_at_once(make: Make) -> None:
    def script(body: dict[str, Any]) -> say.Answer:
        text = body["messages"][0]["content"]
        return [say.Text(text * 40, size=len(text), rate=100), say.Finish(), say.Usage()]

    backend, _ = make(script)
    texts: dict[int, str] = {}

    def one(number: int) -> None:
        texts[number] = text_of(list(ask(backend, f"<{number}>")))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert texts == {number: f"<{number}>" * 40 for number in range(30)}


# What a server says of its models


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"max_model_len": 4096}, 4096),
        ({"context_length": 5000}, 5000),
        ({"meta": {"n_ctx_train": 8192}}, 8192),
        ({"meta": {"n_ctx_train": 8192, "n_ctx": 2048}}, 2048),
        ({"meta": None, "max_model_len": "many"}, None),
        ({}, None),
    ],
)
def test_the_window(make: Make, entry: dict[str, Any], window: int | None) -> None:
    models = [{"id": "other", "max_model_len": 1}, {"id": "scripted", **entry}]
    backend, server = make([], models=models)
    assert backend.capabilities.context == window
    assert backend.capabilities.context == window
    assert len(server.others) == 1


def test_the_window_of_the_constructor_wins(make: Make) -> None:
    backend, server = make([], models=[{"id": "scripted", "max_model_len": 1}], context=777)
    assert backend.capabilities.context == 777 and server.others == []


@pytest.mark.parametrize(
    "models", [Status(500, {}), Status(404, "<html></html>"), Status(200, "<html></html>")]
)
def test_a_server_that_does_not_tell_its_models(make: Make, models: Status) -> None:
    backend, server = make([say.Text("x")], models=models)
    assert backend.capabilities.context is None
    assert backend.capabilities.context is None
    assert len(server.others) == 1
    assert text_of(list(ask(backend))) == "x"


def test_the_first_model_is_taken(make: Make) -> None:
    backend, server = make([say.Text("x")], models=[{"id": "one"}, {"id": "two"}], model=None)
    list(ask(backend))
    assert server.requests[0].body["model"] == "one"
    assert backend.name == f"one at 127.0.0.1:{server.port}"


def test_no_model_on_offer(make: Make) -> None:
    backend, _ = make([say.Text("x")], models=[], model=None)
    _, sentence = told(ask(backend), ModelUnavailable)
    assert "offers no model" in sentence
    assert backend.name


def test_a_model_that_is_a_folder_is_shown_without_its_path(make: Make) -> None:
    backend, server = make([], model="/data/weights/glm-4-9b-chat")
    assert backend.name == f"glm-4-9b-chat at 127.0.0.1:{server.port}"
    backend, _ = make([], model="THUDM/glm-4-9b-chat")
    assert backend.name.startswith("THUDM/glm-4-9b-chat at ")


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x/v1", "http://", "http://h:99999/"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ModelUnavailable):
        OpenAIBackend(url, "m", None)


def test_a_key_that_no_header_can_hold() -> None:
    with pytest.raises(RequestRefused):
        OpenAIBackend("http://h/v1", "m", "kéy\n")


def test_the_key_is_not_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    error = {"error": {"message": f"no {KEY}"}}
    backend, _ = make([Status(500, error, QUICK), say.Drop(), Status(401, error)])
    told(ask(backend), RequestRefused)
    assert caplog.records and KEY not in caplog.text


def test_no_http_client_is_imported_before_the_first_question() -> None:
    code = (
        "import sys; from backends.openai_api.backend import OpenAIBackend; "
        "OpenAIBackend('http://127.0.0.1:9/v1', 'm', None).name; "
        "print([m for m in ('httpx', 'httpx2', 'torch', 'streamlit') if m in sys.modules])"
    )
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_bad_certificate_is_not_tried_again() -> None:
    fault = RequestFailure(None, "Connection error. / [SSL: CERTIFICATE_VERIFY_FAILED] self-signed")
    assert not fault.passing
    assert "certificate" in str(tell(fault, "h:443"))
