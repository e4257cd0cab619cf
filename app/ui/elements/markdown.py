"""Prepares untrusted text for Streamlit: a model's Markdown, and plain text in HTML. Pure.

Streamlit escapes raw HTML in Markdown itself. Outside of code, `prepared` converts math in
`\\(…\\)` and `\\[…\\]` to `$…$`, escapes dollars that are money, and disables links with unsafe
schemes; everywhere it makes characters that change the text direction visible. All of this takes
time linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from urllib.parse import quote

from app.core.rendering.citations import MARK
from app.core.rendering.nesting import as_text, is_too_deep
from app.ui.elements.links import without_unsafe_links

# A code fence, also in a quotation or list.
_FENCE = re.compile(r"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<mark>`{3,}|~{3,})(?P<rest>.*)")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_TICKS_OR_EMPTY_LINE = re.compile(r"`++|\n[ \t]*+(?=\n)")
_INLINE_MATH = re.compile(r"(?<!\\)\\\(((?:[^\\\n]++|\n(?![ \t]*\n)|\\[^()])++)\\\)")
_DISPLAY_MATH = re.compile(r"(?<!\\)\\\[((?:[^\\]++|\\[^][])++)\\\]")
_MATH_ALONE = re.compile(r"^([ \t]*+)\\\[((?:[^\\]++|\\[^][])++)\\\][ \t]*+$", re.MULTILINE)
# Pandoc's rule for inline math: no space after the opening dollar and before the closing one, and
# no digit after it. `$$…$$` is display math.
_DOLLARS = re.compile(
    r"\\\$|\$\$.+?\$\$|\$(?=[^\s$])(?:\\.|[^$\\\n])*?(?<=[^\s\\])\$(?!\d)|\$", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


# Unicode's embeddings, overrides and isolates; then also the directional marks, which Arabic and
# Hebrew prose may need.
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_BIDI_AND_MARKS = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")

_IN_ADDRESSES = ":/?#[]@!$&'()*+,;=%-._~"  # RFC 3986


def drawable(text: str) -> str:
    """`text` with surrogates and control characters, which can't be sent to a browser, replaced."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", whole)


def shown(text: str) -> str:
    """`drawable` untrusted text, in which characters that change the text direction are visible."""
    return _BIDI.sub(_named_sign, drawable(text))


def shown_name(name: str) -> str:
    """A `drawable` untrusted name; directional marks are visible too, so that letters keep their
    order."""
    return _BIDI_AND_MARKS.sub(_named_sign, drawable(name))


def _named_sign(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found.group()):04X}⟩"


def escaped(text: str, limit: int = 300) -> str:
    """`text` on one line of at most `limit` characters, with Markdown's characters escaped."""
    line = shown_name(" ".join(text.split()))[:limit]
    return "".join(f"\\{c}" if c in r"\`*_{}[]()<>#+!|$:~" else c for c in line)


@dataclass(frozen=True)
class Mark:
    """A citation as it is drawn.

    Attributes:
        label: text of the link.
        anchor: id of the element that it leads to.
        trouble: what is wrong with the citation, in a few words; empty for a valid one.
    """

    label: str
    anchor: str
    trouble: str = ""


def prepared(text: str, marks: Sequence[Mark] = ()) -> str:
    """Untrusted Markdown, ready for `st.markdown`.

    Arguments:
        text: Markdown, with citations as placeholders (see `citations.MARK`).
        marks: the citations, by the numbers of the placeholders.
    """
    text = shown(text)
    if is_too_deep(text):
        return as_text(_in_code(text, marks))
    runs = groupby(_lines(text), key=lambda line: line[1])
    return "".join(
        _in_code(part, marks) if code else _prose(part, marks)
        for code, lines in runs
        for part in ["".join(line for line, _ in lines)]
    )


def split_blocks(text: str, size: int = 3000) -> list[str]:
    """Cut a long text into pieces of about `size` characters, at empty lines outside of code.

    Of a growing answer only the last piece has to be redrawn.
    """
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
    """The lines of `text`, and whether each belongs to a code block, which may still be open."""
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
    """Prepare text outside of code blocks, which may contain code spans.

    Links are disabled also in these, because a backtick may be escaped, and then the span is none.
    """
    text = without_unsafe_links(text)
    pieces: list[str] = []
    last_end = 0
    for start, end in _code_spans(text):
        pieces += [_linked(_math(text[last_end:start]), marks), _in_code(text[start:end], marks)]
        last_end = end
    return "".join([*pieces, _linked(_math(text[last_end:]), marks)])


def _linked(text: str, marks: Sequence[Mark]) -> str:
    def link(found: re.Match[str]) -> str:
        if int(found[1]) >= len(marks):
            return found.group()
        mark = marks[int(found[1])]
        warning = f" :orange-badge[{mark.trouble}]" if mark.trouble else ""
        # The word joiner keeps an exclamation mark before it from making an image of the link.
        return f"\u2060[{mark.label}](#{mark.anchor}){warning}"

    return MARK.sub(link, text) if marks else text


def _in_code(text: str, marks: Sequence[Mark]) -> str:
    def plain(found: re.Match[str]) -> str:
        index = int(found[1])
        return f"[{marks[index].label}]" if index < len(marks) else found.group()

    return MARK.sub(plain, text) if marks else text


def _code_spans(text: str) -> Iterator[tuple[int, int]]:
    """The spans of code: from some backticks to as many again, within one paragraph."""
    marks = list(_TICKS_OR_EMPTY_LINE.finditer(text))
    closing: list[int | None] = [None] * len(marks)
    next_of: dict[int, int] = {}  # by the number of backticks: index of the next such mark
    for index in range(len(marks) - 1, -1, -1):
        ticks = marks[index].group()
        if ticks[0] == "\n":
            next_of.clear()
        else:
            closing[index] = next_of.get(len(ticks))
            next_of[len(ticks)] = index
    index = 0
    while index < len(marks):
        end = closing[index]
        if end is not None:
            yield marks[index].start(), marks[end].end()
            index = end
        index += 1


def _math(text: str) -> str:
    # A formula is a block of its own only if its dollars are on lines of their own.
    text = _MATH_ALONE.sub(lambda m: f"{m[1]}$$\n{m[1]}{m[2].strip()}\n{m[1]}$$", text)
    text = _DISPLAY_MATH.sub(lambda m: f"$${m[1]}$$", text)
    text = _INLINE_MATH.sub(lambda m: f"${m[1].strip()}$", text)
    return _DOLLARS.sub(lambda m: m.group() if len(m.group()) > 1 else r"\$", text)


def words(text: str, limit: int = 2_000) -> str:
    """Untrusted text as HTML: escaped, and cut to `limit` characters."""
    return escape(shown(text)[:limit])


def link(text: str, url: str) -> str:
    """A link in HTML that opens in a new tab; the text alone if `url` is not http(s)."""
    if not url.lower().startswith(("http://", "https://")):
        return f"<span>{words(text)}</span>"
    address = escape(quote(drawable(url), safe=_IN_ADDRESSES))
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{words(text)}</a>'
