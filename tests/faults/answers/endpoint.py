"""A model server at its worst: cut, silent, garbage, gone."""

from __future__ import annotations

import random
from collections.abc import Sequence

from playwright.sync_api import Page, expect

from tests.e2e.visitor import answer, button, said
from tests.faults.outcome import Fault, Outcome
from tests.faults.stage import Stage
from tests.support.running_app import send, wait_for_answer
from tests.support.scripted_steps import Answer, Drop, End, Finish, Raw, Text, Wait

HALF = "Half an answer, and then"
WHOLE = "The whole answer."
NEXT = "And this is the next chunk."


def alert(page: Page) -> str:
    """The error under the last answer, empty where there is none."""
    found = answer(page).get_by_test_id("stAlert")
    return "\n".join(each.inner_text() for each in found.all())


def breaking(name: str, done: str, broken: Answer) -> Fault:
    """An answer that breaks off in that way: it is told, the half is kept, Retry goes on."""

    def make(stage: Stage) -> Outcome:
        scripted = stage.scripted()
        scripted.says(broken, Text(WHOLE))
        with stage.visitor(scripted.app) as visitor:
            page = visitor.open()
            send(page, "hello")
            wait_for_answer(page)
            told, half = alert(page), said(page)
            button(page, "Retry").click()
            expect(answer(page)).to_contain_text(WHOLE)
            wait_for_answer(page)
            again, left = said(page), alert(page)
        return Outcome(
            done,
            told,
            f"{half} (and after Retry: {again})",
            bool(told.strip()) and half == HALF and again == WHOLE and not left,
        )

    return Fault(name, make, quick=True)


def make_rubbish(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    rubbish = random.Random(7).randbytes(1200).translate(None, b"\r\n")[:1024]
    with stage.visitor(scripted.app) as visitor:
        page = visitor.open()
        scripted.says([Text(f"{HALF}. "), Raw(rubbish), Text(NEXT), Finish()])
        send(page, "hello")
        wait_for_answer(page)
        shown = said(page)
        told = alert(page) or "\n".join(
            each.inner_text() for each in answer(page).get_by_test_id("stCaptionContainer").all()
        )
        scripted.says(Text(WHOLE))
        send(page, "and on")
        wait_for_answer(page)
        works = said(page)
    lost = NEXT not in shown
    said_so = any(word in told.lower() for word in ("read", "lost", "broke", "garbled", "damaged"))
    return Outcome(
        "1 KB of binary rubbish, without a line end, before a chunk of the stream",
        f"{shown} {told}",
        f"the next chunk is {'lost' if lost else 'there'}; the next turn: {works}",
        (not lost or said_so) and HALF in shown and works == WHOLE,
    )


def make_gone(stage: Stage) -> Outcome:
    with stage.own_app(GLM_RETRIES="1") as scripted, stage.visitor(scripted.app) as visitor:
        page = visitor.open()
        send(page, "hello")
        wait_for_answer(page)
        before = said(page)
        scripted.server.stop()
        send(page, "are you there?")
        wait_for_answer(page)
        told = alert(page)
        kept = page.get_by_text(before).count()
        questions = page.get_by_test_id("stText").all_inner_texts()
    return Outcome(
        "the model server is ended between two turns",
        told,
        f"the questions {', '.join(questions)} and the answer {before}",
        bool(told.strip()) and kept > 0 and questions == ["hello", "are you there?"],
    )


FAULTS: Sequence[Fault] = (
    breaking(
        "endpoint-cut", "the connection is reset in an answer's middle", [Text(HALF, 4), Drop()]
    ),
    breaking("endpoint-unfinished", "the stream ends without its end", [Text(HALF, 4), End()]),
    breaking(
        "endpoint-garbage",
        "bytes that are neither JSON nor UTF-8 in a stream that then ends",
        [Text(HALF, 4), Raw(b"data: {\x00\xff\xfe garbage\n\n"), End()],
    ),
    breaking(
        "endpoint-silent",
        "the server says nothing for 30 s in an answer's middle (GLM_IDLE_SECONDS=4)",
        [Text(HALF, 4), Wait(30), Text("too late")],
    ),
    Fault("endpoint-rubbish", make_rubbish, quick=True),
    Fault("endpoint-gone", make_gone),
)
