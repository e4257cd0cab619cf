"""Tasks for the browser: a search, opened pages, and an answer that quotes them.

Companies, towns, people and figures are made up each time, so that the answer can only be copied
from the page.
"""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from finetune.bundled.data.tasks import DatedSkill, Step, Task, phrase, said
from finetune.bundled.data.tools.webpages import FILLERS, INJECTIONS, OTHERS, Page, name, slots
from tools.base import ToolSpec

BROWSER = ToolSpec(
    "simple_browser",
    'Read the web: search("words", recency_days=30), mclick([0, 2]), open_url("https://..."), '
    'find("words"), scroll(1)',
    {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
    "input",
)
TEMPLATES = [
    line.split(" | ")
    for line in Path(__file__).with_name("pages.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@dataclass(frozen=True)
class Lookup:
    """A question, its search, and the results with the page that has the answer."""

    ask: str
    query: str
    days: int | None
    results: tuple[Page, ...]
    right: Page
    fact: str
    cited: str
    answer: str

    @property
    def search(self) -> Step:
        fresh = f", recency_days={self.days}" if self.days else ""
        listed = "\n".join(
            [f'Results for "{self.query}":', *(page.result for page in self.results)]
        )
        return browse(f"search({quoted(self.query)}{fresh})", listed)

    def task(self, *steps: Step) -> Task:
        end = "。" if any(c >= "\u4e00" for c in self.answer) else "."
        return Task(
            self.ask,
            said(f"{self.answer}【{self.right.id}†{self.cited}】{end}"),
            BROWSER.name,
            steps=steps,
        )


def browse(input: str, observation: str) -> Step:
    return Step(BROWSER.name, input, observation)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def click(*pages: Page) -> str:
    return f"mclick([{', '.join(str(page.id) for page in pages)}])"


def lookup(r: Random, today: date) -> Lookup:
    world = slots(r)
    ask, query, days, title, fact, cited, answer = (
        phrase(r, part, **world) for part in r.choice(TEMPLATES)
    )
    base = 0 if r.random() < 0.7 else r.randint(3, 40)
    count = r.choice([3, 3, 4, 5])
    at = r.choice([0, 0, r.randrange(count)])

    def page(number: int, right: bool) -> Page:
        other = slots(r)
        host = r.choice(
            [
                f"www.{name(r).lower()}.example",
                f"{name(r).lower()}.example",
                f"{name(r).lower()}news.example",
            ]
        )
        around = {
            **(world if right else other),
            "host": host,
            "id": str(base + count + r.randint(0, 30)),
        }
        lines = [phrase(r, line, **around) for line in r.sample(FILLERS, r.randint(1, 5))]
        if right:
            lines.insert(r.randint(0, len(lines)), fact)
        if r.random() < 0.12:
            lines.insert(r.randint(0, len(lines)), r.choice(INJECTIONS))
        path = r.choice(
            ["", "/index.html", f"/{r.randint(2, 999)}", "/en/info", "/news/" + name(r).lower()]
        )
        heading = title if right else phrase(r, r.choice(OTHERS), **other)
        fresh = int(days) if days != "-" else 900
        return Page(
            base + number,
            heading,
            f"https://{host}{path}",
            today - timedelta(days=r.randint(0, fresh)),
            tuple(lines),
        )

    results = tuple(page(number, number == at) for number in range(count))
    return Lookup(
        ask[0].upper() + ask[1:],
        query,
        None if days == "-" else int(days),
        results,
        results[at],
        fact,
        cited,
        answer,
    )


def plain(r: Random, today: date) -> Task:
    found = lookup(r, today)
    return found.task(found.search, browse(click(found.right), found.right.text()))


def two(r: Random, today: date) -> Task:
    """Two pages are opened at once, one of which has the fact."""
    found = lookup(r, today)
    other = next(page for page in found.results if page is not found.right)
    second = replace(other, title=f"{found.right.title}: overview")
    found = replace(
        found, results=tuple(second if page is other else page for page in found.results)
    )
    both = sorted((found.right, second), key=lambda page: page.id)
    return found.task(found.search, browse(click(*both), "\n\n".join(page.text() for page in both)))


def failed(r: Random, today: date) -> Task:
    """A page can't be read; one opened with it, or after it, has the answer."""
    found = lookup(r, today)
    other = next(page for page in found.results if page is not found.right)
    why = r.choice(["404", "403", "it took longer than 10 s", "a login is asked for", "500"])
    together = r.random() < 0.4
    dead = replace(other, title=found.right.title)
    right = replace(
        found.right, title=f"{found.right.title}: overview" if together else f"Forum: {found.query}"
    )
    shown = {other.id: dead, found.right.id: right}
    found = replace(
        found, results=tuple(shown.get(page.id, page) for page in found.results), right=right
    )
    if together:
        both = sorted((dead, right), key=lambda page: page.id)
        seen = "\n\n".join(page.failed(why) if page is dead else page.text() for page in both)
        return found.task(found.search, browse(click(*both), seen))
    return found.task(
        found.search, browse(click(dead), dead.failed(why)), browse(click(right), right.text())
    )


def further(r: Random, today: date) -> Task:
    """The fact is further down the page, and is reached by `find` or `scroll`."""
    found = lookup(r, today)
    head = tuple(line for line in found.right.lines if line != found.fact)
    start = replace(found.right, lines=head)
    keys = [
        word.strip('"')
        for word in found.query.split()
        if word.strip('"').lower() in found.fact.lower()
    ]
    if not keys or r.random() < 0.35:
        rest = replace(found.right, lines=(*head, *found.right.lines))
        opened = start.text(total=len(rest.lines))
        more = browse("scroll(1)", rest.text(len(head) + 1))
    else:
        total, at = r.randint(90, 600), r.randint(40, 89)
        opened = start.text(total=total)
        key = max(keys, key=len)
        more = browse(
            f"find({quoted(key)})",
            f"[{start.id}] {start.title}\n{start.address} · 1 line with {quoted(key)}\n{at}: {found.fact}",
        )
    return found.task(found.search, browse(click(start), opened), more)


def given(r: Random, today: date) -> Task:
    """A question about the page at an address in the request."""
    found = lookup(r, today)
    page = replace(found.right, id=r.choice([0, 0, r.randint(1, 30)]))
    found = replace(found, right=page)
    question = (
        found.ask[0].lower() + found.ask[1:]
        if found.ask.split()[0] in ("What", "How", "When", "Who", "Where", "Which", "Until")
        else found.ask
    )
    ask = phrase(
        r,
        "{{Read|Open|Look at|Go to|See} {u} {and tell me:|and answer:|-} {q}|{q} {It's on|See|Look at} {u}|{u}: {q}|According to {u}, {q}}",
        u=page.address,
        q=question,
    )
    return replace(found, ask=ask).task(browse(f"open_url({quoted(page.address)})", page.text()))


def summary(r: Random, today: date) -> Task:
    """A request for a summary of the page at an address."""
    found = lookup(r, today)
    page = replace(
        found.right,
        id=0,
        lines=(found.fact, *(line for line in found.right.lines if line != found.fact)),
    )
    ask = phrase(
        r,
        "{{Read|Open|Summarize|Summarise|Look at|Visit|Fetch} {u}{ and tell me what it says| for me| please|}{.|}|What does {u} say?|What is on {u}{?|}|{读一下|打开} {u}}",
        u=page.address,
    )
    return replace(found, right=page, ask=ask, answer="The page says: " + found.answer).task(
        browse(f"open_url({quoted(page.address)})", page.text())
    )


def nothing(r: Random, today: date) -> Task:
    """A search without a result, without a network, or whose pages don't have the fact."""
    found = lookup(r, today)
    zh = any(c >= "\u4e00" for c in found.ask)
    search = found.search
    kind = r.choice(["empty", "network", "unsaid", "dead"])
    if kind == "network":
        answer = (
            "这里没有网络，查不到。" if zh else "I can't look that up: there is no network here."
        )
        return Task(
            found.ask,
            said(answer),
            BROWSER.name,
            steps=(
                replace(
                    search, observation="There is no network here, so nothing can be searched."
                ),
            ),
        )
    answer = "抱歉，我没有找到。" if zh else "I'm sorry, I found nothing about that."
    empty = replace(search, observation=f'No results for "{found.query}".')
    if kind == "empty":
        return Task(found.ask, said(answer), BROWSER.name, steps=(empty,))
    if kind == "dead":
        answer = "抱歉，网页打不开。" if zh else "I'm sorry, the page can't be opened."
        page = found.right
        return Task(phrase(r, "{Read|Open} {u}", u=page.address), said("I'm sorry, the page can't be opened."), BROWSER.name,
                    steps=(browse(f"open_url({quoted(page.address)})", page.failed(r.choice(["404", "the address doesn't exist", "it took longer than 10 s"]))),))  # fmt: skip
    bare = replace(
        found.right,
        lines=tuple(line for line in found.right.lines if line != found.fact)
        or ("Nothing here yet.",),
    )
    answer = "抱歉，网页上没有写。" if zh else "I'm sorry, the page doesn't say."
    listed = replace(
        found, results=tuple(bare if page is found.right else page for page in found.results)
    )
    return Task(
        found.ask,
        said(answer),
        BROWSER.name,
        steps=(listed.search, browse(click(bare), bare.text())),
    )


SKILLS: dict[DatedSkill, float] = {
    plain: 5, two: 1.2, failed: 1, further: 1.2, given: 1.3, summary: 0.6, nothing: 0.9,
}  # fmt: skip
