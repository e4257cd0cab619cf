"""The agent loop over a real backend, real tools and a server that misbehaves as told."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.core.agent.events import (
    Event,
    MessageFinished,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnFinished,
)
from app.core.agent.loop import INTERNAL_ERROR, Turn, TurnConfig, run_turn
from app.core.conversation import Conversation
from app.core.sessions.live_turn import LiveTurn
from backends.base import Backend, Capabilities, GenerationConfig
from backends.events import AnswerFinished, Notice, TextDelta
from backends.messages import Message, Usage, user
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import (
    Chunk,
    Delta,
    Drop,
    End,
    Endless,
    Finish,
    Raw,
    Reasoning,
    Script,
    Status,
    ToolCall,
    Wait,
)
from tests.support.scripted_steps import Text as Say
from tests.support.scripted_steps import Usage as Count
from tools import tool
from tools.base import ToolCall as Call
from tools.base import ToolContext, ToolError
from tools.base import ToolResult as Result
from tools.functions.decorator import FunctionTool
from tools.python import PythonTool
from tools.registry import Registry

HANG = 20.0
"""Seconds after which a test gives up; nothing is measured by it."""


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def fail(text: str) -> str:
    """Always fails."""
    raise RuntimeError(f"no good: {text}")


def calls(*given: ToolCall | Delta) -> list[Any]:
    return [*given, Finish("tool_calls")]


class Talk:
    """One scripted server, one backend, the tools; `run` gives the events of a turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conversation = Conversation((user("go"),))
        self.cancel = threading.Event()
        self.tools: tuple[Any, ...] = (add, fail)
        self.registry = Registry(())
        self._open: list[Callable[[], None]] = []

    def serve(self, script: Script, **options: Any) -> ScriptedServer:
        self.server = ScriptedServer(script).start()
        self.backend: Backend = OpenAIBackend(self.server.url, "scripted", None, **options)
        self._open += [self.backend.close, self.server.stop]
        return self.server

    def stream(self, **config: Any) -> Iterator[Event]:
        self.registry = Registry(self.tools)
        self._open.append(self.registry.close)
        turn = Turn(
            self.conversation,
            self.registry,
            TurnConfig(tools=None, **config),
            self.cancel,
            self.folder,
        )
        for event in run_turn(turn, self.backend):
            self.conversation = turn.conversation
            yield event

    def run(self, **config: Any) -> TurnFinished:
        """The end of the turn; its events are in `events` then."""
        self.events = list(self.stream(**config))
        check(self.conversation)
        end = self.events[-1]
        assert isinstance(end, TurnFinished)
        assert not any(isinstance(event, TurnFinished) for event in self.events[:-1])
        told = [message.error for message in self.conversation.messages]
        assert "Traceback" not in repr([told, end.error, [r.error for r in self.results]])
        return end

    @property
    def results(self) -> list[Result]:
        return [m.result for m in self.conversation.messages if m.result]

    @property
    def last(self) -> Message:
        return self.conversation.messages[-1]

    def close(self) -> None:
        for close in self._open:
            close()


def check(conversation: Conversation) -> None:
    """Each message with calls is followed by exactly its results, in their order."""
    messages = list(conversation.messages)
    while messages:
        message = messages.pop(0)
        assert message.role != "tool", "a result without its call"
        for call in message.calls:
            result = messages.pop(0).result
            assert result is not None
            assert (result.call_id, result.name) == (call.id, call.name)


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    talk = Talk(tmp_path)
    yield talk
    talk.close()


# -- calls and their results ---------------------------------------------------------------------


def test_a_call_that_is_nearly_right_runs_and_says_what_was_repaired(talk: Talk) -> None:
    sums = json.dumps('{"a": 2, "b": 3}')
    server = talk.serve([calls(ToolCall("functions.add:0", sums)), [Say("5"), Finish()]])
    assert talk.run().reason == "stop"
    (call,) = talk.conversation.messages[1].calls
    assert (call.name, call.arguments()) == ("add", {"a": 2, "b": 3})
    assert call.note == "Repaired: its name and its arguments (JSON within a string)."
    assert [result.text for result in talk.results] == ["5"]
    # The model reads its call as it should have been.
    (sent,) = server.requests[-1].body["messages"][-2]["tool_calls"]
    assert sent["function"] == {"name": "add", "arguments": '{"a": 2, "b": 3}'}


