"""Citations in an answer, 【3†exact words】: replaced by marks, numbered, and looked up.

Pure except for the lookup, which is an argument. A mark has private-use characters that are
replaced in the model's own text, so that a mark is unambiguous for the code that draws it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tools.citations import Citation, CitationSource, Source

MAX_QUOTE_CHARS = 2_000
"""The longest quotation in characters; longer text in such brackets is no citation."""

# A number, then the words; models also write the line numbers of the original: 【3†L5-L9】.
_CITATION = re.compile(
    rf"【\s*\[?(?P<id>\d{{1,6}})\]?\s*(?:†(?P<words>[^【】]{{0,{MAX_QUOTE_CHARS}}}))?】"
)
_BEGUN = re.compile(rf"【(?:\s*\[?\d{{0,6}}\]?\s*(?:†[^【】]{{0,{MAX_QUOTE_CHARS}}})?)?\Z")
_LINES = re.compile(r"\s*L\d+\s*([-–]\s*L?\d+)?\s*\Z")

MARK_OPENS, MARK_CLOSES = "\ue100", "\ue101"
MARK = re.compile(f"{MARK_OPENS}(\\d+){MARK_CLOSES}")
"""The number is the index in `Answer.citations`."""
_FORGED = re.compile(f"[{MARK_OPENS}{MARK_CLOSES}]")

CitationLookup = Callable[[int, str], "Citation"]
"""`CitationSource.cited`: looks up the quoted words in the source of that number."""


@dataclass(frozen=True)
class Cited:
    """One citation. `number` is its source's number in this answer, from 1 in the order of
    appearance; 0 for a source that does not exist."""

    number: int
    words: str
    citation: Citation

    @property
    def source(self) -> Source | None:
        return self.citation.source

    @property
    def label(self) -> str:
        """The number as text; a question mark without a source."""
        return str(self.number) if self.number else "?"

    @property
    def trouble(self) -> str:
        """A warning for the reader; empty where the source contains the quoted words."""
        return self.citation.trouble


@dataclass(frozen=True)
class Answer:
    """A text with marks, and the citations that they stand for."""

    text: str
    citations: tuple[Cited, ...] = ()


def numbered(
    text: str, look: CitationLookup, before: tuple[Cited, ...] = (), growing: bool = False
) -> Answer:
    """The text with a mark for each citation; equal citations have the same mark.

    `before` are the citations of the preceding texts of the answer: they keep their numbers, and
    come first in the result. While the text is `growing`, an incomplete citation at its end is
    left out.
    """
    found = list(before)
    indexes = {(_key(each.source), each.words): index for index, each in enumerate(found)}
    numbers = {_key(each.source): each.number for each in found if each.number}

    def mark(match: re.Match[str]) -> str:
        id = int(match["id"])
        words = _words(match["words"] or "")
        citation = look(id, words)
        if match["words"] is None and not citation.found:
            return match.group()  # 【1】 is also a list number in Chinese
        known = _key(citation.source)
        if (known, words) not in indexes:
            if citation.source is not None:
                numbers.setdefault(known, len(numbers) + 1)
            indexes[known, words] = len(found)
            found.append(Cited(numbers.get(known, 0), words, citation))
        return f"{MARK_OPENS}{indexes[known, words]}{MARK_CLOSES}"

    text = _FORGED.sub("\N{REPLACEMENT CHARACTER}", text)
    if growing:
        text = _BEGUN.sub("", text)
    return Answer(_CITATION.sub(mark, text), tuple(found))


def quoted(text: str) -> list[tuple[int, str]]:
    """The number and the quoted words of each citation in a text, once each."""
    found = ((int(m["id"]), _words(m["words"] or "")) for m in _CITATION.finditer(text))
    return list(dict.fromkeys(found))


def copied(texts: Sequence[str], look: CitationLookup | None) -> str:
    """An answer as plain text: source numbers in brackets, and the list of sources at its end."""
    answer = in_brackets(texts, look)
    sources = {each.number: each.source for each in answer.citations if each.source is not None}
    ends = [f"[{number}] {each.title} {each.url}".rstrip() for number, each in sources.items()]
    return "\n\n".join([answer.text, *(["\n".join(ends)] if ends else [])])


def in_brackets(texts: Sequence[str], look: CitationLookup | None) -> Answer:
    """An answer's texts as one, each citation replaced by its source's number in brackets."""
    if look is None:
        return Answer("\n\n".join(texts))
    citations: tuple[Cited, ...] = ()
    plain: list[str] = []
    for text in texts:
        answer = numbered(text, look, citations)
        citations = answer.citations
        plain.append(MARK.sub(partial(_label, citations), answer.text))
    return Answer("\n\n".join(plain), citations)


def _label(citations: Sequence[Cited], mark: re.Match[str]) -> str:
    return f"[{citations[int(mark[1])].label}]"


def highlighted(citation: Citation, around: int = 3) -> list[tuple[str, bool]]:
    """The source's text around the quotation, `around` lines before and after, in parts; True
    marks parts of the quotation. Empty where the words were not found."""
    if citation.source is None or not citation.spans:
        return []
    text = citation.source.text
    at, end = citation.spans[0][0], citation.spans[-1][1]
    at, end = text.rfind("\n", 0, at) + 1, _line_end(text, end)
    for _ in range(around):
        at, end = text.rfind("\n", 0, max(at - 1, 0)) + 1, _line_end(text, end + 1)
    pieces: list[tuple[str, bool]] = []
    for start, stop in citation.spans:
        pieces += [(text[at:start], False), (text[start:stop], True)]
        at = stop
    return [*pieces, (text[at:end], False)]


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return end if end >= 0 else len(text)


class CitationCache:
    """A `CitationLookup` with a cache, since pages are drawn many times a second. A citation that
    was found stays in the cache after its source has dropped the page.

    Several `sources` may use the same numbers: the first one with the quoted words counts, else
    the first one with the number.
    """

    def __init__(self, *sources: CitationSource) -> None:
        self._sources = sources
        self._known: dict[tuple[int, str], tuple[list[Source | None], Citation]] = {}

    def __call__(self, id: int, words: str) -> Citation:
        present = [each.source(id) for each in self._sources]
        earlier, citation = self._known.get((id, words), ([], None))
        if citation is None or not (citation.found or _same(earlier, present)):
            looked = [each.cited(id, words) for each in self._sources]
            known = (each for each in looked if each.source is not None)
            citation = next((each for each in looked if each.found), None)
            citation = citation or next(known, Citation(False))
            self._known[id, words] = present, citation
        return citation

    def remember(self, citations: Mapping[tuple[int, str], Citation]) -> None:
        """Takes over what was found at an earlier time, by number and words."""
        for key, citation in citations.items():
            self._known.setdefault(key, ([None] * len(self._sources), citation))


def _same(one: Sequence[Source | None], other: Sequence[Source | None]) -> bool:
    return len(one) == len(other) and all(map(operator.is_, one, other))


def _words(text: str) -> str:
    """The quoted words, without line numbers, and without a host after a second dagger."""
    words = " ".join(text.split("†")[0].split())
    return "" if _LINES.match(words) else words


def _key(source: Source | None) -> tuple[str, int]:
    """A key that identifies a source: web pages and documents may have the same numbers."""
    if source is None:
        return ("", -1)
    return getattr(source, "kind", "") or type(source).__name__, source.id
