"""One visitor's many Python calls, and the next visitor's one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import NEXT, STRANGER, Stage
from tests.faults.threaded_page import ThreadedPage
from tests.support.running_app import start_app
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Step, Text, ToolCall

CALLS = 24
CALL_S = 2.0
TIMEOUT_S = 150.0
DONE = {"many": "All of them are done.", "one": "The one is done."}


def _answer(body: Mapping[str, Any]) -> list[Step]:
    """As many calls as the last question asks for, then the word that they are done."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        asked = next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user")
        return [Text(DONE[asked])]
    count = CALLS if last["content"] == "many" else 1
    code = f"import time; time.sleep({CALL_S}); print(6 * 7)"
    calls = [
        ToolCall("python", {"code": f"{code}  # {number}"}, id=f"call_{number}", index=number)
        for number in range(count)
    ]
    return [*calls, Finish("tool_calls")]


def _ask(page: ThreadedPage, text: str) -> float:
    """Seconds until the question is answered; as long as is waited where it is not."""
    began = time.monotonic()
    page.send(text)
    page.wait_for_text(DONE[text], TIMEOUT_S)
    return time.monotonic() - began


def make_fairness(stage: Stage) -> Outcome:
    """One kernel for all; a stranger's answer calls Python many times."""
    with ScriptedServer(_answer) as server:
        environment = {"GLM_MODEL": f"{server.url}#scripted", "GLM_PYTHON_KERNELS": "1"}
        with start_app(environment) as app:
            with ThreadedPage(app.url, "tools", source=NEXT) as alone:
                alone.rerun()
                alone.wait_until_rest(60)
                _ask(alone, "one")  # the first waits for the kernel's start
            with ThreadedPage(app.url, "tools", source=NEXT) as alone:
                alone.rerun()
                alone.wait_until_rest(60)
                one = _ask(alone, "one")
            with (
                ThreadedPage(app.url, "tools", source=STRANGER) as crowd,
                ThreadedPage(app.url, "tools", source=NEXT) as other,
            ):
                crowd.rerun()
                crowd.wait_until_rest(60)
                other.rerun()
                other.wait_until_rest(60)
                crowd.send("many")
                time.sleep(1.5 * CALL_S)  # the first call runs
                waited = _ask(other, "one")
                served = DONE["one"] in other.text
                rest = DONE["many"] not in crowd.text
                done = crowd.wait_for_text(DONE["many"], TIMEOUT_S)
    return Outcome(
        f"a stranger's answer calls Python {CALLS} times for {CALL_S:g} s each, where one kernel "
        "may run; then another visitor's answer calls it once",
        f"the other visitor has the answer after {waited:.1f} s ({one:.1f} s where nobody else "
        f"asks); the stranger's calls {'still ran' if rest else 'had ended'} then",
        f"the stranger's calls {'all ended' if done else 'did not end'}",
        served and rest and done and waited <= one + 3 * CALL_S + 5,
    )


FAULTS: Sequence[Fault] = (Fault("fairness", make_fairness),)
