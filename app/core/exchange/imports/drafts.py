"""A conversation as it was found in a file, and its check: what is kept of it has new ids, stands
in order, and forms a tree."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.history.message_json import Roots
from app.core.modes import Mode
from backends.messages import Document, Message, Picture
from tools.text import encodable

MAX_MESSAGES = 20_000
"""Messages of one conversation: ten times what a page opens within a second."""
MAX_CONVERSATIONS = 20_000
MAX_TITLE_CHARS = 200

FOLDERS: Roots = {"workspace": Path("/import/workspace"), "pictures": Path("/import/pictures")}
"""Where the messages of an import say that their files are; `to_json` takes it out again."""


class BadImport(ValueError):
    """A file, or a conversation in it, can't be taken over; the message is one sentence."""


@dataclass(frozen=True)
class Node:
    """A message by the id that it has in the file. One without a `message` is left out, and what
    follows it hangs on what stands before it."""

    id: str
    parent: str | None
    message: Message | None
    created: float = 0.0
    citations: str = "[]"


@dataclass(frozen=True)
class KeptFile:
    """A file of a conversation: its root and path there, and the blob with its content."""

    root: str
    path: str
    digest: str
    size: int


@dataclass
class Draft:
    """A conversation as it was found. Times are seconds since 1970, 0 for an unknown one; `head`
    is the last message of the branch that is shown."""

    nodes: list[Node] = field(default_factory=list)
    mode: Mode | None = None
    title: str = ""
    pinned: bool = False
    created: float = 0.0
    updated: float = 0.0
    head: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: list[KeptFile] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The conversation's title for a sentence."""
        line = one_line(self.title)
        return f"“{line[:60]}”" if line else "A conversation without a title"

    def check_size(self, count: int) -> None:
        """Raises `BadImport` for more messages than one conversation can have."""
        if count > MAX_MESSAGES:
            raise BadImport(
                f"{self.name} has {count:,} messages; {MAX_MESSAGES:,} can be imported."
            )


@dataclass(frozen=True)
class Placed:
    """A message with its new id, after its parent."""

    id: str
    parent: str | None
    message: Message
    created: float
    citations: str


def placed(draft: Draft) -> tuple[list[Placed], str | None]:
    """The messages in an order in which each follows its parent, with new ids, and the new id of
    the head. A parent that is not there is none; a result without its call is left out, for no
    model takes one. Raises `BadImport`."""
    draft.check_size(len(draft.nodes))
    first = {node.id: at for at, node in reversed([*enumerate(draft.nodes)])}
    above = [first.get(node.parent) if node.parent is not None else None for node in draft.nodes]
    new: dict[int, str | None] = {}  # for a node that is left out, the id of what is before it
    result: list[Placed] = []
    kept: dict[str, Placed] = {}
    for at in _parents_first(above, draft.name):
        node = draft.nodes[at]
        over = above[at]
        parent = new[over] if over is not None else None
        if node.message is None or not _fits(node.message, parent, kept):
            new[at] = parent
            continue
        new[at] = id = secrets.token_hex(16)
        kept[id] = Placed(id, parent, node.message, node.created, node.citations)
        result.append(kept[id])
    if not result:
        raise BadImport(f"{draft.name} has no messages.")
    head = new.get(first[draft.head]) if draft.head in first else None
    return result, head or result[-1].id


def _fits(message: Message, parent: str | None, kept: Mapping[str, Placed]) -> bool:
    """Whether a message can stand there: a result only after the answer with its call."""
    if message.role != "tool":
        return message.role in ("user", "assistant")
    above = kept[parent] if parent is not None else None
    while above is not None and above.message.role == "tool":
        above = kept[above.parent] if above.parent is not None else None
    calls = above.message.calls if above is not None else ()
    return message.result is not None and any(c.id == message.result.call_id for c in calls)


def _parents_first(above: Sequence[int | None], name: str) -> Iterator[int]:
    """Raises `BadImport` for a circle."""
    done = [False] * len(above)
    for start in range(len(above)):
        way: list[int] = []
        seen: set[int] = set()
        at: int | None = start
        while at is not None and not done[at]:
            if at in seen:
                raise BadImport(f"{name} was left out: its messages form a circle.")
            seen.add(at)
            way.append(at)
            at = above[at]
        for each in reversed(way):
            done[each] = True
            yield each


def mode_of(messages: Sequence[Message]) -> Mode:
    """The mode that a conversation from elsewhere fits in."""
    parts = [type(part) for message in messages for part in message.parts]
    if Document in parts or any(message.calls for message in messages):
        return "tools"
    return "vision" if Picture in parts else "chat"


# -- values that may be anything -----------------------------------------------------------------


def an_object(value: object) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def a_list(value: object) -> Sequence[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def a_text(value: object) -> str:
    """The value where it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def a_time(value: object) -> float:
    """Seconds since 1970, 0 for what can't be one: a clock may be wrong by a day, not more."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        seconds = float(value)
    except OverflowError:
        return 0.0
    return seconds if math.isfinite(seconds) and 0 < seconds < time.time() + 86_400 else 0.0


def one_line(text: str) -> str:
    """A title of a stranger's on one line."""
    words = encodable(text[: 10 * MAX_TITLE_CHARS]).replace("\0", "").split()
    return " ".join(words)[:MAX_TITLE_CHARS]
