"""Requests for functions that the model has never seen, and requests that nothing can meet."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from random import Random
from typing import Any

from backends.bundled.data.functions import MORE_CITIES
from backends.bundled.data.schemas import FUNCTIONS, IMPOSSIBLE, SAYINGS
from backends.bundled.data.tasks import Task, phrase, said, spoken_list
from backends.bundled.data.words import MONTHS
from tools.base import ToolSpec

# kind of value: its JSON type, and either values, or None where `_value` makes them
STRINGS = {
    "restaurant": ["Luigi's", "The Golden Fork", "Sakura", "Chez Marie", "Blue Door", "El Patio"],
    "person": ["Anna", "Ben Miller", "Dr. Wu", "Carla", "my sister", "Tom", "Mr. Lopez", "Priya", "Jonas"],
    "topic": ["the budget", "football", "climate change", "the new printer", "space travel", "login errors", "taxes",
              "electric cars", "the broken lift"],
    "sentence": ["I will be late", "See you at noon", "good morning", "the meeting is off", "where is the station",
                 "happy birthday", "we won", "it works now"],
    "event": ["lunch with Eva", "dentist", "team meeting", "yoga", "piano lesson", "budget review", "school", "the party"],
    "chore": ["buy milk", "call the bank", "water the plants", "pay the rent", "renew my passport", "walk the dog"],
    "song": ["Yesterday", "Blue Sky", "Night Train", "Hallelujah", "Golden Hour", "River"],
    "artist": ["Mozart", "Adele", "Miles Davis", "Nina Simone", "Jane Austen", "Bob Marley"],
    "room": ["kitchen", "bedroom", "living room", "office", "hall", "bathroom", "garage"],
    "door": ["front door", "back door", "garage", "gate", "cellar door"],
    "dish": ["margherita pizza", "lasagne", "pad thai", "burger", "tomato soup", "pancakes", "curry"],
    "address": ["the station", "12 Elm Street", "the airport", "Hotel Astoria", "the city hall"],
    "address2": ["the museum", "5 King's Road", "the harbour", "my office", "the university"],
    "product": ["usb cable", "desk lamp", "green tea", "running shoes", "notebook", "the blue mug"],
    "word": ["serendipity", "happy", "brave", "oblique", "fast", "gentle"],
    "question": ["Where do we eat?", "Which day suits you?", "Tea or coffee?", "Who drives?"],
    "sport": ["swimming", "running", "cycling", "rowing", "yoga"],
    "animal": ["dog", "cat", "parrot", "hamster", "pirate", "planet"],
    "country": ["Peru", "Norway", "Vietnam", "Kenya", "Portugal", "New Zealand"],
    "team": ["Ajax", "the Lakers", "Arsenal", "Juventus", "the Bulls"],
    "service": ["billing", "web-shop", "search-api", "mailer"],
    "file": ["notes.txt", "photos/cat.png", "report.pdf", "data/sales.csv", "logo.jpg", "todo.md"],
    "folder": ["Documents", "/tmp", "src", "Downloads", "photos/2024"],
    "extension": ["pdf", "png", "csv", "txt"],
    "genre": ["comedy", "horror", "science fiction", "romantic", "crime"],
    "letter": ["B", "K", "M", "S", "T"],
    "city": MORE_CITIES, "city2": MORE_CITIES,
}  # fmt: skip
# What is said, and the value that stands for it.
WORDS: dict[str, dict[str, Any]] = {
    "currency": {"euros": "EUR", "dollars": "USD", "EUR": "EUR", "USD": "USD", "pounds": "GBP", "yen": "JPY",
                 "francs": "CHF", "US dollars": "USD"},
    "currency2": {"Swiss francs": "CHF", "British pounds": "GBP", "yuan": "CNY", "SEK": "SEK", "rupees": "INR"},
    "ticker": {"Apple": "AAPL", "AAPL": "AAPL", "TSLA": "TSLA", "Microsoft": "MSFT", "NVDA": "NVDA", "Siemens": "SIE"},
    "language": {"French": "French", "German": "German", "Spanish": "Spanish", "Chinese": "Chinese", "Swahili": "Swahili"},
    "onoff": {"on": True, "off": False},
    "lockflag": {"Lock": True, "Unlock": False},
    "restnumber": {"from rest": 0, "from 5 m/s": 5, "from 12 m/s": 12, "from standstill": 0},
}  # fmt: skip
ENUMS = {
    "level": ["low", "normal", "high", "urgent"],
    "size": ["small", "medium", "large"],
    "cabin": ["economy", "business", "first"],
    "kmmiles": ["km", "miles"],
    "vehicle": ["car", "bike", "foot", "bus"],
    "status": ["open", "paid", "shipped", "cancelled"],
    "theme": ["dark", "light", "system"],
    "env": ["test", "staging", "production"],
}
NUMBERS = {
    "years": (2, 35), "small": (1, 9), "small2": (1, 6), "minutes": (5, 90), "percent": (5, 100), "celsius": (15, 26), "year": (1960, 2025),
    "stars": (1, 5), "id": (100, 99999), "number": (2, 400), "number2": (2, 90), "weight": (45, 120), "height": (150, 205),
    "calories": (80, 900), "pixels": (100, 2000), "pixels2": (100, 1200), "bigmoney": (5000, 400000), "money": (5, 900),
}  # fmt: skip
DECIMALS = {"rating": (5, 9), "rate": (1, 12), "rate2": (1, 3)}
LISTS = {
    "toppings": ["mushrooms", "olives", "ham", "onions", "extra cheese"],
    "options": ["pizza", "sushi", "salad", "Monday", "Friday", "tea"],
    "tags": ["beach", "family", "summer", "work", "dog"],
    "people": ["Anna", "Ben", "Chris", "Dora", "Emil"],
}


def _value(r: Random, kind: str, today: date) -> tuple[str, Any, dict[str, Any]]:
    """A value as it is said, as it is sent, and its schema."""
    text: dict[str, Any] = {"type": "string"}
    if kind in STRINGS:
        value = r.choice(STRINGS[kind])
        return value, value, text
    if kind in WORDS:
        spoken = r.choice(list(WORDS[kind]))
        sent = WORDS[kind][spoken]
        types = {bool: "boolean", str: "string", int: "number"}
        return spoken, sent, {"type": types[type(sent)]}
    if kind in ENUMS:
        value = r.choice(ENUMS[kind])
        return value, value, {"type": "string", "enum": ENUMS[kind]}
    if kind in NUMBERS:
        number = r.randint(*NUMBERS[kind])
        return str(number), number, {"type": "integer" if kind != "money" else "number"}
    if kind in DECIMALS:
        low, high = DECIMALS[kind]
        decimal = r.randint(low * 10, high * 10) / 10
        return (
            f"{decimal:g}",
            float(f"{decimal:g}") if decimal % 1 else int(decimal),
            {"type": "number"},
        )
    if kind in LISTS:
        items = r.sample(LISTS[kind], r.randint(2, 3))
        return spoken_list(items), items, {"type": "array", "items": text}
    if kind == "numbers":
        numbers = [r.randint(1, 60) for _ in range(r.randint(3, 5))]
        return ", ".join(map(str, numbers)), numbers, {"type": "array", "items": {"type": "number"}}
    if kind == "flag":
        return "", True, {"type": "boolean"}
    if kind == "isodate":
        away = r.choice([1, r.randint(2, 90), r.randint(2, 400)])
        when = today + timedelta(days=away)
        spoken = (
            "tomorrow"
            if away == 1
            else r.choice([f"{when}", f"{MONTHS[when.month - 1]} {when.day}, {when.year}"])
        )
        return spoken, str(when), {**text, "format": "date"}
    if kind == "time":
        hour, minute = r.randint(6, 22), r.choice([0, 0, 15, 30, 45])
        half = "am" if hour < 12 else "pm"
        spoken = f"{(hour - 1) % 12 + 1}{f':{minute:02}' if minute else ''} {half}"
        return r.choice([spoken, f"{hour:02}:{minute:02}"]), f"{hour:02}:{minute:02}", text
    if kind == "email":
        value = (
            r.choice(["anna", "ben", "info", "office", "kim.lee"])
            + "@"
            + r.choice(["example.com", "mail.org", "corp.net"])
        )
        return value, value, text
    if kind in ("code", "version"):
        value = (
            f"{r.randint(1, 9)}.{r.randint(0, 20)}.{r.randint(0, 9)}"
            if kind == "version"
            else f"{r.choice('ABKZ')}{r.randint(1000, 99999)}"
        )
        return value, value, text
    raise ValueError(f"no kind of value is named {kind}")


class Function:
    """One function, its names drawn; makes its spec and requests for it."""

    def __init__(self, r: Random, line: str) -> None:
        name, description, parameters, self._ask, self._result, self._answer = (
            part.strip() for part in split(line)
        )
        self.name = phrase(r, name).strip("_")
        self._parameters: list[tuple[str, str, str, bool]] = []  # key, name, kind, optional
        for written in parameters.split(", "):
            names, kind = written.split(":")
            optional = names.endswith("?")
            names = names.rstrip("?")
            key = names.strip("{}").split("|")[0]
            self._parameters.append((key, phrase(r, names), kind, optional))
        schemas = {
            shown: _value(Random(1), kind, date(2025, 1, 1))[2]
            for _, shown, kind, _ in self._parameters
        }
        order = self._parameters[:]
        if r.random() < 0.3:
            r.shuffle(order)
        self.spec = ToolSpec(
            self.name,
            phrase(r, description) + r.choice([".", ""]),
            {
                "type": "object",
                "properties": {shown: schemas[shown] for _, shown, _, _ in order},
                "required": [shown for _, shown, _, optional in order if not optional],
            },
        )

    def task(self, r: Random, today: date) -> Task:
        arguments: dict[str, Any] = {}
        ask, answer = self._ask, self._answer
        for key, shown, kind, optional in self._parameters:
            spoken, sent, _ = _value(r, kind, today)
            given = not optional or r.random() < 0.4
            if given:
                arguments[shown] = sent
            ask = re.sub(rf"\[{key}:([^]]*)\]", r"\1" if given else "", ask)
            ask = ask.replace(f"<{key}>", spoken)
            answer = answer.replace(f"<{key}>", spoken)
        arguments = {
            name: arguments[name]
            for name in self.spec.parameters["properties"]
            if name in arguments
        }
        number = str(r.randint(2, 900))
        asked = re.sub(" +", " ", phrase(r, ask))
        if kind_of_closing := r.random() < 0.3:
            asked = asked.rstrip("?.")
        asked = asked[0].upper() + asked[1:] if not kind_of_closing else asked
        return Task(asked, said(answer.replace("#", number)), self.name, json.dumps(arguments, ensure_ascii=False),
                    observation=self._result.replace("#", number))  # fmt: skip


def split(line: str) -> list[str]:
    """The fields of a line; a bar inside braces parts nothing."""
    return re.split(r" \| ", line)


LINES = FUNCTIONS.splitlines()
# What Python could do as well is no example of what can't be done.
COMPUTED = (
    "area",
    "bmi",
    "loan",
    "mean",
    "velocity",
    "fuel",
    "translate",
    "define",
    "synonyms",
    "{random_",
    "recipe",
)


def functions(r: Random, count: int) -> list[Function]:
    """Different functions with different names."""
    found: dict[str, Function] = {}
    for line in r.sample(LINES, count):
        function = Function(r, line)
        found.setdefault(function.name, function)
    return list(found.values())


NONE_FITS = [
    "I can't {what}: none of my tools does that.",
    "I have no tool to {what}.",
    "Sorry, I can't {what} here.",
]


def impossible(r: Random, today: date, offered: list[str]) -> Task:
    """A request that no tool on offer can meet."""
    if r.random() < 0.5:
        line = r.choice([line for line in LINES if not any(word in line for word in COMPUTED)])
        function = Function(r, line)
        task = function.task(r, today)
        words = set(re.split(r"[_\W]+", function.name))
        if not any(words & set(re.split(r"[_\W]+", name)) for name in offered):
            return Task(
                task.ask,
                said(
                    r.choice(
                        [
                            "None of my tools can do that.",
                            "I have no tool for that.",
                            "Sorry, I can't do that with the tools I have.",
                        ]
                    )
                ),
            )
    request, _, what = r.choice(IMPOSSIBLE.splitlines()).partition(" => ")
    answer = (
        "抱歉，我没有能做这件事的工具。"
        if what == "zh"
        else r.choice(NONE_FITS).replace("{what}", what)
    )
    return Task(phrase(r, request), said(answer))


def saying(r: Random) -> Task:
    """Talk and knowledge, answered without a call."""
    request, _, answer = r.choice(SAYINGS.splitlines()).partition(" => ")
    return Task(phrase(r, request), said(phrase(r, answer).replace("\\n", "\n")))
