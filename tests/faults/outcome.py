"""What a fault is, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.stage import Stage

MAX_CELL_CHARACTERS = 420


@dataclass(frozen=True)
class Outcome:
    """What came of one fault. `seen` are words taken from the page or the answer, `kept` what was
    still there afterwards. `held` is None where the fault can't be made on this machine."""

    done: str
    seen: str
    kept: str
    held: bool | None


@dataclass(frozen=True)
class Fault:
    """One fault by its name on the command line. `quick` ones take seconds, share a server and a
    browser, and are part of `make test`."""

    name: str
    make: Callable[[Stage], Outcome]
    quick: bool = False


@dataclass(frozen=True)
class Row:
    """An outcome in the table. `seconds` is how long the fault took to make and to look at."""

    name: str
    outcome: Outcome
    seconds: float


def verdict(held: bool | None) -> str:
    """The last column's word."""
    return "could not be made here" if held is None else "held" if held else "NOT HELD"


def line(row: Row) -> str:
    """A row as indented lines for a terminal."""
    outcome = row.outcome
    return "\n".join(
        (
            f"{row.name}: {verdict(outcome.held)} ({row.seconds:.1f} s)",
            f"  done  {short(outcome.done)}",
            f"  seen  {short(outcome.seen)}",
            f"  kept  {short(outcome.kept)}",
        )
    )


def markdown(rows: Sequence[Row]) -> str:
    """All rows as a Markdown table."""
    head = ("fault", "what was done", "what the user saw", "what was kept", "result", "time")
    lines = [head, tuple("---" for _ in head)]
    for row in rows:
        outcome = row.outcome
        cells = (row.name, outcome.done, outcome.seen, outcome.kept)
        shown = tuple(_cell(cell) for cell in cells)
        lines.append((*shown, verdict(outcome.held), f"{row.seconds:.0f} s"))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def short(text: str) -> str:
    """`text` in one line, cut where it is long, with its invisible characters written out."""
    flat = " ".join(text.split())
    flat = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in flat)
    if len(flat) > MAX_CELL_CHARACTERS:
        flat = flat[: MAX_CELL_CHARACTERS - 1] + "…"
    return flat or "nothing"


def _cell(text: str) -> str:
    # The handbook's pages hold no HTML, not even an escaped tag.
    escaped = re.sub(r"([|*_`\[\]\\])", r"\\\1", short(text))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")
