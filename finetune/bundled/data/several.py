"""Tasks with several calls in sequence, and one answer to all."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from random import Random

from finetune.bundled.data import talk
from finetune.bundled.data.dates import datewords, spans
from finetune.bundled.data.maths import quantities
from finetune.bundled.data.tasks import RESULT_SEPARATOR, DatedSkill, Task, arguments, phrase
from finetune.bundled.data.tools import drawing, functions, places

MAX_REPEATED_CHARS = 160  # of a result that the answer repeats
# First words of a request, which are lower case within a sentence.
OPENING = {"What", "What's", "How", "Convert", "Plot", "Draw", "Roll", "Throw", "Which", "When", "Is", "Tell", "Give", "Show", "Compute", "Calculate",
           "Find", "Count", "Pick", "Sort", "Make", "Paint", "Reverse", "Sum", "Add", "List", "Print", "Graph", "Change", "Turn", "Flip", "Toss",
           "Do", "Does", "Generate", "Create", "Solve", "Can", "Could", "Weather", "Are", "Check", "Look", "Should", "Will"}  # fmt: skip


def joined(ask: str, *parts: Task) -> Task:
    """One task for several, with `ask` as its request."""

    def answer(observed: str) -> str:
        said = []
        for part, seen in zip(parts, observed.split(RESULT_SEPARATOR), strict=True):
            text = part.answer(seen)
            said.append(
                "Here it is." if len(seen) > MAX_REPEATED_CHARS and seen.strip() in text else text
            )
        return " ".join(dict.fromkeys(said))

    return Task(ask, answer, steps=tuple(step for part in parts for step in part.calls))


def single(made: Task) -> bool:
    """Whether a task is a short request in English with one call."""
    return (
        made.tool is not None
        and len(made.calls) == 1
        and made.ask.isascii()
        and "\n" not in made.ask
        and len(made.ask) < 110
    )


def any_two(
    r: Random, today: date, names: Sequence[str], python: Callable[[], Task]
) -> Task | None:
    """One request for two different tools, or for Python twice; None if none is found."""
    makers: list[tuple[str, Callable[[], Task]]] = []

    def maker(skill: DatedSkill) -> Callable[[], Task]:
        return lambda: skill(r, today)

    for skill, (tool, _) in functions.OWN.items():
        if tool in names:
            makers.append((tool, maker(skill)))
    if drawing.COGVIEW.name in names:
        makers.append(("cogview", maker(drawing.paint)))
    if "python" in names:
        makers += [("python", python), ("python2", python)]
    if len({tool for tool, _ in makers}) < 2:
        return None
    for _ in range(40):
        (tool, one), (other, two) = r.sample(makers, 2)
        a, b = one(), two()
        if tool != other and single(a) and single(b):
            head, first = a.ask.rstrip(" .?!"), b.ask.split(" ")[0]
            if first in OPENING and ". " not in b.ask:
                ask = (
                    head
                    + r.choice(
                        [" and ", ", and ", ", then ", " and then ", " and also ", ", and please "]
                    )
                    + b.ask[0].lower()
                    + b.ask[1:]
                )
            else:
                ask = f"{a.ask.rstrip(' .')}{'' if a.ask.endswith('?') else '.'} {r.choice(['', '', 'And: ', 'Then: '])}{b.ask}"
            return joined(ask, a, b)
    return None


def at(city: str, zone: str) -> Task:
    return Task(
        "",
        lambda seen: f"In {city} it is {places.clock(seen)}.",
        "current_time",
        arguments(zone=zone),
    )


def sky(r: Random, city: str, zh: bool = False) -> Task:
    seen, answer = places.look(r, city, zh)
    return Task("", lambda _: answer, "weather", arguments(city=city), observation=seen)


def at_zh(city: str, name: str) -> Task:
    return Task(
        "",
        lambda seen: f"{name}现在是 {places.clock(seen)}。",
        "current_time",
        arguments(zone=city),
    )


def times(r: Random, today: date) -> Task:
    if r.random() < 0.15:
        two = r.sample(list(places.CITIES_ZH.items()), 2)
        ask = "{x}和{y}现在{几点|几点了|分别是几点}？"
        return joined(phrase(r, ask, x=two[0][1], y=two[1][1]), *(at_zh(*c) for c in two))
    cities = r.sample(
        [*[(c, c) for c in places.CITIES], *places.ZONES.items()], r.choice([2, 2, 2, 3])
    )
    said = [c for c, _ in cities]
    listed = r.choice(
        [f"{', '.join(said[:-1])} and {said[-1]}", f"{', in '.join(said[:-1])} and in {said[-1]}"]
    )
    return joined(
        phrase(
            r, "{What time is it{ now|}|What's the time|Tell me the time|Time} in {l}{?|}", l=listed
        ),
        *(at(*c) for c in cities),
    )


def skies(r: Random, today: date) -> Task:
    zh = r.random() < 0.15
    cities = (
        r.sample(places.MORE_ZH, 2)
        if zh
        else list(dict.fromkeys(places.place(r) for _ in range(r.choice([2, 2, 2, 3]))))
    )
    if zh:
        return joined(
            phrase(r, "{a}和{b}{的天气怎么样|今天天气如何|哪里更冷}？", a=cities[0], b=cities[1]),
            *(sky(r, c, True) for c in cities),
        )
    last = cities.pop()
    listed = f"{', '.join(cities)} and {last}" if cities else last
    ask = "{{What's|What is|How is} the weather {like |}in {l}{ today|}{?|}|Weather in {l}|Is it {raining|cold} in {l}{?|}|Compare the weather {in|of} {l}}"
    if r.random() < 0.25 and len(cities) == 1:
        return joined(
            phrase(r, "Is it {warmer|colder|hotter} in {a} or in {b}{ now|}?", a=cities[0], b=last),
            sky(r, cities[0]),
            sky(r, last),
        )
    return joined(phrase(r, ask, l=listed), *(sky(r, c) for c in [*cities, last]))


def amounts(r: Random, today: date) -> Task:
    parts, said = [], []
    for _ in range(2):
        kind = r.choice(list(quantities.UNITS))
        a, b = r.sample(quantities.UNITS[kind], 2)
        while quantities.UNIT.get(a, a) == quantities.UNIT.get(b, b):
            a, b = r.sample(quantities.UNITS[kind], 2)
        q, n = quantities.amount(r)
        given = arguments(
            amount=n, from_unit=quantities.UNIT.get(a, a), to_unit=quantities.UNIT.get(b, b)
        )
        said.append(f"{q} {a} {r.choice(['to', 'to', 'into'])} {b}")
        parts.append(Task("", lambda seen: f"{seen}.", "convert_units", given))
    return joined(
        phrase(r, "{Convert|Please convert|Change} {x} and {y}{.|}", x=said[0], y=said[1]), *parts
    )


def until(r: Random, today: date) -> Task:
    one, two = r.sample(list(datewords.FEASTS), 2)
    goals = [datewords.upcoming(*datewords.FEASTS[feast], today) for feast in (one, two)]
    parts = [Task("", spans.counting(f"There are # days until {feast}."), "days_between", arguments(start=today, end=goal))
             for feast, goal in zip((one, two), goals, strict=True)]  # fmt: skip
    return joined(
        phrase(
            r, "{How many days until|How long until|Days until} {a} and until {b}{?|}", a=one, b=two
        ),
        *parts,
    )


def there(r: Random, today: date) -> Task:
    city = r.choice(places.CITIES)
    ask = phrase(r, "{{What's|What is} the weather and the time in {c}?|Weather and time in {c}{ please|}|How is the weather in {c}, and what time is it there?|"
                 "Tell me the weather and the local time in {c}}", c=city)  # fmt: skip
    return joined(ask, sky(r, city), at(city, city))


def throws(r: Random, today: date) -> Task:
    return joined(phrase(r, "{Roll|Throw} a die and {flip|toss} a coin{.|}"),
                  Task("", lambda seen: f"The die shows {seen.strip('[]')}.", "random_numbers", "{}"),
                  Task("", lambda seen: f"The coin shows {'heads' if '1' in seen else 'tails'}.", "random_numbers", arguments(low=0, high=1)))  # fmt: skip


def task(r: Random, today: date, names: Sequence[str], python: Callable[[], Task]) -> Task:
    """A task with several calls of these tools, or a plain answer if there are none."""
    made: dict[DatedSkill, tuple[str, ...]] = {
        times: ("current_time",), skies: ("weather",), amounts: ("convert_units",), until: ("days_between",),
        there: ("weather", "current_time"), throws: ("random_numbers",),
    }  # fmt: skip
    fitting = [skill for skill, needed in made.items() if set(needed) <= set(names)]
    if fitting and r.random() < 0.5:
        return r.choice(fitting)(r, today)
    return any_two(r, today, names, python) or talk.saying(r, names)