def test_a_call_that_the_server_left_in_the_text_runs(talk: Talk) -> None:
    tagged = "<tool_call>add\n<arg_key>a</arg_key><arg_value>2</arg_value>\n"
    tagged += "<arg_key>b</arg_key><arg_value>3</arg_value></tool_call>"
    talk.serve([[Say(tagged, size=5), Finish()], [Say("5"), Finish()]])
    assert talk.run().reason == "stop"
    (call,) = talk.conversation.messages[1].calls
    assert "--tool-call-parser" in call.note
    assert [result.text for result in talk.results] == ["5"]
    assert talk.conversation.messages[1].text == ""


def test_with_native_calls_alone_such_a_text_is_the_answer(talk: Talk) -> None:
    text = "<tool_call>add\n<arg_key>a</arg_key><arg_value>2</arg_value></tool_call>"
    talk.serve([[Say(text), Finish()]], protocol="openai")
    talk.run()
    assert talk.last.text == text


def test_thinking_whose_end_alone_is_marked_is_no_answer(talk: Talk) -> None:
    talk.serve([[Say("340 and 68.\n</think>\n\n408", size=4), Finish()]])
    talk.run()
    assert (talk.last.text, talk.last.reasoning.strip()) == ("408", "340 and 68.")
    live = LiveTurn()
    for event in while_writing(talk.events):
        live.apply(event)
    assert live.snapshot().text == "408"


def while_writing(events: Sequence[Event]) -> list[Event]:
    """The events before the answer's message, which clears what a page draws meanwhile."""
    return [event for event in events if not isinstance(event, MessageFinished | TurnFinished)]


def test_a_plain_answer(talk: Talk) -> None:
    talk.serve([[Reasoning("Hm."), Say("Hello there", size=3), Finish(), Count(12, 4, 8)]])
    end = talk.run(system="Be kind.")
    assert (end.reason, end.error) == ("stop", None)
    assert (talk.last.text, talk.last.reasoning) == ("Hello there", "Hm.")
    assert talk.last.usage is not None and talk.last.usage.first_token is not None
    assert (end.usage.prompt_tokens, end.usage.cached_tokens) == (12, 8)
    assert end.usage.completion_tokens == 4
    sent = talk.server.requests[0].body["messages"]
    assert [(m["role"], m["content"]) for m in sent] == [("system", "Be kind."), ("user", "go")]


def test_a_call_runs_and_its_result_goes_back_under_its_own_id_and_name(talk: Talk) -> None:
    talk.serve([calls(ToolCall("add", '{"a":1, "b": 2}', id="fc_Ü-1")), [Say("It is 3.")]])
    assert talk.run().reason == "stop"
    assert [r.text for r in talk.results] == ["3"]
    answer, result = talk.server.requests[1].body["messages"][-2:]
    (sent,) = answer["tool_calls"]
    assert (sent["id"], sent["function"]["name"]) == ("fc_Ü-1", "add")
    assert sent["function"]["arguments"] == '{"a":1, "b": 2}'
    assert (result["role"], result["tool_call_id"], result["content"]) == ("tool", "fc_Ü-1", "3")


def test_independent_calls_of_one_answer_run_at_the_same_time_and_keep_their_order(
    talk: Talk,
) -> None:
    together = threading.Barrier(3)
    finish = [threading.Event() for _ in range(3)]

    @tool
    def meet(n: int) -> str:
        """Returns once all three are here; the last one first."""
        together.wait(HANG)
        if n < 2:
            assert finish[n + 1].wait(HANG)
        finish[n].set()
        return f"result {n}"

    talk.tools = (meet,)
    given = [ToolCall("meet", {"n": n}, id=f"c{n}", index=n) for n in range(3)]
    talk.serve([calls(*given), [Say("Done.")]])
    assert talk.run().reason == "stop"
    assert [r.text for r in talk.results] == ["result 0", "result 1", "result 2"]
    finished = [e.result.text for e in talk.events if isinstance(e, ToolFinished)]
    # Which of them is heard of first is a race between their threads.
    assert sorted(finished) == ["result 0", "result 1", "result 2"]


