"""What hangs on the text of a Word file: footnotes, endnotes, comments in the margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.documents.readers.counting import roman


@dataclass(frozen=True)
class Comment:
    """What somebody wrote in the margin."""

    author: str
    text: str


@dataclass
class Notes:
    """The notes by the ids that the text refers to them with, and those that it has come by.

    `at_end` are the endnotes that were referred to, in their order.
    """

    footnotes: Mapping[str, str] = field(default_factory=dict)
    endnotes: Mapping[str, str] = field(default_factory=dict)
    comments: Mapping[str, Comment] = field(default_factory=dict)
    at_end: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)

    def taken(self) -> tuple[str, ...]:
        """What was referred to since the last call, for the end of the page."""
        waiting, self._waiting = tuple(self._waiting), []
        return waiting

    def footnote(self, reference: str) -> str:
        """The mark of a footnote in the text."""
        text = self.footnotes.get(reference)
        if text is None:
            return ""
        if reference not in self._numbers:
            self._numbers[reference] = len(self._numbers) + 1
            self._waiting.append(f"[^{self._numbers[reference]}]: {text}")
        return f"[^{self._numbers[reference]}]"

    def endnote(self, reference: str) -> str:
        """The mark of an endnote in the text."""
        text = self.endnotes.get(reference)
        if text is None:
            return ""
        mark = f"[^{roman(len(self.at_end) + 1)}]"
        self.at_end.append(f"{mark}: {text}")
        return mark

    def comment(self, reference: str, anchor: str) -> None:
        """Keeps a comment; `anchor` are the words it stands at, where they are known."""
        comment = self.comments.get(reference)
        if comment is not None:
            words = " ".join(anchor.split())
            on = f" on “{words}”" if words else ""
            by = f" by {comment.author}" if comment.author else ""
            self._waiting.append(f"Comment{by}{on}: {comment.text}")
