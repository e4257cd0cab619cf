"""Whether the words of a citation stand in a text, and where.

Forgiven are blanks, line breaks and the hyphens at them, capitals, ligatures, full-width forms,
kinds of quotes and dashes, Markdown's marks, and what "..." leaves out; figures and words must be
the same and whole.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

NAMELESS = frozenset({"", "source", "sources", "page", "来源", "出处"})
"""What models write in place of words: nothing is claimed, so nothing can be missing."""

Span = tuple[int, int]
"""Where a stretch of a text begins and ends, in characters."""

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
"""Scripts that write without blanks, for a class of a pattern."""

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
_BROKEN = "\0"  # where a line's end may have cut a word in two
_WORD = re.compile(f"[^\\W{WIDE}]")
_LEFT_OUT = re.compile(r"\s*[\[(]?\.{3,}[\])]?\s*")
_EDGES = " .,;:!?\"'-\0"


class Source(Protocol):
    """What was read under a number. `url` is empty where it is no address of the web, `where` a
    line about it, and `text` what the model was given, as a person reads it."""

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
        """Whether the whole of it was read, and not only heard of."""


@dataclass(frozen=True)
class Citation:
    """A citation as it was checked.

    `source` is None where the number means nothing. `spans` are the stretches of its text that
    the words are; a citation without words is found, with none. `meant` is the source that the
    model named, where the words stand in another one.
    """

    found: bool
    source: Source | None = None
    spans: tuple[Span, ...] = ()
    meant: Source | None = None

    @property
    def line(self) -> int | None:
        """The line where the words begin, from 1."""
        if self.source is None or not self.spans:
            return None
        return self.source.text.count("\n", 0, self.spans[0][0]) + 1

    @property
    def passage(self) -> str:
        """The whole lines that hold the words."""
        if self.source is None or not self.spans:
            return ""
        text = self.source.text
        end = text.find("\n", self.spans[-1][1])
        return text[text.rfind("\n", 0, self.spans[0][0]) + 1 : end if end >= 0 else None]

    @property
    def trouble(self) -> str:
        """What a reader is warned of; empty where the words stand where the model says."""
        if self.source is None:
            return "no such source"
        if self.meant is not None:
            return f"stands in {self.source.title}"
        if self.found:
            return ""
        return "not found in the page" if self.source.read else "the page was not read"


class CitationSource(Protocol):
    """What knows the texts that were read, each under a number. Called from any thread."""

    def source(self, id: int) -> Source | None:
        """What was read under that number."""

    def cited(self, id: int, words: str) -> Citation:
        """Whether the words stand in what was read under that number, and where."""


def claimed(words: str) -> str:
    """What a citation's words claim; empty where they only name the source. A host behind a
    second dagger is no part of them."""
    words = words.split("†")[0]
    return "" if words.strip().lower() in NAMELESS else words


def comparable(text: str) -> str:
    """A text with all that a citation is forgiven taken out."""
    return _comparable(text)[0].replace(_BROKEN, "")


def find(text: str, words: str) -> tuple[Span, ...]:
    """Where the words stand, a stretch for each part between "..."; none where they do not."""
    # Lines that are quoted as one keep the marks that stood at their beginnings.
    return _find(text, words) or _find(text, _LINE_MARK.sub(" ", words))


def _find(text: str, words: str) -> tuple[Span, ...]:
    wanted = [part.strip(_EDGES) for part in _LEFT_OUT.split(_comparable(words)[0])]
    wanted = [part for part in wanted if part]
    kept, starts, ends = _comparable(text)
    spans: list[Span] = []
    at = 0
    for part in wanted:
        found = _whole(part, broken=_BROKEN in kept).search(kept, at)
        if found is None:
            return ()
        at = found.end()
        spans.append((starts[found.start()], ends[at - 1]))
    return tuple(spans)


@lru_cache(maxsize=8)
def _comparable(text: str) -> tuple[str, array[int], array[int]]:
    """The text as it is compared, and where each of its characters begins and ends in `text`."""
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
    """The text with blanks in place of bullets, rules, and the addresses of links."""
    text = _RULE.sub(lambda found: " " * len(found[0]), text)
    text = _BULLET.sub(lambda found: " " * len(found[0]), text)
    return _LINK.sub(lambda at: " " * len(at[1]) + at[2] + " " * len(at[3]), text)


def _apart(kept: list[str], form: str) -> bool:
    """Whether a blank counts here: between words, and behind a point or comma between figures."""
    if not _WORD.match(form):
        return False
    if kept[-1] in ".,":
        return form[0].isdigit() and len(kept) > 1 and kept[-2].isdigit()
    return _WORD.match(kept[-1]) is not None


def _whole(part: str, broken: bool) -> re.Pattern[str]:
    """The words where no letter or figure stands right beside them, but for scripts that write
    without blanks. Where the text has `broken` lines, each letter may be a line's last."""
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
