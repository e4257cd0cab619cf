"""Plain text on its way to a model or a page: cut to size, free of paths, ready for UTF-8."""

from __future__ import annotations

import re

_QUOTED = re.compile(
    r"""(?P<quote>['"])(?:[A-Za-z]:)?[/\\][^'"\n]*[/\\](?P<name>[^'"/\\\n]+)[/\\]?(?P=quote)"""
)
_UNIX = re.compile(r"""(?<![\w:/.<\\])(?:/[^\s/:'",()]+)+/(?P<name>[^\s/:'",()]+)/?""")
# Control characters, line separators, and what turns the reading direction round.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_BRACKETS = str.maketrans("【】", "〔〕")
_WINDOWS = re.compile(r"""(?<!\w)[A-Za-z]:\\(?:[^\s\\:'"]+\\)*(?P<name>[^\s\\:'"]+)\\?""")


def cut_middle(text: str, limit: int) -> str:
    """`text` in at most `limit` characters: its beginning, a note on the omitted length, its end.

    With a limit too small for the note, the result is the beginning alone.
    """
    if len(text) <= limit:
        return text
    # The note on the whole length is the longest one possible.
    available = limit - len(_note(len(text)))
    if available < 2:
        return text[: max(limit, 0)]
    head, tail = available - available // 2, available // 2
    return text[:head] + _note(len(text) - available) + text[-tail:]


def _note(missing: int) -> str:
    return f"\n[... {missing:,} characters left out ...]\n"


def one_line(text: str, limit: int = 300) -> str:
    """`text` on one line, at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def quotable(text: str) -> str:
    """Untrusted text that is safe to quote to a model.

    The brackets of citations ("【】") are replaced, and control characters, line separators and
    marks of the reading direction become spaces.
    """
    return _CONTROLS.sub(" ", text).translate(_BRACKETS)


def encodable(text: str) -> str:
    """`text` with each lone surrogate, which UTF-8 can't encode, replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # Two surrogates that form a pair are decoded to their character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def without_paths(text: str) -> str:
    """`text` with each absolute path of this machine reduced to the file's name.

    Web addresses stay as they are.
    """
    text = _QUOTED.sub(r"\g<quote>\g<name>\g<quote>", text)
    return _WINDOWS.sub(r"\g<name>", _UNIX.sub(r"\g<name>", text))
