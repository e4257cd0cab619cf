"""Who is behind a connection, as far as limits go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

VisitorOf = Callable[[Scope], str | None]
"""Reads the visitor's name from a request's cookie; None where it has none of ours."""
AddressOf = Callable[[Scope], str]
"""The address that counts for limits; empty where none does."""


@dataclass(frozen=True)
class Who:
    """Reads from a request whom its limits are counted for."""

    visitor: VisitorOf
    address: AddressOf
