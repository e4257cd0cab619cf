"""The registry: what is offered, how calls are run, what comes back when they go wrong."""

import json
import logging
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import tool
from tools.base import Attachment, ToolCall, ToolContext, ToolError, ToolResult, ToolSpec
from tools.registry import Registry

LONG = 20.0
"""Seconds after which a test that hangs is given up; nothing here takes that long."""


class Kernel:
    """A stateful tool with two faces, as the built-in ones are."""

    name, stateful, taints, citations = "python", True, False, None

    def __init__(self, body=lambda call, context: "ran"):
        self.body, self.closed = body, 0

    def specs(self, native):
        face = ToolSpec("python", "Runs code.", {"type": "object"}, "code" if native else None)
        return [face] if native else [face, ToolSpec("python_reset", "Forgets.", {})]

    def has_side_effects(self, function):
        return False

    def run(self, call, context):
        return ToolResult("wrong id", "wrong name", self.body(call, context))

    def close(self):
        self.closed += 1


@tool
def add(a: int, b: int = 1) -> int:
    """Adds."""
    return a + b


@tool
def fail(how: str) -> str:
    """Fails."""
    return {
        "value": lambda: int("x"),
        "file": lambda: open("/no/such/place/a.csv"),
        "exit": lambda: sys.exit(3),
        "told": lambda: (_ for _ in ()).throw(ToolError("Do it differently.")),
        "silent": lambda: (_ for _ in ()).throw(ToolError()),
        "mute": lambda: (_ for _ in ()).throw(Mute()),
        "long": lambda: (_ for _ in ()).throw(RuntimeError("x" * 1_000_000)),
        "half": lambda: (_ for _ in ()).throw(RuntimeError("a\ud800")),
    }[how]()


class Mute(Exception):
    def __str__(self):
        raise RuntimeError


def context(cancel=None, progress=lambda _: None):
    return ToolContext(Path("/nowhere"), cancel or threading.Event(), progress)


def call(name, arguments=None, id="c1"):
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return ToolCall(id, name, text)


# what is offered


def test_specs_of_either_face_switched_and_chosen():
    registry = Registry([Kernel(), add], disabled={"add", "unknown"})
    assert [s.name for s in registry.specs(native=False)] == ["python", "python_reset"]
    assert [(s.name, s.raw) for s in registry.specs(native=True)] == [("python", "code")]
    assert not registry.enabled("add")
    registry.switch("add", True)
    registry.switch("python", False)
    assert [s.name for s in registry.specs(False)] == ["add"]
    registry.switch("python", True)
    assert [s.name for s in registry.specs(False, only={"add"})] == ["add"]
    assert registry.specs(False, only=()) == ()
    assert registry.tool_for("python_reset").name == "python"
    assert registry.tool_for("nothing") is None


def test_a_name_already_taken_is_refused_in_a_sentence():
    python = tool(name="python_reset")(lambda: "mine")
    registry = Registry([Kernel(), python, add, tool(name="add")(lambda: "other")])
    assert [each.name for each in registry.tools] == ["python", "add"]
    assert len(registry.refused) == 2 and "python_reset" in registry.refused[0]
    assert registry.run(call("add", {"a": 1}), context()).text == "2"


def test_of_a_tool_with_several_functions_only_those_that_act_need_approval():
    class Mailbox(Kernel):
        name, stateful, taints, citations = "mailbox", False, True, None

        def specs(self, native):
            return [ToolSpec(name, "", {"type": "object"}) for name in ("read_mail", "send_mail")]

        def has_side_effects(self, function):
            return function == "send_mail"

    @tool(acts=True)
    def send_letter(to: str) -> str:
        """Send a letter."""
        return f"Sent to {to}."

    registry = Registry([Mailbox(), send_letter, add])
    acting = {
        name
        for name in ("read_mail", "send_mail", "send_letter", "add", "missing")
        if registry.has_side_effects(call(name))
    }
    assert acting == {"send_mail", "send_letter"}
    read, added = ToolResult("1", "read_mail", "Send me all."), ToolResult("2", "add", "3")
    assert registry.is_tainted([added, read])
    assert not registry.is_tainted([added])
    assert not registry.is_tainted([replace(read, error="It could not be read.")])


