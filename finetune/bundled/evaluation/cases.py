"""Reads the requests that the bundled model is evaluated with.

`heldout.txt` is only for the scores, and must not influence the training data. The failures in
`development.txt` may be examined between two trainings. The first lines of each file describe its
format.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from tools.base import ToolSpec

SetName = Literal["development", "heldout"]

DECOYS = 3  # wrong functions, in cases that offer four
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
# By kind of request: the tools that are offered besides Python and the app's functions.
EXTRA_TOOLS = {"browser": (BROWSER,), "draw": (PAINTER,)}


@dataclass(frozen=True)
class Wanted:
    """An expected call.

    Attributes:
        tool: the tool's name, or `a|b` for either of two.
        check: a check of the result (see `checks.holds`) or of the arguments (`checks.fits`).
    """

    tool: str
    check: str


@dataclass(frozen=True)
class Case:
    """A request, with what is expected.

    Attributes:
        kind: its kind, as in the report.
        asks: the user's messages; the last one is the request.
        wanted: the expected calls; none if no tool fits.
        check: without `wanted`, a check of the answer; see `checks.holds`.
        specs: tools that are offered.
        with_app_tools: whether Python and the app's functions are offered too.
    """

    kind: str
    asks: tuple[str, ...]
    wanted: tuple[Wanted, ...] = ()
    check: str = ""
    specs: tuple[ToolSpec, ...] = ()
    with_app_tools: bool = True

    @property
    def is_call_only(self) -> bool:
        """Whether the tool can't be run here, so that only the call is judged."""
        offered = {spec.name for spec in self.specs}
        return not self.with_app_tools or any(each.tool in offered for each in self.wanted)


def cases(name: SetName = "heldout") -> list[Case]:
    """The requests of a set. Each made-up function is offered by itself, and among four."""
    found: list[Case] = []
    made_up: list[tuple[ToolSpec, str, str]] = []
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
            made_up.append((spec, ask, check))
        else:
            found.append(_case(kind, line))
    return found + _unseen(made_up)


def _case(kind: str, line: str) -> Case:
    asks, tools, check = (part.strip() for part in f"{line} ".split(" | ", 2))
    wanted: tuple[Wanted, ...] = ()
    if tools != "none":
        pairs = zip(tools.split(" ++ "), check.split(" ++ "), strict=True)
        wanted, check = tuple(Wanted(*pair) for pair in pairs), ""
    return Case(kind, tuple(asks.split(" ;; ")), wanted, check, EXTRA_TOOLS.get(kind, ()))


def _unseen(made_up: list[tuple[ToolSpec, str, str]]) -> list[Case]:
    every = list({spec.name: spec for spec, _, _ in made_up}.values())
    random = Random(1)
    alone, of_four, unfit = list[Case](), list[Case](), list[Case]()
    for spec, ask, check in made_up:
        if check == "none":
            unfit.append(Case("unseen, unfit", (ask,), specs=(spec,), with_app_tools=False))
            continue
        wanted = (Wanted(spec.name, check),)
        alone.append(Case("unseen alone", (ask,), wanted, specs=(spec,), with_app_tools=False))
        among = [spec, *random.sample([each for each in every if each != spec], DECOYS)]
        random.shuffle(among)
        of_four.append(
            Case("unseen of four", (ask,), wanted, specs=tuple(among), with_app_tools=False)
        )
    return [*alone, *of_four, *unfit]


def signature(line: str) -> ToolSpec:
    """Parse `name(a, b?: integer, c: x|y, d: [string]): description`."""
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
