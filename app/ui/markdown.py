"""A model's Markdown as Streamlit draws it, pure.

Streamlit escapes raw HTML by itself. What is left to do, outside code alone: math written as
`\\(…\\)` and `\\[…\\]` becomes `$…$`, and a dollar that is money stays a dollar.
"""

from __future__ import annotations

import re

# Fenced blocks (open ones too, while a text streams in) and code spans.
_CODE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)?(?:[ ]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",
    re.DOTALL | re.MULTILINE,
)
_INLINE_MATH = re.compile(r"\\\((.+?)\\\)", re.DOTALL)
_DISPLAY_MATH = re.compile(r"\\\[(.+?)\\\]", re.DOTALL)
# Pandoc's rule: math opens before a character that is no space, closes after one, and no digit
# follows. `$$…$$` is display math.
_DOLLARS = re.compile(
    r"\\\$|\$\$.+?\$\$|\$(?=[^\s$])(?:\\.|[^$\\\n])*?(?<=[^\s\\])\$(?!\d)|\$", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def drawable(text: str) -> str:
    """`text` without what a browser can't be sent: halves of characters, control characters."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", whole)


def prepared(text: str) -> str:
    """`text` ready for `st.markdown`."""
    text = drawable(text)
    pieces: list[str] = []
    at = 0
    for code in _CODE.finditer(text):
        pieces += [_prose(text[at : code.start()]), code.group()]
        at = code.end()
    return "".join([*pieces, _prose(text[at:])])


def _prose(text: str) -> str:
    text = _DISPLAY_MATH.sub(lambda m: f"$${m[1]}$$", text)
    text = _INLINE_MATH.sub(lambda m: f"${m[1].strip()}$", text)
    return _DOLLARS.sub(lambda m: m.group() if len(m.group()) > 1 else r"\$", text)


def split_blocks(text: str, size: int = 3000) -> list[str]:
    """A long text in pieces of about `size` characters, cut at empty lines outside fences, so
    that only the last piece of a growing answer is drawn again."""
    pieces: list[str] = []
    current: list[str] = []
    length = 0
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = re.match(r"[ ]{0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif fence and line.strip().startswith(fence):
            fence = ""
        current.append(line)
        length += len(line)
        if length >= size and not fence and not line.strip():
            pieces.append("".join(current))
            current, length = [], 0
    return [*pieces, "".join(current)] if current or not pieces else pieces
