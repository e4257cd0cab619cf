"""Random numbers, the same again for the same seed. Needs no network."""

import random
from typing import Annotated, Literal

from pydantic import Field

from tools import tool
from tools.base import ToolError


@tool
def random_numbers(
    low: Annotated[float, "smallest number"] = 1,
    high: Annotated[float, "largest number"] = 6,
    count: Annotated[int, "how many numbers", Field(ge=1, le=1000)] = 1,
    kind: Annotated[Literal["whole", "decimal"], "whole or decimal numbers"] = "whole",
    seed: Annotated[int | None, "same seed, same numbers"] = None,
) -> list[float]:
    """Draw random numbers, as dice do."""
    if low > high:
        raise ToolError(f"low ({low:g}) is larger than high ({high:g}).")
    source = random.Random(seed)
    if kind == "decimal":
        return [source.uniform(low, high) for _ in range(count)]
    if low % 1 != 0 or high % 1 != 0:
        raise ToolError("Whole numbers need whole limits; or set kind to decimal.")
    return [source.randint(int(low), int(high)) for _ in range(count)]