def test_two_calls_of_one_kernel_run_one_after_the_other(talk: Talk) -> None:
    python = PythonTool(talk.folder)
    talk.tools = (python, add)
    codes = ["import time\nx = 20\ntime.sleep(0.2)", "print(x + 1)"]
    given = [ToolCall("python", {"code": c}, id=f"c{n}", index=n) for n, c in enumerate(codes)]
    talk.serve([calls(*given, ToolCall("add", {"a": 1, "b": 1}, id="c9", index=9)), [Say("21")]])
    assert talk.run().reason == "stop"
    assert [r.error for r in talk.results] == [None] * 3
    assert [r.text.strip() for r in talk.results][1:] == ["21", "2"]


def test_text_beside_a_call_is_kept_and_a_finish_of_stop_beside_calls_is_fine(talk: Talk) -> None:
    talk.serve([[Say("Adding."), ToolCall("add", {"a": 1, "b": 2}), Finish("stop")], [Say("3")]])
    assert talk.run().reason == "stop"
    assert talk.conversation.messages[1].text == "Adding."
    assert [r.text for r in talk.results] == ["3"]


def test_progress_of_a_tool_reaches_the_events(talk: Talk) -> None:
    class Slow:
        name, stateful, taints, citations = "slow", False, False, None

        def specs(self, native: bool) -> Sequence[Any]:
            return add.specs(native)

        def has_side_effects(self, function: str) -> bool:
            return False

        def run(self, call: Call, context: ToolContext) -> Result:
            context.progress("half way")
            return Result(call.id, call.name, "done")

        def close(self) -> None: ...

    talk.tools = (Slow(),)
    talk.serve([calls(ToolCall("add", {"a": 1, "b": 1})), [Say("ok")]])
    talk.run()
    kinds = [
        type(e) for e in talk.events if isinstance(e, ToolStarted | ToolProgress | ToolFinished)
    ]
    assert kinds == [ToolStarted, ToolProgress, ToolFinished]


# -- bad calls -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (ToolCall("multiply", {"a": 1}), "There is no tool named multiply"),
        (ToolCall("add", "a=1, b=2"), "not valid JSON"),
        (ToolCall("add", '{"a": 1, "b"'), "not valid JSON"),
        (ToolCall("add", "[1, 2]"), "must be one JSON object"),
        (ToolCall("add", '"text"'), "must be one JSON object"),
        (ToolCall("add", "null"), "must be one JSON object"),
        (ToolCall("add", {"a": 1}), "b"),
        (ToolCall("add", {"a": 1, "b": "two"}), "b"),
        (ToolCall("add", {"a": 1, "b": 2, "c": 3}), "c"),
        (ToolCall("add", ""), "a"),
        (ToolCall("fail", {"text": "x"}), "RuntimeError: no good: x"),
        (ToolCall("add", "[" * 5000), "nested too deeply"),
        (Delta({"tool_calls": [{"index": 0, "id": 5, "function": {"name": 3}}]}), "no tool named"),
    ],
)
def test_a_bad_call_is_the_models_to_mend(talk: Talk, given: ToolCall | Delta, told: str) -> None:
    talk.serve([calls(given), [Say("Sorry.")]])
    assert talk.run().reason == "stop"
    (result,) = talk.results
    assert result.error and told in result.text
    assert "Traceback" not in result.text and str(talk.folder) not in result.text
    assert talk.server.requests[1].body["messages"][-1]["content"] == result.text


def test_special_tokens_inside_texts_stay_text(talk: Talk) -> None:
    text = "a <|user|> b <|im_end|> <tool_call> {} [gMASK]"

    @tool
    def hostile() -> str:
        """Says special tokens."""
        return text

    talk.tools = (hostile,)
    talk.serve([calls(ToolCall("hostile", {})), [Say(text, size=5)]])
    assert talk.run().reason == "stop"
    assert talk.results[0].text == text and talk.last.text == text
    roles = [m["role"] for m in talk.server.requests[1].body["messages"]]
    assert roles == ["user", "assistant", "tool"]


# -- rounds and repeats --------------------------------------------------------------------------


def endless_calls() -> Callable[[dict[str, Any]], Any]:
    count = iter(range(10_000))
    return lambda body: calls(ToolCall("add", {"a": next(count), "b": 0}))


