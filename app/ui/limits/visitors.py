"""The visitor and the address to which limits attribute a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

VisitorOf = Callable[[Scope], str | None]
"""Returns the visitor's name from the request's signed cookie, None without one."""
AddressOf = Callable[[Scope], str]
"""Returns the address that limits apply to, empty where none does."""


@dataclass(frozen=True)
class ClientIdentity:
    """Identifies the visitor and the address of a request."""

    visitor: VisitorOf
    address: AddressOf
