"""The words by which a text is found: whole, in the singular, and by how they begin; Chinese,
Japanese, Korean and Thai by pairs of characters."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise

from tools.citations import WIDE

CUTS = "\x1d\x1e"
"""Characters that stand among the terms as they do in the text, to tell its stretches apart."""

_DENSE = f"{WIDE}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_FIRST_DENSE = "\u0e00"
_IS_DENSE = re.compile(f"[{_DENSE}]")
_WORD = re.compile(f"[{_DENSE}]+|[^\\W_{_DENSE}]+|[{CUTS}]")
_BROKEN = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad][ \t]*\n[ \t]*(?=[^\W\d_])|\u00ad")
_ACCENT = re.compile("[\u0300-\u036f]")
_BEGINNING = 5  # letters that other forms of a longer word have in common with it
_ASKING = ("什么", "是什么", "为什么", "怎么样", "是多少", "有多少", "哪些", "哪个", "哪里", "如何",
           "是谁", "请问", "何时", "是否")  # fmt: skip


def terms(text: str) -> list[str]:
    """What a text is found by, in its order."""
    text = _BROKEN.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        if word[0] >= _FIRST_DENSE and _IS_DENSE.match(word):
            found += [word] if len(word) == 1 else map("".join, pairwise(word))
            continue
        if len(word) > 3 and word[-1] == "s" and word[-2] != "s":
            word = word[:-1]
        found.append(word)
        if len(word) > _BEGINNING and not word.isdigit():
            found.append(f"{word[:_BEGINNING]}~")
    return found


def asked(question: str) -> list[str]:
    """What a question looks for: all that says something, else everything; each once."""
    words = list(dict.fromkeys(terms(question)))
    return [word for word in words if word not in _empty()] or words


@cache
def _empty() -> frozenset[str]:
    """Words that every question has."""
    from bm25s.stopwords import STOPWORDS_EN_PLUS

    return frozenset(term for word in (*STOPWORDS_EN_PLUS, *_ASKING) for term in terms(word))
