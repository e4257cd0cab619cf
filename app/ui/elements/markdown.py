"""A model's Markdown as Streamlit draws it, pure.

Streamlit escapes raw HTML by itself. What is left to do, outside code alone: math written as
`\\(…\\)` and `\\[…\\]` becomes `$…$`, a dollar that is money stays a dollar, and links that are
none of the web's are text. Signs that turn the direction of what follows are shown. All of it takes
time linear in the text's length, whatever a model writes.

Text of strangers as HTML is words alone: nothing in it is read as anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from urllib.parse import quote

from app.core.rendering.citations import MARK
from app.ui.elements.links import without_traps
from app.ui.elements.nesting import as_text, is_too_deep

# A fence, which may stand in a quotation or a list.
_FENCE = re.compile(r"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<mark>`{3,}|~{3,})(?P<rest>.*)")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_TICKS_OR_EMPTY_LINE = re.compile(r"`++|\n[ \t]*+(?=\n)")
_INLINE_MATH = re.compile(r"(?<!\\)\\\(((?:[^\\\n]++|\n(?![ \t]*\n)|\\[^()])++)\\\)")
_DISPLAY_MATH = re.compile(r"(?<!\\)\\\[((?:[^\\]++|\\[^][])++)\\\]")
_MATH_ALONE = re.compile(r"^([ \t]*+)\\\[((?:[^\\]++|\\[^][])++)\\\][ \t]*+$", re.MULTILINE)
# Pandoc's rule: math opens before a character that is no space, closes after one, and no digit
# follows. `$$…$$` is display math.
_DOLLARS = re.compile(
    r"\\\$|\$\$.+?\$\$|\$(?=[^\s$])(?:\\.|[^$\\\n])*?(?<=[^\s\\])\$(?!\d)|\$", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


# Embeddings, overrides and isolates; then the marks that turn only what stands beside them, which
# Arabic and Hebrew prose may need.
_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_ALL_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")

_IN_ADDRESSES = ":/?#[]@!$&'()*+,;=%-._~"  # RFC 3986


def drawable(text: str) -> str:
    """`text` without what a browser can't be sent: halves of characters, control characters."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", whole)


def shown(text: str) -> str:
    """`drawable` text of a stranger's; what would turn the direction of other words is named."""
    return _TURNS.sub(_named_sign, drawable(text))


def shown_name(name: str) -> str:
    """A `drawable` name, in which no sign changes the order of its letters."""
    return _ALL_TURNS.sub(_named_sign, drawable(name))


def _named_sign(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found.group()):04X}⟩"


def escaped(text: str, limit: int = 300) -> str:
    """One line of text with nothing in it that Markdown would read."""
    line = shown_name(" ".join(text.split()))[:limit]
    return "".join(f"\\{c}" if c in r"\`*_{}[]()<>#+!|$:~" else c for c in line)


@dataclass(frozen=True)
class Mark:
    """A citation as it is drawn: its label, a link's place on this page, and what is wrong."""

    label: str
    anchor: str
    trouble: str = ""


def prepared(text: str, marks: Sequence[Mark] = ()) -> str:
    """`text` ready for `st.markdown`; `marks` are those that stand in it by their places."""
    text = shown(text)
    if is_too_deep(text):
        return as_text(_in_code(text, marks))
    stretches = groupby(_lines(text), key=lambda line: line[1])
    return "".join(
        _in_code(part, marks) if code else _prose(part, marks)
        for code, lines in stretches
        for part in ["".join(line for line, _ in lines)]
    )


def split_blocks(text: str, size: int = 3000) -> list[str]:
    """A long text in pieces of about `size` characters, cut at empty lines outside fences, so
    that only the last piece of a growing answer is drawn again."""
    pieces: list[str] = []
    current: list[str] = []
    length = 0
    for line, code in _lines(text):
        current.append(line)
        length += len(line)
        if length >= size and not code and not line.strip():
            pieces.append("".join(current))
            current, length = [], 0
    return [*pieces, "".join(current)] if current or not pieces else pieces


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines, and whether each belongs to a fenced block, which may still be open."""
    mark = ""
    for line in _LINES.findall(text):
        fence = _FENCE.match(line)
        if mark:
            yield line, True
            if fence and fence["mark"].startswith(mark) and not fence["rest"].strip():
                mark = ""
        elif fence and not (fence["mark"][0] == "`" and "`" in fence["rest"]):
            yield line, True
            mark = fence["mark"]
        else:
            yield line, False


def _prose(text: str, marks: Sequence[Mark]) -> str:
    """Text without fenced blocks, where code spans may be. What they are is not taken for granted
    where links are: a tick may be an escaped one."""
    text = without_traps(text)
    pieces: list[str] = []
    at = 0
    for start, end in _code_spans(text):
        pieces += [_linked(_math(text[at:start]), marks), _in_code(text[start:end], marks)]
        at = end
    return "".join([*pieces, _linked(_math(text[at:]), marks)])


def _linked(text: str, marks: Sequence[Mark]) -> str:
    def link(found: re.Match[str]) -> str:
        if int(found[1]) >= len(marks):
            return found.group()
        mark = marks[int(found[1])]
        warning = f" :orange-badge[{mark.trouble}]" if mark.trouble else ""
        # A word joiner: after an exclamation mark this would be a picture.
        return f"\u2060[{mark.label}](#{mark.anchor}){warning}"

    return MARK.sub(link, text) if marks else text


def _in_code(text: str, marks: Sequence[Mark]) -> str:
    def plain(found: re.Match[str]) -> str:
        at = int(found[1])
        return f"[{marks[at].label}]" if at < len(marks) else found.group()

    return MARK.sub(plain, text) if marks else text


def _code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where code spans stand: between ticks and as many ticks again, in one paragraph."""
    marks = list(_TICKS_OR_EMPTY_LINE.finditer(text))
    closing: list[int | None] = [None] * len(marks)
    next_of: dict[int, int] = {}  # the next mark of so many ticks
    for at in range(len(marks) - 1, -1, -1):
        ticks = marks[at].group()
        if ticks[0] == "\n":
            next_of.clear()
        else:
            closing[at] = next_of.get(len(ticks))
            next_of[len(ticks)] = at
    at = 0
    while at < len(marks):
        end = closing[at]
        if end is not None:
            yield marks[at].start(), marks[end].end()
            at = end
        at += 1


def _math(text: str) -> str:
    # Only dollars on lines of their own make a formula that stands by itself.
    text = _MATH_ALONE.sub(lambda m: f"{m[1]}$$\n{m[1]}{m[2].strip()}\n{m[1]}$$", text)
    text = _DISPLAY_MATH.sub(lambda m: f"$${m[1]}$$", text)
    text = _INLINE_MATH.sub(lambda m: f"${m[1].strip()}$", text)
    return _DOLLARS.sub(lambda m: m.group() if len(m.group()) > 1 else r"\$", text)


def words(text: str, limit: int = 2_000) -> str:
    """Text with nothing in it that HTML would read."""
    return escape(shown(text)[:limit])


def link(text: str, url: str) -> str:
    """A link out of the app where the address is one of the web's, else the words alone."""
    if not url.lower().startswith(("http://", "https://")):
        return f"<span>{words(text)}</span>"
    address = escape(quote(drawable(url), safe=_IN_ADDRESSES))
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{words(text)}</a>'
