"""What one person, and all people of one address, may use of an open server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from app.core.settings import Loaded


class LimitReached(Exception):
    """A limit is reached; the message is one sentence for the user: which, and when to return."""


@dataclass(frozen=True)
class Limits:
    """Each number is a maximum, 0 for none; see the settings `GLM_LIMIT_…`."""

    messages_minute: int = 0
    messages_day: int = 0
    tokens_day: int = 0
    running: int = 0
    conversations: int = 0
    kernels: int = 0
    stored_mb: int = 0

    def times(self, factor: int) -> Limits:
        """The limits multiplied by `factor`; 0 has none of them."""
        return Limits(**{each.name: getattr(self, each.name) * factor for each in fields(self)})

    @property
    def counted(self) -> bool:
        """Whether one of them is counted in the database."""
        return replace(self, messages_minute=0, running=0, kernels=0) != Limits()


@dataclass(frozen=True)
class LimitSet:
    """The limits of a person, those of an address, and how many conversations of an address may be
    open at a time, 0 for any number."""

    person: Limits = Limits()
    address: Limits = Limits()
    sessions: int = 0


def limits(loaded: Loaded, local: bool) -> LimitSet:
    """The limits that the settings make. On loopback, which is what `local` means, only those
    hold that somebody has set."""
    settings, sources = loaded.settings, loaded.sources

    def of(name: str) -> int:
        value: int = getattr(settings, f"limit_{name}")
        return 0 if local and sources.get(f"limit_{name}") == "default" else value

    person = Limits(**{each.name: of(each.name) for each in fields(Limits)})
    return LimitSet(person, person.times(settings.limit_address), of("sessions"))


LABELS: Mapping[str, str] = {
    "messages_minute": "Messages a minute",
    "messages_day": "Messages a day",
    "tokens_day": "Tokens a day",
    "running": "Answers at a time",
    "conversations": "Conversations",
    "kernels": "Python kernels at a time",
    "stored_mb": "Megabytes of files",
}
"""The limits' names in a table, in its order."""