def test_the_round_limit_ends_a_turn_and_a_later_one_goes_on(talk: Talk) -> None:
    talk.serve(endless_calls())
    end = talk.run(max_rounds=3)
    assert (end.reason, end.error) == ("tool_limit", None)
    assert [r.text for r in talk.results] == ["0", "1", "2"]
    assert talk.conversation.awaits_answer
    assert talk.run(max_rounds=2).reason == "tool_limit"
    assert [r.text for r in talk.results] == ["0", "1", "2", "3", "4"]
    assert len(talk.server.requests[-1].body["messages"]) == 1 + 2 * 4


def test_the_third_identical_call_in_a_row_is_not_run(talk: Talk) -> None:
    ran = []

    @tool
    def look(at: str) -> str:
        """Looks."""
        ran.append(at)
        return f"saw {at}"

    talk.tools = (look,)
    same, other = ToolCall("look", {"at": "x"}), ToolCall("look", {"at": "y"})
    talk.serve([calls(c) for c in (same, same, same, same, other, same)] + [[Say("Enough.")]])
    assert talk.run().reason == "stop"
    assert ran == ["x", "x", "y", "x"]
    assert [bool(r.error) for r in talk.results] == [False, False, True, True, False, False]
    assert "several times in a row" in talk.results[2].text
    told = talk.server.requests[3].body["messages"][-1]["content"]
    assert told == talk.results[2].text


def test_repeats_count_within_one_answer_too_and_each_has_its_result(talk: Talk) -> None:
    ran = []

    @tool
    def look() -> str:
        """Looks."""
        ran.append(1)
        return "seen"

    talk.tools = (look,)
    given = [ToolCall("look", {}, id=f"c{n}", index=n) for n in range(5)]
    talk.serve([calls(*given), [Say("Enough.")]])
    assert talk.run().reason == "stop"
    assert len(ran) == 2 and len(talk.results) == 5
    finished = [e.result.call_id for e in talk.events if isinstance(e, ToolFinished)]
    assert sorted(finished) == [f"c{n}" for n in range(5)]


def test_the_same_call_for_ever_ends_at_the_limit(talk: Talk) -> None:
    talk.serve([calls(ToolCall("add", {"a": 1, "b": 1}))])
    assert talk.run(max_rounds=6).reason == "tool_limit"
    assert sum(r.error is None for r in talk.results) == 2


def test_a_tool_that_was_asked_for_is_forced_in_the_first_round_alone(talk: Talk) -> None:
    talk.serve([calls(ToolCall("add", {"a": 1, "b": 2})), [Say("3")]])
    assert talk.run(generation=GenerationConfig(tool_choice="add")).reason == "stop"
    first, second = (request.body.get("tool_choice") for request in talk.server.requests)
    assert first == {"type": "function", "function": {"name": "add"}}
    assert second in (None, "auto")


# -- answers that go wrong -----------------------------------------------------------------------

HALF_CALL = Delta(
    {
        "tool_calls": [
            {"index": 0, "id": "c", "function": {"name": "add", "arguments": '{"a": 1, "b"'}}
        ]
    }
)
MISHAPS: dict[str, Any] = {
    "nothing": [Finish()],
    "only an end mark": [Raw(b"data: [DONE]\n\n"), End()],
    "blanks": [Say("  \n"), Finish()],
    "no body": [End()],
    "dropped at once": [Drop()],
    "dropped in a text": [Say("so far"), Drop()],
    "dropped in a call": [Say("so far"), HALF_CALL, Drop()],
    "dropped after a whole call": [Say("so far"), ToolCall("add", {"a": 1, "b": 2}), Drop()],
    "ended without a finish": [Say("so far"), ToolCall("add", {"a": 1, "b": 2}), End()],
    "garbage": [Raw(b"\xff\xfe\x00garbage\n\ndata: {nonsense\n\n"), End()],
    "garbage after text": [Say("so far"), Raw(b"data: {nonsense\n\n\xff\xff"), Drop()],
    "odd chunks": [Chunk([1]), Chunk({"choices": 5}), Chunk({"choices": [{"delta": 3}]}), Finish()],
    "an error in the stream": [Say("so far"), Chunk({"error": {"message": "boom"}})],
    "a page": Status(200, "<html>hello</html>"),
    "refused": Status(400, {"error": {"message": "bad"}}),
    "no key": Status(401, {"error": {"message": "sk-secret is wrong"}}),
    "gone": Status(500, {"error": {"message": "down"}}),
    "filtered": [Say("so far"), Finish("content_filter")],
}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_after_a_mishap_the_text_is_kept_no_call_is_run_and_retry_works(
    talk: Talk, mishap: str
) -> None:
    """A good round, then the mishap, then the same question again."""
    good = calls(ToolCall("add", {"a": 2, "b": 2}))
    talk.serve([good, MISHAPS[mishap], [Say("Four.")]], retries=0)
    end = talk.run()
    assert end.reason == "error"
    assert end.error and "\n" not in end.error and "sk-secret" not in end.error
    assert (talk.last.role, talk.last.finish, talk.last.error) == ("assistant", "error", end.error)
    assert talk.last.text.strip() == ("so far" if "so far" in repr(MISHAPS[mishap]) else "")
    assert talk.last.calls == () and len(talk.results) == 1
    talk.conversation = talk.conversation.for_retry()
    assert talk.conversation.awaits_answer and len(talk.results) == 1
    assert talk.run().reason == "stop" and talk.last.text == "Four."
    assert "so far" not in json.dumps(talk.server.requests[-1].body)


