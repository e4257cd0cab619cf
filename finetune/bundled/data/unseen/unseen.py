"""Tasks for made-up functions, and requests that no offered function can do."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from random import Random
from typing import Any

from finetune.bundled.data.dates.times import Kind
from finetune.bundled.data.phrasing import (
    FAILURES,
    IMPERATIVE,
    NO_TOOL,
    NO_TOOL_ZH,
    is_chinese,
    shortened,
    style,
    worded,
    words_of,
)
from finetune.bundled.data.tasks import Task, phrase, said, spoken_list
from finetune.bundled.data.unseen.blocks import Block, blocks
from finetune.bundled.data.unseen.sayings import SAYINGS
from finetune.bundled.data.unseen.values import kind
from tools.base import ToolSpec

MISSING = 0.04  # share of requests that lack a required value
ERRORS = 0.06  # share of results that are errors
FOLLOWED = 0.3  # share of requests with a follow-up that depends on them
# Domains that Python or plain knowledge can answer, and so no examples of impossible requests.
COMPUTED = {"maths", "science", "geometry", "text", "dates", "finance", "stats"}
_SLOT = re.compile(r"<(on:)?(\w+)>")
_DRAWN = re.compile(r"<<([^<> ]+)( \w+)?>>")
_STRETCH = re.compile(r"\[(\w+):([^][]*)\]")
_NO_PREPOSITION = ("today", "tomorrow", "the day after", "next ", "this ", "yesterday")
# Domains whose functions hardly overlap with those of others.
DISTINCT = {
    "travel",
    "finance",
    "shopping",
    "media",
    "devops",
    "files",
    "data",
    "health",
    "work",
    "home",
    "cars",
    "housing",
}
# Kinds whose name is sent if neither the parameter's name nor an enumeration asks for a code.
PLAIN = {"countrycode": "country", "langcode": "language"}
# Optional parameters that no request mentions, and calls leave out.
UNSAID: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer"}, "format": {"type": "string", "enum": ["json", "text", "html"]},
    "verbose": {"type": "boolean"}, "locale": {"type": "string"}, "max_results": {"type": "integer"},
    "page": {"type": "integer"}, "include_details": {"type": "boolean"}, "timeout": {"type": "number"},
    "sort_by": {"type": "string", "enum": ["name", "date", "relevance"]}, "dry_run": {"type": "boolean"},
    "notes": {"type": "string"}, "callback_url": {"type": "string"}, "precision": {"type": "integer"},
    "metadata": {"type": "object"}, "notify": {"type": "boolean"}, "units": {"type": "string", "enum": ["metric", "imperial"]},
}  # fmt: skip


class Function:
    """A made-up function with random names and schema, and a maker of tasks for it."""

    def __init__(self, r: Random, block: Block) -> None:
        self.block = block
        styled = style(r)
        self.name = styled(shortened(r, re.sub("_+", "_", phrase(r, block.name)).strip("_")))
        if r.random() < 0.06 and "." not in self.name:
            self.name = f"{block.domain}.{self.name}"
        self.kinds: dict[str, Kind] = {}
        self.shown: dict[str, str] = {}
        for each in block.parameters:
            free = [name for name in each.names if styled(name) not in self.shown.values()]
            name = free[0] if r.random() < 0.4 else r.choice(free)
            self.shown[each.names[0]] = styled(name)
            made = kind(r, each.kind)
            if each.kind in PLAIN and "enum" not in made.schema and "code" not in name:
                made = kind(r, PLAIN[each.kind])
            self.kinds[each.names[0]] = made
        # A tuple, because the order of a set would make the data depend on the hash seed.
        self._optional = tuple(each.names[0] for each in block.parameters if each.optional)
        self.spec = ToolSpec(self.name, self._description(r), self._schema(r))

    def _description(self, r: Random) -> str:
        if r.random() < 0.08:
            return ""
        text = phrase(r, self.block.description)
        return text + r.choice([".", "", ""])

    def _schema(self, r: Random) -> dict[str, Any]:
        properties: list[tuple[str, Any]] = []
        for key, shown in self.shown.items():
            schema = self.kinds[key].schema
            if key in self._optional and schema == {"type": "string"} and r.random() < 0.06:
                schema = {"type": ["string", "null"]}
            properties.append((shown, schema))
        if r.random() < 0.35:
            r.shuffle(properties)
        if r.random() < 0.25:
            unsaid = r.sample(sorted(UNSAID), r.choice([1, 1, 2, 3]))
            known = {*self.shown, *self.shown.values()}
            properties += [(name, UNSAID[name]) for name in unsaid if name not in known]
        return {
            "type": "object",
            "properties": dict(properties),
            "required": [shown for shown, _ in properties if self._is_required(shown)],
        }

    def _is_required(self, shown: str) -> bool:
        return any(name == shown and key not in self._optional for key, name in self.shown.items())

    def task(self, r: Random, today: date) -> Task:
        """A task for the function; in a few, a value is missing, and the answer asks for it."""
        if r.random() < MISSING and (made := self._lacking(r)):
            return made
        given, spoken, ask = self._request(r, today, r.choice(self.block.asks))
        task = self._met(r, ask, given, spoken)
        if r.random() < FOLLOWED and (more := self._follow(r, today, given, spoken)):
            return Task(**{**task.__dict__, "follow": (more,)})
        return task

    def _lacking(self, r: Random) -> Task | None:
        """A task whose request is the description, without values; None if none is required."""
        needed = [
            max(each.names[:2], key=len) for each in self.block.parameters if not each.optional
        ]
        text = phrase(r, self.block.description)
        if (
            not needed
            or len(needed) > 3
            or is_chinese(self.block.asks[0])
            or not IMPERATIVE.match(text)
        ):
            return None
        words = [name.replace("_", " ") for name in needed]
        ask = r.choice(["{text}", "I want to {low}", "Can you {low}?", "Please {low}"])
        named = spoken_list([f"the {word}" for word in words])
        reply = r.choice(
            [
                "Please tell me {named}.",
                "For that I need {named}.",
                "Which {words}?" if len(words) == 1 else "I need {named} for that.",
            ]
        )
        return Task(
            ask.replace("{text}", text).replace("{low}", text[0].lower() + text[1:]),
            said(reply.replace("{named}", named).replace("{words}", words[0])),
        )

    def _request(
        self, r: Random, today: date, ask: str
    ) -> tuple[dict[str, Any], dict[str, str], str]:
        """The values to send, by key, how they are said, by key, and the request's text."""
        ask = phrase(r, ask)
        left_out = {key for key in self._optional if r.random() < 0.4}
        ask = _STRETCH.sub(
            lambda found: "" if found[1] in left_out else f"<={found[1]}>{found[2]}", ask
        )
        present = set(re.findall(r"<(?:on:|=)?(\w+)>", ask))
        given: dict[str, Any] = {}
        spoken: dict[str, str] = {}
        for key, each in self.kinds.items():
            if key not in present and key in self._optional:
                continue
            for _ in range(5):
                words, sent = each.make(r, today)
                if not isinstance(sent, str) or sent not in given.values():
                    break
            given[key], spoken[key] = sent, words
        days = [
            each.names[0]
            for each in self.block.parameters
            if each.kind in ("date", "past", "time") and each.names[0] in given
        ]
        if len(days) == 2 and given[days[0]] > given[days[1]]:
            # The parameter that is declared first gets the earlier day.
            for values in (given, spoken):
                values[days[0]], values[days[1]] = values[days[1]], values[days[0]]
        ask = _filled(re.sub(r"<=\w+>", "", ask), spoken)
        return given, spoken, re.sub(r"\b([Aa])(?= ([aeio]|un[a-hj-z]))", r"\1n", ask)

    def _met(
        self, r: Random, ask: str, given: Mapping[str, Any], spoken: Mapping[str, str]
    ) -> Task:
        by_name = {self.shown[key]: value for key, value in given.items()}
        arguments = {
            name: by_name[name] for name in self.spec.parameters["properties"] if name in by_name
        }
        chinese = is_chinese(ask)
        observation, answer = r.choice(
            self.block.results or (("ok", "好了。" if chinese else "Done."),)
        )
        answer = _STRETCH.sub(lambda found: found[2] if found[1] in spoken else "", answer)
        drawn: dict[str, str] = {}
        for written, label in _DRAWN.findall(observation + answer):
            drawn.setdefault(written + label, str(kind(r, written).make(r, date(2026, 1, 1))[1]))
        observation, answer = (
            _DRAWN.sub(lambda found: drawn[found[1] + (found[2] or "")], text)
            for text in (observation, answer)
        )
        observation = _filled(observation, {key: str(sent) for key, sent in given.items()})
        begun = answer.startswith("<")  # with a value, which stays as it is
        answer = _filled(phrase(r, answer), spoken)
        if observation.startswith("{") and r.random() < 0.25:
            observation = ", ".join(f"{k}: {v}" for k, v in json.loads(observation).items())
        if r.random() < ERRORS:
            error = r.choice(list(FAILURES))
            observation = r.choice(["error: ", "Error: ", ""]) + error
            answer = (
                f"没有成功：{error}。"
                if chinese
                else phrase(r, "{That did not work|Sorry, that failed|I could not do it}")
                + f": {FAILURES[error]}."
            )
        return Task(
            worded(r, ask), said(answer if begun else answer[0].upper() + answer[1:]), self.name,
            json.dumps(arguments, ensure_ascii=False), observation=observation,
        )  # fmt: skip

    def _follow(
        self, r: Random, today: date, given: Mapping[str, Any], spoken: Mapping[str, str]
    ) -> Task | None:
        """A follow-up that changes one argument."""
        kinds = [each.kind for each in self.block.parameters]
        ways = [(key, ask) for key, ask in self.block.changes if key in self.kinds]
        for each in self.block.parameters:
            key = each.names[0]
            if key in given and kinds.count(each.kind) == 1 and not ways:
                if each.kind in (
                    "city",
                    "country",
                    "ticker",
                    "product",
                    "fullname",
                    "food",
                    "team",
                    "company",
                ):
                    ways.append(
                        (
                            key,
                            "{And for <key>?|What about <key>?|And <key>?|Now <key>|The same for <key>, please|how about <key>}",
                        )
                    )
                elif each.kind == "date":
                    ways.append(
                        (
                            key,
                            "{And <on:key>?|The same <on:key>|Now <on:key> instead|What about <key>?}",
                        )
                    )
        if not ways:
            return None
        key, ask = r.choice(ways)
        words, sent = self.kinds[key].make(r, today)
        if sent == given.get(key):
            return None
        ask = phrase(r, ask.replace("<key>", f"<{key}>").replace("<on:key>", f"<on:{key}>"))
        ask = _filled(ask, {**spoken, key: words})
        return self._met(r, ask, {**given, key: sent}, {**spoken, key: words})


