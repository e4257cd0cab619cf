"""Values of many kinds: how each is said in a request, and what is sent for it.

A kind is written in one of these ways:

    city                     a list or a grammar of `lists/*.txt`, the value sent as it is said
    currency                 codes of `lists/codes.txt`: "euros" is said, "EUR" is sent
    suv~SUV~off-roader|van   an enumeration, each value with the ways it is said
    true~with tax|false~net  the same for booleans and numbers; `!a~b|c` is not shown as an enum
    i2-90  n0.5-80  d2-90    an integer, a number, an integer that is always digits
    c2-12                    a count, now and then in words
    $5-900  %5-90  f5-90     money; percents sent as percents; percents sent as fractions
    minutes  date  time ...  what `KINDS` makes
    city+                    a list of these
"""

# ruff: noqa: E501  (a line a table row)

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from finetune.bundled.data.dates.times import TIMES, Kind, Said, in_words
from finetune.bundled.data.tasks import phrase, spoken_list

_NESTED = re.compile(r"<(\w+)>")
_RANGE = re.compile(r"([indc$%f])(-?[\d.]+)-([\d.]+)")
_LISTS = Path(__file__).with_name("lists")


def _read(name: str) -> dict[str, list[str]]:
    """`kind: a, b` lines; `kind = template` lines, a template each."""
    found: dict[str, list[str]] = {}
    for line in (_LISTS / name).read_text("utf-8").splitlines():
        if head := re.match(r"(\w+)( =|:) ", line):
            rest = line[head.end() :]
            found.setdefault(head[1], []).extend([rest] if "=" in head[2] else rest.split(", "))
    return found


STRINGS = {**_read("names.txt"), **_read("words.txt"), **_read("texts.txt")}
CODES = _read("codes.txt")
_STARTS = ["Bar", "Cal", "Dor", "El", "Fen", "Gri", "Hal", "Iv", "Jor", "Kes", "Lu", "Mar", "Nor", "Ol", "Pel",
           "Quin", "Ros", "Sel", "Tor", "Ul", "Ver", "Wil", "Yar", "Zan", "Bra", "Sho", "Tre", "Kla"]  # fmt: skip
_MIDDLES = ["a", "e", "i", "o", "an", "en", "ar", "or", "in", "um", "ing", "es", "av", "ol", ""]
_ENDS = ["burg", "ville", "ton", "da", "mer", "sk", "ra", "nel", "to", "wick", "ford", "lia", "den", "rith", "ko",
         "bury", "mont", "vo", "stad", "dale", "sen", "man", "li", "ez"]  # fmt: skip

# Names, whose words begin with capitals more often than not.
NAMED = {
    "title",
    "hotel",
    "restaurant",
    "street",
    "landmark",
    "company",
    "artist",
    "playlist",
    "project",
    "deck",
}
_LITTLE = {"of", "the", "and", "for", "a", "from", "under"}


def string(r: Random, kind: str) -> str:
    """A string of this kind; a few are made of syllables, so that none can be known by heart."""
    if kind in ("city", "surname", "made") and (kind == "made" or r.random() < 0.12):
        return r.choice(_STARTS) + r.choice(_MIDDLES) + r.choice(_ENDS)
    if kind == "digit":
        return str(r.randint(1, 9))
    if kind == "digits":
        return "".join(r.choices("0123456789", k=r.randint(3, 6)))
    if kind == "hexes":
        return "".join(r.choices("0123456789abcdef", k=r.choice([6, 7, 8, 12])))
    if kind == "letters":
        return "".join(r.choices("ABCDEFGHKLMNPRSTUVWXYZ", k=r.randint(1, 4)))
    template = phrase(r, r.choice(STRINGS[kind]))
    text = _NESTED.sub(lambda slot: string(r, slot[1]), template)
    if kind in NAMED and r.random() < 0.85:
        return " ".join(
            word if word in _LITTLE else word[:1].upper() + word[1:] for word in text.split(" ")
        )
    return text


def kind(r: Random, written: str) -> Kind:
    """The kind that is written so, its schema drawn where there is a choice."""
    if written.endswith("+"):
        return _list(kind(r, written[:-1]))
    if written in KINDS:
        return KINDS[written](r)
    if written in CODES:
        return _choice(r, CODES[written], r.random() < 0.4)
    if written in STRINGS or written in ("made", "digits", "hexes", "letters"):
        return Kind({"type": "string"}, lambda r, _: (text := string(r, written), text))
    if found := _RANGE.fullmatch(written):
        return _number(r, found[1], float(found[2]), float(found[3]))
    if "|" in written:
        return _choice(r, written.removeprefix("!").split("|"), not written.startswith("!"))
    raise ValueError(f"no kind of value is written {written!r}")


