"""Reads the made-up functions of `calls/*.txt`.

Each is a block of lines, in which one alternative of `{a|b}` is chosen at random:

    [domain]
    {book|reserve}_table :: {Book|Reserve} a table         names :: description, a verb first
    place/venue:restaurant, people?:c2-9, date?:date       name/alias:kind; `?`: optional
    > A table at <place>[date: <on:date>]                  a request; text in [...] is used if its
                                                           parameter is given
    + people: Make it <people>                             a follow-up that changes one argument
    = {"id": <<i1-99>>} => Booked as number <<i1-99>>.     a result and the answer to it; `<<kind>>`
                                                           is random, the same in both
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function.

    Attributes:
        names: the names that it may have in a schema; the first one is its key in the templates.
        kind: its kind, see `values`.
        optional: whether requests may leave it out.
    """

    names: tuple[str, ...]
    kind: str
    optional: bool


@dataclass(frozen=True)
class Block:
    """The templates of a function."""

    domain: str
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    asks: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]
    results: tuple[tuple[str, str], ...]


def _parameter(written: str) -> Parameter:
    names, kind = written.split(":", 1)
    return Parameter(tuple(names.rstrip("?").split("/")), kind, names.endswith("?"))


def _block(domain: str, lines: Sequence[str]) -> Block:
    name, _, description = lines[0].partition(" :: ")
    marked = {
        mark: [line[2:] for line in lines[1:] if line.startswith(mark + " ")] for mark in ">+="
    }
    rest = [line for line in lines[1:] if line[:2] not in ("> ", "+ ", "= ")]
    parameters = tuple(_parameter(each) for line in rest for each in line.split(", "))
    pairs = [(line.partition(": ")[0], line.partition(": ")[2]) for line in marked["+"]]
    results = [(line.partition(" => ")[0], line.partition(" => ")[2]) for line in marked["="]]
    return Block(
        domain, name, description, parameters, tuple(marked[">"]), tuple(pairs), tuple(results)
    )


@cache
def blocks() -> tuple[Block, ...]:
    """The blocks of all functions, in the order of the files."""
    found = []
    for path in sorted(Path(__file__).with_name("calls").glob("*.txt")):
        domain = path.stem
        for part in path.read_text("utf-8").split("\n\n"):
            lines = [line for line in part.splitlines() if line.strip()]
            if lines and lines[0].startswith("["):
                domain = lines.pop(0).strip("[]")
            if lines:
                found.append(_block(domain, lines))
    return tuple(found)
