"""Units of length, mass, volume, speed and temperature. Needs no network."""

from typing import Annotated

from tools import tool
from tools.base import ToolError

# Size of each unit in the kind's first unit; exact by definition, except where rounded.
KINDS = {
    "length": {
        "m": 1, "mm": 0.001, "cm": 0.01, "km": 1000, "inch": 0.0254, "foot": 0.3048,
        "yard": 0.9144, "mile": 1609.344, "nautical mile": 1852,
    },
    "mass": {
        "kg": 1, "mg": 1e-6, "g": 0.001, "tonne": 1000, "ounce": 0.028349523125,
        "pound": 0.45359237, "stone": 6.35029318,
    },
    "volume": {
        "l": 1, "ml": 0.001, "m3": 1000, "cup": 0.2365882365, "pint": 0.473176473,
        "gallon": 3.785411784,
    },
    "speed": {"m/s": 1, "km/h": 1 / 3.6, "mph": 0.44704, "knot": 1852 / 3600},
}  # fmt: skip

# Kelvin = (degrees + shift) * size
TEMPERATURES = {"k": (0.0, 1.0), "c": (273.15, 1.0), "f": (459.67, 5 / 9)}

ALIASES = {
    "meter": "m", "metre": "m", "millimeter": "mm", "millimetre": "mm", "centimeter": "cm",
    "centimetre": "cm", "kilometer": "km", "kilometre": "km", "in": "inch", "inches": "inch",
    "ft": "foot", "feet": "foot", "yd": "yard", "mi": "mile", "nmi": "nautical mile",
    "kilogram": "kg", "gram": "g", "milligram": "mg", "ton": "tonne", "t": "tonne",
    "oz": "ounce", "lb": "pound", "lbs": "pound", "st": "stone",
    "liter": "l", "litre": "l", "milliliter": "ml", "millilitre": "ml", "gal": "gallon",
    "kmh": "km/h", "kph": "km/h", "mps": "m/s", "kn": "knot",
    "celsius": "c", "fahrenheit": "f", "kelvin": "k", "°c": "c", "°f": "f",
}  # fmt: skip


@tool
def convert_units(
    amount: Annotated[float, "how much"],
    from_unit: Annotated[str, "unit of the amount, such as km, mile, kg, pound, C"],
    to_unit: Annotated[str, "unit wanted, such as m, foot, g, ounce, F"],
) -> str:
    """Convert an amount from one unit to another: length, mass, volume, speed, temperature."""
    source, target = known(from_unit), known(to_unit)
    if source in TEMPERATURES and target in TEMPERATURES:
        shift, size = TEMPERATURES[source]
        kelvin = (amount + shift) * size
        if kelvin < 0:
            raise ToolError(f"{amount:g} {from_unit} is below absolute zero.")
        shift, size = TEMPERATURES[target]
        return f"{amount:g} {source.upper()} = {kelvin / size - shift:.6g} {target.upper()}"
    for units in KINDS.values():
        if source in units and target in units:
            return f"{amount:g} {source} = {amount * units[source] / units[target]:.6g} {target}"
    raise ToolError(f"{from_unit} and {to_unit} don't measure the same thing.")


def known(unit: str) -> str:
    """The unit's name in the tables. Raises ToolError for an unknown unit."""
    name = unit.strip().lower()
    all_units = [*TEMPERATURES, *(each for units in KINDS.values() for each in units)]
    for guess in (name, name.removesuffix("s"), name.removeprefix("degrees ")):
        if (guess := ALIASES.get(guess, guess)) in all_units:
            return guess
    raise ToolError(f"The unit {unit} is not known. Known units: {', '.join(all_units)}.")