def _choice(r: Random, written: list[str], enum: bool) -> Kind:
    if len(written) > 7 and enum:
        written = r.sample(written, r.randint(3, 6))
    ways = {each.split("~")[0]: each.split("~")[1:] for each in written}
    literal = {"true": True, "false": False}
    numbers = all(re.fullmatch(r"-?[\d.]+", value) for value in ways)
    schema: dict[str, Any] = {"type": "string"}
    if set(ways) <= set(literal):
        schema = {"type": "boolean"}
    elif numbers:
        schema = {"type": "number"}
    elif enum:
        schema = {"type": "string", "enum": list(ways)}
    # Some say codes and choices as they are written.
    upper = enum and not numbers and r.random() < 0.08
    shown = {value: value.upper() if upper else value for value in ways}
    if "enum" in schema:
        schema["enum"] = list(shown.values())

    def make(r: Random, _: date) -> Said:
        value = r.choice(list(ways))
        spoken = r.choice(ways[value] or [value.replace("_", " ")])
        if value in literal:
            return spoken, literal[value]
        return spoken, _plain(float(value)) if numbers else shown[value]

    return Kind(schema, make)


def _list(of: Kind) -> Kind:
    def make(r: Random, today: date) -> Said:
        said = list(dict(of.make(r, today) for _ in range(r.choice([2, 3, 3, 4, 5]))).items())
        words = [spoken for spoken, _ in said]
        together = ", ".join(words) if r.random() < 0.4 else spoken_list(words)
        return together, [sent for _, sent in said]

    return Kind({"type": "array", "items": of.schema}, make)


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _number(r: Random, sign: str, low: float, high: float) -> Kind:
    whole = sign in "idc"
    type = "integer" if whole and r.random() < 0.85 else "number"
    if sign == "%" and r.random() < 0.4:
        type, whole = "integer", True

    def make(r: Random, _: date) -> Said:
        if sign == "c" and high >= 12 and r.random() < 0.05:
            return "a dozen", 12
        fine = (not whole and r.random() < (0.25 if sign in "%f" else 0.5)) or math.ceil(low) > int(
            high
        )
        value = (
            round(r.uniform(low, high), 1 if sign in "%f" else r.choice([1, 2]))
            if fine
            else float(r.randint(math.ceil(low), int(high)))
        )
        if not low <= value <= high:
            value = high
        if value >= 1000 and r.random() < 0.6:
            value = round(value, -2) or value
        if sign == "c" and r.random() < 0.4:
            return in_words(int(value)), int(value)
        plain = _plain(value)
        text = f"{plain:,}" if plain >= 1000 and sign != "d" and r.random() < 0.35 else f"{plain}"
        if sign == "$":
            return _money(r, text, plain), plain
        if sign in "%f":
            word = (
                f"{in_words(int(value))} percent"
                if value in (5, 10, 20, 30, 40, 50)
                else f"{plain} percent"
            )
            spoken = r.choice([f"{plain}%", f"{plain}%", f"{plain} percent", word])
            return spoken, plain if sign == "%" else _plain(round(value / 100, 6))
        if value % 1 == 0.5 and value < 12 and r.random() < 0.4:
            return f"{in_words(int(value))} and a half" if value > 1 else "half a", plain
        return text, plain

    return Kind({"type": type}, make)


def _money(r: Random, text: str, value: float) -> str:
    if value % 1 and r.random() < 0.6:
        text = f"{value:.2f}"
    return r.choice(
        [
            f"${text}",
            f"{text} dollars",
            f"{text} euros",
            f"€{text}",
            f"£{text}",
            text,
            text,
            f"{text} bucks",
        ]
    )


def _object(**kinds: str) -> Callable[[Random], Kind]:
    """A small object, its values said one behind the other."""

    def build(r: Random) -> Kind:
        made = {name: kind(r, written) for name, written in kinds.items()}

        def make(r: Random, today: date) -> Said:
            said = {name: each.make(r, today) for name, each in made.items()}
            return ", ".join(spoken for spoken, _ in said.values()), {
                n: sent for n, (_, sent) in said.items()
            }

        return Kind(
            {
                "type": "object",
                "properties": {n: k.schema for n, k in made.items()},
                "required": list(made),
            },
            make,
        )

    return build


def _lines(r: Random) -> Kind:
    """What is bought: an array of objects."""
    return _list(Kind({"type": "object", "properties": {"name": {"type": "string"}, "quantity": {"type": "integer"}}, "required": ["name", "quantity"]},
                      lambda r, _: (f"{(n := r.randint(2, 20))} {(thing := string(r, 'plural'))}", {"name": thing, "quantity": n})))  # fmt: skip


def _flag(_: Random) -> Kind:
    return Kind({"type": "boolean"}, lambda *_: ("", True))


def _no(_: Random) -> Kind:
    return Kind({"type": "boolean"}, lambda *_: ("", False))


def _rest(r: Random) -> Kind:
    """A speed to begin with, in m/s; often none."""

    def make(r: Random, _: date) -> Said:
        if r.random() < 0.5:
            return r.choice(["from rest", "from a standstill", "from rest"]), 0
        speed = r.randint(1, 60)
        return r.choice(
            [f"from {speed} m/s", f"at {speed} m/s", f"with an initial speed of {speed} m/s"]
        ), speed

    return Kind({"type": "number"}, make)


KINDS: dict[str, Callable[[Random], Kind]] = {
    **TIMES, "flag": _flag, "no": _no, "rest": _rest, "order_lines": _lines,
    "address_object": _object(street="street", city="city", zip_code="zip"),
}  # fmt: skip
