"""Finds the words of a citation in the text of a source.

The comparison ignores white space, line breaks and hyphens at them, upper and lower case,
ligatures, full-width forms, kinds of quotes and dashes, Markdown markup, and what "..." leaves
out. Words and numbers must be the same, and complete.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

NAMELESS = frozenset({"", "source", "sources", "page", "来源", "出处"})
"""Placeholders that models write instead of a quotation; such a citation quotes nothing."""

Span = tuple[int, int]
"""Start and end of a part of a text, in characters."""

_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´", "'"),
        **dict.fromkeys('“”„‟″«»「」『』', '"'),
        **dict.fromkeys("‐‑‒–—―−－", "-"),
        **dict.fromkeys("*`\\\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
        **dict.fromkeys("_#|", " "),
        "…": "...",
        "〔": "[", "〕": "]", "【": "[", "】": "]",
    }
)  # fmt: skip
WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Scripts without spaces between words, as the content of a character class in a pattern."""

_BULLET = re.compile(r"^[ \t]*(?:>[ \t]*)*(?:[-*+•‣▪●○◦][ \t]+(?:\[[ xX]\][ \t]+)?)?", re.M)
_RULE = re.compile(r"^[ \t|]*+:?-{3,}+[-:| \t]*+$|~~|<br\s*/?>", re.M)
_LINE_MARK = re.compile(r"(?<!\S)(?:>+|[-*+•](?!\S))")
_LINK = re.compile(r"(!?\[)([^\[\]\n]*)(\]\([^()\n]*\))")
_COMBINING = "\u0300-\u036f\u1160-\u11ff\u20d0-\u20f0\u3099\u309a"
_PIECE = re.compile(
    rf"(?P<run>[A-Za-z0-9]+(?![{_COMBINING}]))|(?P<blank>\s+)"
    r"|(?P<broken>(?<=[^\W\d_])[-\u2010\u00ad][ \t]*\r?\n[ \t]*(?=[^\W\d_]))"
    rf"|(?P<other>[^{_COMBINING}][{_COMBINING}]*|.)",
    re.S,
)
_BROKEN = "\0"  # marks a line end that may have divided a word
_WORD = re.compile(f"[^\\W{WIDE}]")
_ELLIPSIS = re.compile(r"\s*[\[(]?\.{3,}[\])]?\s*")
_EDGES = " .,;:!?\"'-\0"