def test_close_reaches_every_tool(caplog):
    bad, good = Kernel(), Kernel()
    bad.name, bad.specs = "bad", lambda native: []
    bad.close = lambda: (_ for _ in ()).throw(RuntimeError("stuck"))
    with caplog.at_level(logging.ERROR):
        Registry([bad, add, good]).close()
    assert good.closed == 1 and "stuck" in caplog.text


# one call


def test_a_result_carries_the_calls_own_id_and_name():
    registry = Registry([Kernel(), add])
    result = registry.run(call("python", {"code": "1"}, id="call.é/1"), context())
    assert (result.call_id, result.name, result.text) == ("call.é/1", "python", "ran")
    assert result.error is None and result.seconds > 0


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (call("ad", {"a": 1}), "no tool named ad. The tools on offer: python, python_reset"),
        (call("off"), "There is no tool named off."),
        (call("x" * 10_000), "There is no tool named xxx"),
        (call("add"), "a is missing"),
        (call("add", {"a": 1, "c": 2}), 'there is no argument "c" (it has a, b)'),
        (call("add", "{"), "not valid JSON"),
        (call("add", "[1]"), "one JSON object"),
        (call("add", "[" * 100_000), "nested too deeply"),
        (call("add", '{"a": {}}'), "a should be a valid integer, but is {}"),
        (call("add", {"a": "9" * 200_000}), "a: Unable to parse input string as an integer"),
        (call("fail", {"how": "value"}), "ValueError: invalid literal for int()"),
        (call("fail", {"how": "file"}), "No such file or directory: 'a.csv'"),
        (call("fail", {"how": "exit"}), "SystemExit: 3"),
        (call("fail", {"how": "told"}), "Do it differently."),
        (call("fail", {"how": "silent"}), "fail failed and did not say why."),
        (call("fail", {"how": "mute"}), "Mute"),
        (call("fail", {"how": "long"}), "characters left out"),
        (call("fail", {"how": "half"}), "RuntimeError: a\ufffd"),
        (call("fail", {"how": "else"}), "KeyError: 'else'"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_a_short_text(made, said):
    off = tool(name="off")(lambda: "ran")
    result = Registry([Kernel(), add, fail, off], disabled={"off"}).run(made, context())
    assert said in result.text
    assert "Traceback" not in result.text and "/no/" not in result.text
    assert len(result.text) < 2500 and len(result.error) <= 300 and "\n" not in result.error
    assert (result.call_id, result.name) == (made.id, made.name)
    json.dumps([result.text, result.error], ensure_ascii=False).encode()


def test_an_unknown_tool_is_told_the_names_of_its_own_face():
    registry = Registry([Kernel()])
    assert registry.run(call("x"), context(), native=True).text.endswith("offer: python.")
    assert Registry([]).run(call("x"), context()).text.endswith("No tool is on offer.")


def test_the_traceback_goes_to_the_log_alone(caplog):
    Registry([fail]).run(call("fail", {"how": "value"}), context())
    assert "Traceback" in caplog.text and "invalid literal" in caplog.text


def test_results_that_no_json_or_utf8_holds():
    halves = tool(name="halves")(lambda: {"a": "\ud83d", "b": object()})
    big = tool(name="big")(lambda: "é" * 1_000_000)
    registry = Registry([halves, big])
    assert '"a": "\ufffd"' in registry.run(call("halves"), context()).text
    assert len(registry.run(call("big"), context()).text) <= 20_000


def test_attachments_come_through():
    file = Attachment("a.png", "image/png", Path("/x/a.png"))
    made = tool(name="draw")(lambda: file)
    assert Registry([made]).run(call("draw"), context()).attachments == (file,)


# stop and time


def hanging(release, began=None, **options):
    def hang(note: ToolContext) -> str:
        if began is not None:
            began.set()
        release.wait(LONG)
        note.progress("too late")
        return "ended"

    return tool(**options)(hang)


def test_stop_returns_while_the_function_still_hangs():
    release, began, cancel, told = (threading.Event() for _ in range(4))
    registry = Registry([hanging(release, began)])

    def stop():
        began.wait(LONG)
        cancel.set()

    threading.Thread(target=stop).start()
    result = registry.run(call("hang"), context(cancel, lambda _: told.set()))
    # It has not been released, so it can't have ended by itself.
    assert result.text == "hang was stopped by the user." and result.error
    assert not release.is_set()
    release.set()
    assert not told.wait(0.2)  # what a given-up call says reaches nobody


def test_what_a_given_up_call_told_last_is_kept():
    release, cancel = threading.Event(), threading.Event()

    def body(call, context):
        context.progress("step 3 of 9")
        cancel.set()
        release.wait(LONG)
        return "all of it"

    result = Registry([Kernel(body)]).run(call("python"), context(cancel))
    release.set()
    assert result.text == "python was stopped by the user. The last it told: step 3 of 9"
    assert result.error == "python was stopped by the user."


def test_a_tool_that_heeds_stop_keeps_its_result():
    began, cancel = threading.Event(), threading.Event()

    def body(call, context):
        began.set()
        assert context.cancel.wait(LONG)
        return "half of it"

    def stop():
        began.wait(LONG)
        cancel.set()

    threading.Thread(target=stop).start()
    result = Registry([Kernel(body)]).run(call("python"), context(cancel))
    assert result.text == "half of it" and result.error is None


def test_a_call_after_stop_is_not_begun():
    cancel = threading.Event()
    cancel.set()
    kernel = Kernel(lambda *_: pytest.fail("ran"))
    assert "stopped by the user" in Registry([kernel]).run(call("python"), context(cancel)).text


@pytest.mark.parametrize("own", [True, False])
def test_a_function_that_takes_too_long_is_given_up(own):
    release = threading.Event()
    made = hanging(release, seconds=0.2 if own else None)
    registry = Registry([made], function_seconds=LONG if own else 0.2)
    result = registry.run(call("hang"), context())
    release.set()
    assert result.text == "hang did not finish within 0.2 seconds and was given up."


def test_a_function_sees_that_its_time_is_over():
    saw = threading.Event()

    def patient(note: ToolContext) -> str:
        if note.cancel.wait(LONG):
            saw.set()
        return ""

    Registry([tool(seconds=0.1)(patient)]).run(call("patient"), context())
    assert saw.wait(LONG)


def test_a_built_in_tool_keeps_its_own_time():
    def body(call, context):
        return "stopped" if context.cancel.wait(0.4) else "ran to its end"

    result = Registry([Kernel(body)], function_seconds=0.1).run(call("python"), context())
    assert result.text == "ran to its end"


def test_a_tool_that_times_out_itself_is_told_apart():
    late = tool(name="late")(lambda: (_ for _ in ()).throw(TimeoutError("server asleep")))
    assert Registry([late]).run(call("late"), context()).text == "TimeoutError: server asleep"


def test_a_given_up_stateful_call_still_keeps_the_next_one_out():
    release, began, cancel = (threading.Event() for _ in range(3))
    inside = []

    def body(call, context):
        inside.append(call.id)
        began.set()
        if call.id == "first":
            release.wait(LONG)
        inside.append(call.id)
        return call.id

    registry = Registry([Kernel(body)])
    threading.Thread(target=lambda: (began.wait(LONG), cancel.set())).start()
    first = registry.run(call("python", id="first"), context(cancel))
    assert "stopped" in first.text
    threading.Timer(0.2, release.set).start()
    second = registry.run(call("python", id="second"), context())
    assert second.text == "second" and inside == ["first", "first", "second", "second"]


def test_a_stateful_function_is_kept_apart_across_sessions():
    running, most = [], []

    @tool(stateful=True)
    def count(n: int) -> str:
        running.append(n)
        most.append(len(running))
        time.sleep(0.02)
        running.remove(n)
        return str(n)

    one, other = Registry([count]), Registry([count])
    threads = [
        threading.Thread(target=registry.run, args=(call("count", {"n": n}), context()))
        for n, registry in enumerate([one, other] * 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert most == [1] * 6


# several calls


def test_independent_calls_overlap_and_keep_their_order():
    barrier = threading.Barrier(8)

    @tool
    def meet(n: int) -> str:
        barrier.wait(LONG)  # passes only when all eight are inside at once
        return str(n)

    calls = [call("meet", {"n": n}, id=f"c{n}") for n in range(8)]
    started, finished = [], []
    results = Registry([meet]).run_all(
        calls, lambda _: context(), lambda c: started.append(c.id), finished.append
    )
    assert [(r.call_id, r.text, r.error) for r in results] == [
        (f"c{n}", str(n), None) for n in range(8)
    ]
    assert sorted(started) == [c.id for c in calls] and len(finished) == 8


def test_calls_of_a_stateful_tool_follow_one_another_beside_the_others():
    inside, order = [], []
    other_began = threading.Event()

    def body(call, context):
        assert other_began.wait(LONG)
        inside.append(call.id)
        assert len(inside) == 1
        time.sleep(0.01)
        order.append(call.id)
        inside.remove(call.id)
        return call.id

    @tool
    def other() -> str:
        other_began.set()
        return "other"

    ids = [f"p{n}" for n in range(5)]
    calls = [call("python", id=i) for i in ids] + [call("other", id="o")]
    told = []
    results = Registry([Kernel(body), other]).run_all(
        calls,
        lambda _: context(),
        lambda call: told.append(("began", call.id)),
        lambda result: told.append(("ended", result.call_id)),
    )
    assert [r.text for r in results] == [*ids, "other"] and order == ids
    # None is shown as running while it only waits for the one before.
    of_kernel = [each for each in told if each[1] != "o"]
    assert of_kernel == [(what, i) for i in ids for what in ("began", "ended")]


def test_many_calls_share_eight_threads():
    running, most, lock = [], [], threading.Lock()

    @tool
    def busy(n: int) -> str:
        with lock:
            running.append(n)
            most.append(len(running))
        time.sleep(0.01)
        with lock:
            running.remove(n)
        return str(n)

    calls = [call("busy", {"n": n}) for n in range(40)]
    results = Registry([busy]).run_all(calls, lambda _: context())
    assert [r.text for r in results] == [str(n) for n in range(40)] and max(most) <= 8


def test_stop_ends_all_calls_those_not_begun_too():
    release, cancel = threading.Event(), threading.Event()
    barrier = threading.Barrier(9)

    @tool
    def hang(n: int) -> str:
        barrier.wait(LONG)
        release.wait(LONG)
        return "ended"

    def stop():
        barrier.wait(LONG)
        cancel.set()

    threading.Thread(target=stop).start()
    calls = [call("hang", {"n": n}) for n in range(12)]
    results = Registry([hang]).run_all(calls, lambda _: context(cancel))
    assert not release.is_set()
    assert {r.text for r in results} == {"hang was stopped by the user."} and len(results) == 12
    release.set()


def test_no_calls_and_a_callback_that_fails():
    registry = Registry([add])
    assert registry.run_all([], lambda _: context()) == []

    def broken(_):
        raise RuntimeError("our own mistake")

    with pytest.raises(RuntimeError, match="our own mistake"):
        registry.run_all([call("add", {"a": 1})] * 20, lambda _: context(), on_finish=broken)


def test_progress_reaches_the_context_of_its_call():
    told = {}

    @tool
    def work(note: ToolContext) -> str:
        note.progress(f"in {note.workspace.name}")
        return ""

    def context_for(made):
        return ToolContext(Path("/x") / made.id, progress=lambda t: told.setdefault(made.id, t))

    Registry([work]).run_all([call("work", id=i) for i in "ab"], context_for)
    assert told == {"a": "in a", "b": "in b"}


def test_something_that_is_no_result_is_an_error_and_no_crash():
    odd = SimpleNamespace(name="odd", stateful=False, specs=Kernel().specs)
    odd.run, odd.close = (lambda call, context: 3), (lambda: None)
    assert "TypeError" in Registry([odd]).run(call("python"), context()).text
