"""Origins of web pages: scheme, host and port, as browsers write them (RFC 6454)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_.~-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{0,5}))?",
    re.IGNORECASE | re.ASCII,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Origin:
    """The origin of a page. Browsers trust pages of the same origin with each other's data."""

    scheme: str
    host: str
    port: int


def origin(text: str) -> Origin | None:
    """The origin in `text`, such as `https://glm.example.org`; None for other text, such as `null`,
    which browsers send for pages without an origin."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return None
    scheme = found["scheme"].lower()
    return Origin(scheme, found["host"].lower(), int(found["port"] or _DEFAULT_PORTS[scheme]))


def origins(text: str) -> frozenset[Origin]:
    """The origins in a comma-separated list. Raises `ValueError` for any other entry."""
    parts = [part.strip().removesuffix("/") for part in text.split(",") if part.strip()]
    found = [origin(part) for part in parts]
    if None in found:
        raise ValueError("not an origin")
    return frozenset(each for each in found if each is not None)


def list_of_origins(text: str) -> str:
    """`text`, if it is a valid list of origins. Raises `PydanticCustomError` for other text."""
    try:
        origins(text)
    except ValueError:
        wanted = "origins such as https://glm.example.org, with commas between"
        raise PydanticCustomError("origins", f"Input should be {wanted}") from None
    return text