def test_nobody_there(talk: Talk) -> None:
    server = talk.serve([])
    server.stop()
    end = talk.run()
    assert end.reason == "error" and end.error
    assert "Errno" not in end.error and "Connection" not in end.error.split()[0]


def test_an_answer_cut_at_its_length_is_kept_and_its_calls_are_not_run(talk: Talk) -> None:
    talk.serve([[Say("so far"), ToolCall("add", '{"a": 1, "b"'), Finish("length")]])
    assert talk.run().reason == "length"
    assert (talk.last.text, talk.last.finish, talk.last.calls) == ("so far", "length", ())


def test_a_busy_server_is_asked_again_and_the_page_told(talk: Talk) -> None:
    talk.serve([Status(503, {}, {"Retry-After": "0"}), [Say("Hello.")]])
    assert talk.run().reason == "stop"
    assert any(isinstance(e, Notice) and e.text for e in talk.events)


@pytest.mark.parametrize("text", ["", "\x00\x07\x1b", "\ud83d", "مرحبا \u202e", "x" * 200_000])
def test_odd_messages_of_the_user_are_answered(talk: Talk, text: str) -> None:
    talk.conversation = Conversation((user(text),))
    talk.serve([[Say("ok")]])
    assert talk.run().reason == "stop"
    assert talk.conversation.messages[0].text == text


# -- Stop ----------------------------------------------------------------------------------------


def stopped(talk: Talk, at: type[Event], **config: Any) -> TurnFinished:
    """Runs a turn on this thread and presses Stop at the first event of a kind."""
    events = talk.stream(**config)
    last: Event | None = None
    for last in events:
        if isinstance(last, at):
            talk.cancel.set()
    check(talk.conversation)
    assert isinstance(last, TurnFinished)
    return last


@pytest.mark.timeout(HANG)
def test_stop_while_the_model_streams(talk: Talk) -> None:
    talk.serve([[Say("Once "), Endless("more ")]])
    end = stopped(talk, TextDelta)
    assert (end.reason, end.error) == ("cancelled", None)
    assert talk.last.finish == "cancelled" and talk.last.text.startswith("Once ")
    assert talk.server.requests[0].gone.wait(HANG), "the connection is still open"


@pytest.mark.timeout(HANG)
@pytest.mark.parametrize("steps", [[Wait(60)], [HALF_CALL, Wait(60)]])
def test_stop_while_the_model_hangs(talk: Talk, steps: list[Any]) -> None:
    talk.serve([steps])
    threading.Timer(0.5, talk.cancel.set).start()
    assert talk.run().reason == "cancelled"
    assert (talk.last.finish, talk.last.calls, talk.results) == ("cancelled", (), [])


@pytest.mark.timeout(HANG)
def test_stop_while_tools_run(talk: Talk) -> None:
    @tool
    def sleep() -> str:
        """Sleeps for ever."""
        threading.Event().wait(60)
        return "awake"

    talk.tools = (sleep, add)
    given = (ToolCall("sleep", {}, id="a"), ToolCall("add", {"a": 1, "b": 1}, id="b", index=1))
    talk.serve([calls(*given), [Say("never asked")]])
    assert stopped(talk, ToolStarted).reason == "cancelled"
    assert [r.call_id for r in talk.results] == ["a", "b"]
    assert talk.results[0].error and "awake" not in talk.results[0].text
    assert len(talk.server.requests) == 1


