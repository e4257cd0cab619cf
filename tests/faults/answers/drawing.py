"""Answers and messages that are hard to draw, or dangerous."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence

from playwright.sync_api import Error, FilePayload

from tests.e2e.visitor import answer, ask, box, button, said
from tests.faults.outcome import Fault, Outcome
from tests.faults.server.gone import sign, told
from tests.faults.stage import Stage, own_app, words_on
from tests.support.running_app import send, wait_for_answer
from tests.support.scripted_steps import Text

DEEP = 3000
NESTINGS = {
    "quotes": "> " * DEEP + "The inmost words.",
    "brackets": "[" * DEEP + "The inmost words." + "](x)" * DEEP,
    "emphasis": "*a **b " * DEEP + "The inmost words.",
    "lists": "- " * DEEP + "The inmost words.",
    "markup": "<div>" * DEEP + "The inmost words." + "</div>" * DEEP,
    "formula": "$$" + "{" * DEEP + "x" + "}" * DEEP + "$$ The inmost words.",
}
_OVERFLOW = re.compile(r"RangeError|call stack|recursion", re.IGNORECASE)


def make_nested(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    fallen: list[str] = []
    lost: list[str] = []
    seen = ""
    for name, nested in NESTINGS.items():
        with stage.visitor(scripted.app) as visitor:
            page = visitor.open()
            scripted.says(Text(f"Before it.\n\n{nested}\n\nBehind it."))
            send(page, "nest")
            try:
                wait_for_answer(page, 15)
                words = words_on(page)
            except Error:
                words = ""
            found = [line for line in words.splitlines() if _OVERFLOW.search(line)]
            fallen += [name] if found or visitor.faults else []
            seen = seen or next(iter([*found, *visitor.faults[:1]]), "")
            drawn = answer(page).inner_text(timeout=5000) if words else ""
            lost += [name] if "inmost words" not in drawn else []
    with stage.visitor(scripted.app) as visitor:
        scripted.says(Text("Works."))
        works = ask(visitor.open(), "hello")
    return Outcome(
        f"answers of Markdown {DEEP:,} deep: {', '.join(NESTINGS)}",
        f"{seen or 'no error'}; not drawn: {', '.join(sorted({*fallen, *lost})) or 'none'}",
        f"the next visitor's page: {works}",
        not fallen and not lost and works == "Works.",
    )


LINKS = """[one](data:text/html,<script>1</script>) [two](blob:https://a.example/1)
[three](file:///etc/passwd) [four](javascript:alert(1)) [five](vbscript:x)
<data:text/html,six> [seven](DATA:text/html,x) [eight](&#100;ata:text/html,x)
[nine](filesystem:http://a.example/x) [ten][ref]

![eleven](file:///etc/passwd) [good](https://example.org/)

[ref]: file:///etc/hostname

The end."""


def make_links(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    scripted.says(Text(LINKS))
    with stage.visitor(scripted.app) as visitor:
        page = visitor.open()
        send(page, "links")
        wait_for_answer(page)
        with contextlib.suppress(Error):  # what is lost is told below
            answer(page).locator("[href='https://example.org/']").wait_for(timeout=5_000)
        links: list[str] = (
            answer(page)
            .locator("[href], [src]")
            .evaluate_all("all => all.map(e => e.getAttribute('href') || e.getAttribute('src'))")
        )
        words = answer(page).inner_text()
    bad = [
        link for link in links if re.match(r"(?i)\s*(data|blob|file|filesystem|\w*script):", link)
    ]
    return Outcome(
        "an answer with links to data:, blob:, file:, filesystem: and javascript: addresses",
        f"{len(bad)} can be pressed{': ' + ', '.join(bad[:5]) if bad else ''}",
        f"their words: {'one … ten' if all(w in words for w in ('one', 'ten')) else words[:80]}; "
        f"an ordinary link {'works' if 'https://example.org/' in links else 'is lost'}",
        not bad and "one" in words and "https://example.org/" in links,
    )


TURNED = "\u202e"
MARKED = (
    f"The file `safe{TURNED}gpj.exe` stands alder birch.\n\n"
    f"[link{TURNED}moc](https://a.example) cedar dogwood."
)
ORDER = """words => {
  // Of each pair: whether the first word is drawn to the left of the second.
  const at = word => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    let last = null
    while (walker.nextNode()) {
      const found = walker.currentNode.data.indexOf(word)
      if (found < 0 || !walker.currentNode.parentElement.offsetParent) continue
      const range = document.createRange()
      range.setStart(walker.currentNode, found)
      range.setEnd(walker.currentNode, found + word.length)
      last = range.getBoundingClientRect().left
    }
    return last
  }
  return words.map(([one, other]) => at(one) < at(other))
}"""


def make_marks(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    scripted.says(Text(MARKED))
    file: FilePayload = {
        "name": f"re{TURNED}txt.exe",
        "mimeType": "text/plain",
        "buffer": b"x",
    }
    with stage.visitor(scripted.app) as visitor:
        page = visitor.open("tools")
        page.get_by_test_id("stChatInput").locator("input[type=file]").set_input_files([file])
        page.wait_for_timeout(500)
        send(page, f"alpha {TURNED}beta gamma")
        wait_for_answer(page)
        pairs = [["alder", "birch"], ["cedar", "dogwood"]]
        orders: list[bool] = page.evaluate(ORDER, pairs)
        question = page.get_by_test_id("stChatMessage").first.inner_text()
        words = words_on(page)
    wrong = [" ".join(pair) for pair, right in zip(pairs, orders, strict=True) if not right]
    named = next((line for line in question.splitlines() if "exe" in line), "")
    return Outcome(
        "direction marks (U+202E) that are not closed in an answer's code and link, in a message, "
        "in the name of a file",
        f"drawn backwards: {', '.join(wrong) or 'nothing'}; the file: {named}",
        "the words behind them" if "dogwood" in words else "not all words",
        not wrong and TURNED not in named and "exe" in named,
    )


HUGE_MB = 30
PUT = """(box, text) => {
  const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set
  set.call(box, text)
  box.dispatchEvent(new Event("input", { bubbles: true }))
}"""


def make_huge(stage: Stage) -> Outcome:
    with own_app({}) as scripted, stage.visitor(scripted.app) as visitor:
        page = visitor.open()
        ask(page, "hello")
        before = words_on(page)
        began = time.monotonic()
        with contextlib.suppress(Error):
            box(page).evaluate(f"(box, _) => ({PUT})(box, 'long text '.repeat({HUGE_MB} * 1e5))", 0)
            box(page).press("Enter", timeout=30_000)
        line = ""
        pattern = re.compile(r"too (long|large|big)|larger|longer|limit|at most|MB", re.IGNORECASE)
        while not line and time.monotonic() - began < 60:
            with contextlib.suppress(Error):
                line, _ = sign(page, before, pattern, 2)
        seconds = time.monotonic() - began
        with contextlib.suppress(Error):
            kept = "Heard: hello" in page.locator("body").inner_text(timeout=10_000)
        asked = max(
            (len(str(body["messages"][-1]["content"])) for body in scripted.bodies), default=0
        )
        try:
            page.reload()
            page.get_by_text("Heard: hello").first.wait_for(timeout=15_000)
            works = ask(page, "and on")
        except (Error, AssertionError):
            works = "nothing"
    return Outcome(
        f"a message of {HUGE_MB} MB is put into the box and sent",
        told(line[:200], seconds) + f"; the model was given {asked:,} characters at most",
        f"the conversation is {'there' if kept else 'gone'}; the next message: {works}",
        bool(line) and kept and works == "Heard: and on" and asked < 1_000_000,
    )


LETTERS = 50_000


def make_letters(stage: Stage) -> Outcome:
    scripted = stage.scripted()
    scripted.says(Text("Read."))
    with stage.visitor(scripted.app) as visitor:
        page = visitor.open()
        began = time.monotonic()
        page.set_default_timeout(20_000)
        try:
            box(page).evaluate(PUT, "x" * LETTERS)
            there = box(page).evaluate("box => box.value.length")
            page.evaluate("() => new Promise(done => requestAnimationFrame(done))")
            box(page).press("Enter")
            button(page, "Retry").wait_for()
            words = said(page)
        except Error as error:
            there, words = 0, str(error).splitlines()[0]
        seconds = time.monotonic() - began
    sent = len(scripted.bodies[0]["messages"][-1]["content"]) if scripted.bodies else 0
    return Outcome(
        f"{LETTERS:,} letters without a blank are put into the box and sent",
        f"{words} after {seconds:.1f} s",
        f"{there:,} letters in the box, {sent:,} sent",
        words == "Read." and there == sent == LETTERS,
    )


FAULTS: Sequence[Fault] = (
    Fault("nested-markdown", make_nested),
    Fault("dangerous-links", make_links, quick=True),
    Fault("direction-marks", make_marks, quick=True),
    Fault("huge-message", make_huge),
    Fault("letters-without-blank", make_letters, quick=True),
)
