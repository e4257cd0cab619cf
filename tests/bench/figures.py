"""What a benchmark finds out, beside what the project aims at."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MARGIN = 2  # spaces between two columns


@dataclass(frozen=True)
class Figure:
    """One finding. `aim` is empty where it is only told, and `holds` None with it."""

    name: str
    value: str
    aim: str = ""
    holds: bool | None = None


def at_most(name: str, value: float, limit: float, unit: str, places: int = 2) -> Figure:
    """A figure that should not be above `limit`."""
    shown, aim = f"{value:.{places}f} {unit}", f"at most {limit:g} {unit}"
    return Figure(name, shown.strip(), aim.strip(), value <= limit)


def at_least(name: str, value: float, limit: float, unit: str, places: int = 2) -> Figure:
    """A figure that should not be below `limit`."""
    shown, aim = f"{value:.{places}f} {unit}", f"at least {limit:g} {unit}"
    return Figure(name, shown.strip(), aim.strip(), value >= limit)


def spread(values: Sequence[float], unit: str, places: int = 2) -> str:
    """Median, least and most of some runs."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{places}f} {unit} ({least:.{places}f} to {most:.{places}f})"


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned lines: name, value, aim, and whether it holds."""
    rows = [
        (
            figure.name,
            figure.value,
            figure.aim,
            "" if figure.holds is None else "holds" if figure.holds else "MISSED",
        )
        for figure in figures
    ]
    widths = [max(len(row[at]) for row in rows) + MARGIN for at in range(4)]
    lines = (
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join("  " + line.rstrip() for line in lines)