class Source(Protocol):
    """A numbered source of an answer.

    `url` is its web address, empty where it has none. `where` is one line on its location.
    `text` is the text that the model received, in a form for people.
    """

    @property
    def id(self) -> int: ...

    @property
    def title(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def where(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def read(self) -> bool:
        """Whether the model read the source itself, not only a search result about it."""


@dataclass(frozen=True)
class Citation:
    """The result of checking a citation.

    `source` is None where no source has the cited number. `spans` are the parts of the source's
    text that match the quoted words; a citation that quotes nothing is found, without spans.
    `meant` is the source that the model cited, set only where the words are in another source.
    """

    found: bool
    source: Source | None = None
    spans: tuple[Span, ...] = ()
    meant: Source | None = None

    @property
    def line(self) -> int | None:
        """Number of the line in which the quoted words begin, from 1; None without a match."""
        if self.source is None or not self.spans:
            return None
        return self.source.text.count("\n", 0, self.spans[0][0]) + 1

    @property
    def passage(self) -> str:
        """The complete lines that contain the quoted words; empty without a match."""
        if self.source is None or not self.spans:
            return ""
        text = self.source.text
        end = text.find("\n", self.spans[-1][1])
        return text[text.rfind("\n", 0, self.spans[0][0]) + 1 : end if end >= 0 else None]

    @property
    def trouble(self) -> str:
        """A warning for the reader; empty where the cited source contains the quoted words."""
        if self.source is None:
            return "no such source"
        if self.meant is not None:
            return f"stands in {self.source.title}"
        if self.found:
            return ""
        return "not found in the page" if self.source.read else "the page was not read"


class CitationSource(Protocol):
    """Looks up numbered sources and checks citations of them. Safe to call from any thread."""

    def source(self, id: int) -> Source | None:
        """The source with that number, or None."""

    def cited(self, id: int, words: str) -> Citation:
        """The result of looking for the quoted words in the source with that number."""


def claimed(words: str) -> str:
    """The words that a citation quotes; empty where it holds only a placeholder (`NAMELESS`).

    A host name after a second dagger ("†") is not part of the words.
    """
    words = words.split("†")[0]
    return "" if words.strip().lower() in NAMELESS else words


def comparable(text: str) -> str:
    """`text` without the differences that the comparison ignores (see the module)."""
    return _comparable(text)[0].replace(_BROKEN, "")


def find(text: str, words: str) -> tuple[Span, ...]:
    """The spans of the words in `text`, one for each part between "..."; empty without a match."""
    # A model that quotes several lines as one keeps the list or quote marks of each line.
    return _find(text, words) or _find(text, _LINE_MARK.sub(" ", words))


def _find(text: str, words: str) -> tuple[Span, ...]:
    wanted = [part.strip(_EDGES) for part in _ELLIPSIS.split(_comparable(words)[0])]
    wanted = [part for part in wanted if part]
    kept, starts, ends = _comparable(text)
    spans: list[Span] = []
    position = 0
    for part in wanted:
        found = _whole(part, broken=_BROKEN in kept).search(kept, position)
        if found is None:
            return ()
        position = found.end()
        spans.append((starts[found.start()], ends[position - 1]))
    return tuple(spans)


@lru_cache(maxsize=8)
def _comparable(text: str) -> tuple[str, array[int], array[int]]:
    """The normalized text, and start and end in `text` of each of its characters."""
    kept: list[str] = []
    starts, ends = array("l"), array("l")
    blank = before_point = False
    for piece in _PIECE.finditer(_without_markup(text)):
        start, end = piece.span()
        match piece.lastgroup:
            case "run":
                form = piece[0].lower()
            case "blank":
                blank = True
                continue
            case "broken":
                form = "" if piece[0][0] == "\u00ad" else _BROKEN
            case _:
                form = piece[0].translate(_SAME)
                form = unicodedata.normalize("NFKC", form).translate(_SAME).casefold()
        if form.strip() != form:
            blank, form = True, form.strip()
        if not form:
            continue
        if before_point and form[0].isdigit() and not blank:
            # "2 .5" are two figures; before any other point a blank does not count.
            kept.insert(-1, " ")
            starts.insert(-1, starts[-1])
            ends.insert(-1, starts[-1])
        elif blank and kept and _apart(kept, form):
            kept.append(" ")
            starts.append(start)
            ends.append(start)
        before_point = blank and form in (".", ",") and bool(kept) and kept[-1].isdigit()
        blank = False
        kept += form
        whole = piece.lastgroup != "run"
        starts.extend([start] * len(form) if whole else range(start, end))
        ends.extend([end] * len(form) if whole else range(start + 1, end + 1))
    return "".join(kept), starts, ends


def _without_markup(text: str) -> str:
    """`text` with bullets, rules and link addresses replaced by as many spaces."""
    text = _RULE.sub(lambda found: " " * len(found[0]), text)
    text = _BULLET.sub(lambda found: " " * len(found[0]), text)
    return _LINK.sub(lambda link: " " * len(link[1]) + link[2] + " " * len(link[3]), text)


def _apart(kept: list[str], form: str) -> bool:
    """Whether a space is significant: between words, and after "." or "," between digits."""
    if not _WORD.match(form):
        return False
    if kept[-1] in ".,":
        return form[0].isdigit() and len(kept) > 1 and kept[-2].isdigit()
    return _WORD.match(kept[-1]) is not None


def _whole(part: str, broken: bool) -> re.Pattern[str]:
    """A pattern for `part` between word boundaries, which scripts without spaces don't need.

    With `broken`, a line end may divide the text after each letter.
    """
    word = _WORD.pattern
    before = f"(?<!{word})" if re.match(word, part) else ""
    after = f"(?!{word})" if re.search(f"{word}$", part) else ""
    before += "(?<!\\d[.,])" if part[0].isdigit() else ""
    after += "(?![.,]\\d)" if part[-1].isdigit() else ""
    if not broken and _BROKEN not in part:
        return re.compile(before + re.escape(part) + after)
    forms = (
        f"[-{_BROKEN}]"
        if each == "-"
        else f"[-{_BROKEN}]?"
        if each == _BROKEN
        else f"{re.escape(each)}{_BROKEN}?"
        for each in part
    )
    body = "".join(forms).removesuffix(f"{_BROKEN}?")
    return re.compile(before + body + after)
