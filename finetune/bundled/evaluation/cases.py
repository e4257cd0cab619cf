"""The requests that the bundled model is measured with, read from their files.

`heldout.txt` is for the scores alone: who writes training data doesn't read it. `development.txt`
is for looking at failures between two rounds of training. The first lines of a file say how it
is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from tools.base import ToolSpec

SetName = Literal["development", "heldout"]

DECOYS = 3  # functions beside the right one, where four are offered
_TEXT = {"type": "string"}
BROWSER = ToolSpec(
    "simple_browser",
    'Read the web: search("words", recency_days=30), mclick([0, 2]), open_url("https://..."), '
    'find("words"), scroll(1)',
    {"type": "object", "properties": {"input": _TEXT}, "required": ["input"]},
    raw="input",
)
PAINTER = ToolSpec(
    "cogview",
    "Draw a picture from a description.",
    {"type": "object", "properties": {"prompt": _TEXT}, "required": ["prompt"]},
    raw="prompt",
)
# Tools that a kind of requests has on offer beside Python and the app's functions.
BESIDE = {"browser": (BROWSER,), "draw": (PAINTER,)}


@dataclass(frozen=True)
class Wanted:
    """One call: the tool's name, `a|b` where either is right, and what must come of it."""

    tool: str
    check: str


@dataclass(frozen=True)
class Case:
    """One request, the last of `asks`.

    `wanted` are the calls that answer it, none where no tool fits; then `check` is what the
    answer must hold. `specs` are on offer beside Python and the app's functions where `house`,
    else alone.
    """

    kind: str
    asks: tuple[str, ...]
    wanted: tuple[Wanted, ...] = ()
    check: str = ""
    specs: tuple[ToolSpec, ...] = ()
    house: bool = True

    @property
    def call_alone(self) -> bool:
        """Whether the tool can't be run here, so that the call alone is judged."""
        offered = {spec.name for spec in self.specs}
        return not self.house or any(each.tool in offered for each in self.wanted)


def cases(name: SetName = "heldout") -> list[Case]:
    """A set's requests. A function that doesn't exist is offered alone, and among four."""
    found: list[Case] = []
    strange: list[tuple[ToolSpec, str, str]] = []
    kind, spec = "", None
    path = Path(__file__).with_name(f"{name}.txt")
    for line in path.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            kind = line.strip("[]")
        elif kind == "unseen" and not line.startswith(">"):
            spec = signature(line)
        elif kind == "unseen":
            assert spec is not None
            ask, _, check = line[1:].strip().partition(" | ")
            strange.append((spec, ask, check))
        else:
            found.append(_case(kind, line))
    return found + _unseen(strange)


def _case(kind: str, line: str) -> Case:
    asks, tools, check = (part.strip() for part in f"{line} ".split(" | ", 2))
    wanted: tuple[Wanted, ...] = ()
    if tools != "none":
        pairs = zip(tools.split(" ++ "), check.split(" ++ "), strict=True)
        wanted, check = tuple(Wanted(*pair) for pair in pairs), ""
    return Case(kind, tuple(asks.split(" ;; ")), wanted, check, BESIDE.get(kind, ()))


def _unseen(strange: list[tuple[ToolSpec, str, str]]) -> list[Case]:
    every = list({spec.name: spec for spec, _, _ in strange}.values())
    random = Random(1)
    alone, of_four, unfit = list[Case](), list[Case](), list[Case]()
    for spec, ask, check in strange:
        if check == "none":
            unfit.append(Case("unseen, unfit", (ask,), specs=(spec,), house=False))
            continue
        wanted = (Wanted(spec.name, check),)
        alone.append(Case("unseen alone", (ask,), wanted, specs=(spec,), house=False))
        among = [spec, *random.sample([each for each in every if each != spec], DECOYS)]
        random.shuffle(among)
        of_four.append(Case("unseen of four", (ask,), wanted, specs=tuple(among), house=False))
    return [*alone, *of_four, *unfit]


def signature(line: str) -> ToolSpec:
    """`name(a, b?: integer, c: x|y, d: [string]): description` as a spec."""
    head, _, description = line.partition("): ")
    name, _, inside = head.partition("(")
    properties: dict[str, Any] = {}
    required = []
    for part in inside.split(", ") if inside else []:
        key, _, kind = part.partition(": ")
        if not key.endswith("?"):
            required.append(key)
        properties[key.rstrip("?")] = _schema(kind)
    schema = {"type": "object", "properties": properties, "required": required}
    return ToolSpec(name, description, schema)


def _schema(kind: str) -> dict[str, Any]:
    if kind.startswith("["):
        return {"type": "array", "items": _schema(kind[1:-1])}
    if "|" in kind:
        return {"type": "string", "enum": kind.split("|")}
    if kind == "date":
        return {"type": "string", "format": "date"}
    return {"type": kind or "string"}
