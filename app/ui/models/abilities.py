"""What a model can do, in one line."""

from __future__ import annotations

from app.core.models.endpoints import Abilities
from app.core.models.host import ModelHost
from app.core.models.offers import DEFAULT, Offer

NAMES = {
    "answers": "answers",
    "tools": "calls tools",
    "pictures": "sees pictures",
    "thinking": "thinks apart",
    "switch": "thinking on and off",
}


def abilities_line(offer: Offer, host: ModelHost | None, window: bool = True) -> str:
    """What was measured of a model on a server, what is known of one that runs here; empty where
    nothing is known. With `window`, its context window too."""
    context = ""
    backend = host.backend if host is not None else None
    if window and backend is not None and backend.capabilities.context:
        context = f"window {backend.capabilities.context:,} tokens"
    if offer.kind == "server":
        # Only servers that were connected in the page can be tested.
        parts = [context, "" if offer.id == DEFAULT else tried(offer.abilities)]
    elif backend is not None:
        able = backend.capabilities
        sees = able.images != "none"
        parts = [
            context,
            *(_mark(name, on) for name, on in (("tools", able.tools), ("pictures", sees))),
        ]
    else:
        parts = []
    return " · ".join(part for part in parts if part)


def tried(abilities: Abilities) -> str:
    """What a trial found, each ability with its sign."""
    found = {name: value for name, value in vars(abilities).items() if value is not None}
    if not found:
        return "not tried yet"
    unknown = [NAMES[name] for name in NAMES if name not in found]
    marks = [_mark(name, value) for name, value in found.items()]
    return " · ".join([*marks, *(f":gray[:material/help: {name}]" for name in unknown)])


def _mark(name: str, holds: bool) -> str:
    if holds:
        return f":green[:material/check: {NAMES[name]}]"
    return f":gray[:material/close: {NAMES[name]}]"