@pytest.mark.timeout(60)
def test_stop_while_python_computes_and_the_variables_stay(talk: Talk) -> None:
    python = PythonTool(talk.folder)
    talk.tools = (python,)
    begun = talk.folder / "begun"
    code = "kept = 7\nopen('begun', 'w').close()\nwhile True: pass"
    talk.serve(
        [
            calls(ToolCall("python", {"code": code})),
            calls(ToolCall("python", {"code": "print(kept)"}, id="c2")),
            [Say("7")],
        ]
    )

    def press() -> None:
        while not begun.exists():
            threading.Event().wait(0.02)
        talk.cancel.set()

    threading.Thread(target=press, daemon=True).start()
    assert talk.run().reason == "cancelled" and len(talk.results) == 1
    talk.cancel = threading.Event()
    assert talk.run().reason == "stop"
    assert talk.results[-1].text.strip() == "7"


@pytest.mark.timeout(HANG)
def test_stop_before_the_first_event(talk: Talk) -> None:
    talk.serve([[Say("never")]])
    talk.cancel.set()
    assert talk.run().reason == "cancelled"
    assert talk.last.finish == "cancelled" and talk.server.requests == []


# -- faults of our own ---------------------------------------------------------------------------


class Broken:
    """A backend with a fault, which no server can bring about."""

    name, capabilities = "broken", Capabilities()

    def __init__(self, *events: Event, fault: Exception | None = None) -> None:
        self.events, self.fault = events, fault

    def generate(self, *_: Any) -> Iterator[Any]:
        yield from self.events
        if self.fault:
            raise self.fault

    def count_tokens(self, *_: Any) -> None:
        return None

    def close(self) -> None: ...


def test_a_fault_in_our_own_code_is_said_as_such_and_logged(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    talk.backend = Broken(TextDelta("so far"), fault=RuntimeError("/secret/path"))
    with caplog.at_level(logging.ERROR):
        end = talk.run()
    assert (end.reason, end.error) == ("error", INTERNAL_ERROR)
    assert (talk.last.text, talk.last.error) == ("so far", INTERNAL_ERROR)
    assert "secret" not in repr(talk.events) and "/secret/path" in caplog.text


def test_a_backend_that_neither_ends_nor_fails_is_a_fault_too(talk: Talk) -> None:
    talk.backend = Broken(TextDelta("so far"))
    assert talk.run().error == INTERNAL_ERROR and talk.last.error == INTERNAL_ERROR


def test_when_running_the_calls_fails_every_call_has_a_result_still(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(Registry, "run_all", broken)
    talk.serve([calls(ToolCall("add", {"a": 1, "b": 1})), [Say("Oh.")]])
    assert talk.run().reason == "stop"
    assert [r.error for r in talk.results] == [INTERNAL_ERROR]
    assert [e.result for e in talk.events if isinstance(e, ToolFinished)] == talk.results
    assert "secret" not in repr(talk.events)


def test_the_usage_of_a_turn_is_the_sum_of_its_answers(talk: Talk) -> None:
    talk.backend = Broken(AnswerFinished("stop", Usage(5, 0, 3)))
    assert talk.run().usage.completion_tokens == 3
    talk.serve(
        [
            [ToolCall("add", {"a": 1, "b": 1}), Finish("tool_calls"), Count(10, 4)],
            [Say("Two."), Finish(), Count(20, 6, 9)],
        ]
    )
    end = talk.run()
    assert (end.usage.prompt_tokens, end.usage.cached_tokens) == (20, 9)
    assert end.usage.completion_tokens == 10
    assert end.usage.first_token is not None and end.usage.seconds >= end.usage.first_token


def test_a_tool_error_says_what_the_tool_said(talk: Talk) -> None:
    @tool
    def weather() -> str:
        """Tells."""
        raise ToolError("There is no network.")

    assert isinstance(weather, FunctionTool)
    talk.tools = (weather,)
    talk.serve([calls(ToolCall("weather", {})), [Say("No network.")]])
    assert talk.run().reason == "stop"
    assert talk.results[0].text == talk.results[0].error == "There is no network."
