"""Citations in an answer, 【3†exact words】: taken out of its text, numbered, and looked up.

Pure but for the look-up, which is given. In the text that is left each citation is a mark that
no model can write, so that what draws it can tell it from all else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from app.core.marks import MARK, MARK_CLOSES, MARK_OPENS

if TYPE_CHECKING:
    from tools.browser.citations import Citation
    from tools.browser.shelf import Source

LONGEST = 2_000
"""Characters of a citation; what is longer is text that happens to hold a bracket."""

# A number, then the words; models also write the line numbers of the original: 【3†L5-L9】.
_CITATION = re.compile(rf"【\s*\[?(?P<id>\d{{1,6}})\]?\s*(?:†(?P<words>[^【】]{{0,{LONGEST}}}))?】")
_BEGUN = re.compile(rf"【(?:\s*\[?\d{{0,6}}\]?\s*(?:†[^【】]{{0,{LONGEST}}})?)?\Z")
_LINES = re.compile(r"\s*L\d+\s*([-–]\s*L?\d+)?\s*\Z")
_FORGED = re.compile(f"[{MARK_OPENS}{MARK_CLOSES}]")

Look = Callable[[int, str], "Citation"]
"""`BrowserTool.cited`: whether the words stand in what was read under that number."""


@dataclass(frozen=True)
class Cited:
    """One citation. `number` is its source's in this answer, from 1 in the order of appearance;
    0 where the model named a source that doesn't exist."""

    number: int
    words: str
    citation: Citation

    @property
    def source(self) -> Source | None:
        return self.citation.source

    @property
    def label(self) -> str:
        """The number as it is shown."""
        return str(self.number) if self.number else "?"

    @property
    def trouble(self) -> str:
        """What a reader is warned of, in words; empty where the words stand in what was read."""
        if self.source is None:
            return "no such source"
        if self.source.page is None and not self.citation.found:
            return "the page was not read"
        return "" if self.citation.found else "not found in the page"


@dataclass(frozen=True)
class Answer:
    """A text with marks, and what they stand for."""

    text: str
    citations: tuple[Cited, ...] = ()


def numbered(
    text: str, look: Look, before: tuple[Cited, ...] = (), growing: bool = False
) -> Answer:
    """The text with a mark for each citation; the same citation has the same mark.

    `before` are the citations of what this text goes on from: theirs are kept, and come first in
    what is returned. While a text is `growing`, an unfinished citation at its end is held back.
    """
    found = list(before)
    places = {(_id(each), each.words): at for at, each in enumerate(found)}
    numbers = {_id(each): each.number for each in found if each.number}

    def mark(match: re.Match[str]) -> str:
        id = int(match["id"])
        words = _words(match["words"] or "")
        citation = look(id, words)
        if match["words"] is None and not citation.found:
            return match.group()  # 【1】 is a way to count in Chinese, too
        known = id if citation.source is not None else -1
        if (known, words) not in places:
            if known >= 0:
                numbers.setdefault(known, len(numbers) + 1)
            places[known, words] = len(found)
            found.append(Cited(numbers.get(known, 0), words, citation))
        return f"{MARK_OPENS}{places[known, words]}{MARK_CLOSES}"

    text = _FORGED.sub("\N{REPLACEMENT CHARACTER}", text)
    if growing:
        text = _BEGUN.sub("", text)
    return Answer(_CITATION.sub(mark, text), tuple(found))


def copied(texts: Sequence[str], look: Look | None) -> str:
    """An answer as it may be taken along: numbers in brackets, and the sources at its end."""
    if look is None:
        return "\n\n".join(texts)
    citations: tuple[Cited, ...] = ()
    plain: list[str] = []
    for text in texts:
        answer = numbered(text, look, citations)
        citations = answer.citations
        plain.append(MARK.sub(partial(_label, citations), answer.text))
    sources = {each.number: each.source for each in citations if each.source is not None}
    ends = [f"[{number}] {each.title} {each.url}" for number, each in sources.items()]
    return "\n\n".join([*plain, *(["\n".join(ends)] if ends else [])])


def _label(citations: Sequence[Cited], mark: re.Match[str]) -> str:
    return f"[{citations[int(mark[1])].label}]"


def highlighted(citation: Citation, words: str, around: int = 3) -> list[tuple[str, bool]]:
    """The kept text around the passage, in stretches; True for those that are the quotation.

    Empty where the words were not found. The whole lines are marked where the words stand there
    in another form, with other marks between them.
    """
    if citation.source is None or not citation.found or citation.line is None:
        return []
    lines = citation.source.lines
    first = citation.line - 1
    last = first + citation.passage.count("\n")
    before = "".join(f"{line}\n" for line in lines[max(0, first - around) : first])
    after = "".join(f"\n{line}" for line in lines[last + 1 : last + 1 + around])
    return [(before, False), *_marked(citation.passage, words), (after, False)]


def _marked(passage: str, words: str) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    at = 0
    for part in re.split(r"\.{3}|…", words):
        tokens = re.findall(r"\w+", part)
        if not tokens:
            continue
        found = re.compile(r"[\W_]+".join(map(re.escape, tokens)), re.I).search(passage, at)
        if found is None:
            return [(passage, True)]
        pieces += [(passage[at : found.start()], False), (found.group(), True)]
        at = found.end()
    return [*pieces, (passage[at:], False)] if pieces else [(passage, True)]


class Reads(Protocol):
    """What knows what was read; `BrowserTool` is one."""

    def cited(self, id: int, words: str) -> Citation: ...

    def sources(self) -> tuple[Source, ...]: ...


class Remembering:
    """A `Look` that asks for the same words once: pages are drawn many times a second. What was
    found stays found, when its page had to give way too."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._known: dict[tuple[int, str], tuple[Source | None, Citation]] = {}

    def __call__(self, id: int, words: str) -> Citation:
        sources = self._reads.sources()
        source = sources[id] if id < len(sources) else None
        asked, citation = self._known.get((id, words), (None, None))
        if citation is None or not (citation.found or asked is source):
            citation = self._reads.cited(id, words)
            self._known[id, words] = source, citation
        return citation


def _words(text: str) -> str:
    """What is quoted; line numbers, and a host behind a second dagger, quote nothing."""
    words = " ".join(text.split("†")[0].split())
    return "" if _LINES.match(words) else words


def _id(each: Cited) -> int:
    return each.source.id if each.source is not None else -1
