"""The tree of a conversation's messages: an edit or a retry begins a branch beside the old one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class MessageTree:
    """The parent of each message by id, None for a first one, in the order of writing."""

    parents: dict[str, str | None] = field(default_factory=dict)

    def add(self, ids: Iterable[str]) -> None:
        """Adds the messages of a path from its first one; those that are there stay."""
        before: str | None = None
        for each in ids:
            self.parents.setdefault(each, before)
            before = each

    def siblings(self, id: str) -> tuple[str, ...]:
        """The messages that part from the same one, this one included, in the order of writing;
        empty for an unknown message."""
        if id not in self.parents:
            return ()
        above = self.parents[id]
        return tuple(each for each, parent in self.parents.items() if parent == above)

    def leaf(self, id: str) -> str:
        """The end of the branch through a message that was written to last."""
        below = {id}
        last = id
        for each, parent in self.parents.items():  # a parent is written before its children
            if parent in below:
                below.add(each)
                last = each
        return last

    def path(self, id: str | None) -> tuple[str, ...]:
        """The messages from the first one to this one."""
        found: dict[str, None] = {}
        while id is not None and id in self.parents and id not in found:
            found[id] = None
            id = self.parents[id]
        return tuple(reversed(found))