def _filled(text: str, spoken: Mapping[str, str]) -> str:
    def value(slot: re.Match[str]) -> str:
        words = spoken[slot[2]]
        return f"on {words}" if slot[1] and not words.startswith(_NO_PREPOSITION) else words

    text = re.sub(" +", " ", _SLOT.sub(value, text)).strip()
    text = re.sub(r"\b[Oo]n (?=(today|tomorrow|yesterday|the day after|next )\b)", "", text)
    return re.sub(r" (?=[,?]( |$)|'s )", "", text)


def functions(r: Random, count: int) -> list[Function]:
    """`count` functions with different names, often of one domain."""
    everything = blocks()
    found: dict[str, Function] = {}
    domain = r.choice(everything).domain if count > 1 and r.random() < 0.5 else None
    near = [block for block in everything if block.domain == domain]
    chosen = r.sample(near, min(count, len(near)))
    others = [block for block in everything if block not in chosen]
    for block in [*chosen, *r.sample(others, count - len(chosen))]:
        function = Function(r, block)
        found.setdefault(function.name, function)
    return list(found.values())


def impossible(r: Random, today: date, offered: list[str]) -> Task:
    """A request for a function that isn't offered, sometimes of the same domain as one that is."""
    known = {word for name in offered for word in words_of(name)}
    possible = [b for b in blocks() if b.domain not in COMPUTED and not (_topics(b) & known)]
    domains = {b.domain for b in blocks() if _topics(b) & known} & DISTINCT
    near = [b for b in possible if b.domain in domains]
    function = Function(r, r.choice(near if near and r.random() < 0.25 else possible))
    _, _, ask = function._request(r, today, r.choice(function.block.asks))
    return Task(worded(r, ask), said(NO_TOOL_ZH if is_chinese(ask) else r.choice(NO_TOOL)))


@cache
def _topics(block: Block) -> frozenset[str]:
    return frozenset(words_of(re.sub(r"[{}|]", "_", block.name)))


def saying(r: Random) -> Task:
    """A request for talk or knowledge, answered without a call."""
    request, _, answer = r.choice(SAYINGS.splitlines()).partition(" => ")
    return Task(phrase(r, request), said(phrase(r, answer).replace("\\n", "\n")))


LINES = blocks()
