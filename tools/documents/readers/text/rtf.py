"""Rich Text Format, by striprtf, with marks in the source for what it leaves out.

striprtf drops headers, footnotes and text boxes, and renders the cells of a table like words with
bars between them. So characters of the private use area are put into the source as marks, and are
found in striprtf's text where those things stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from tools.documents.base import DocumentError, Options, ReaderEvent
from tools.documents.readers.layout.pagination import PAGE_END, Block, pages
from tools.documents.readers.layout.symbols import tidy
from tools.documents.readers.safe_zip import DAMAGED
from tools.documents.readers.tables.markdown import table

_START, _CELL, _ROW, _PAGE, _NOTE, _BOX, _HEAD, _END = map(chr, range(0xE001, 0xE009))
_LEVELS = "".join(map(chr, range(0xE010, 0xE019)))  # of headings
_MARKS = {"trowd": _START, "cell": _CELL, "row": _ROW, "page": _PAGE}

_BINARY = re.compile(rb"\\bin(\d+)[ ]?")
_GROUP = re.compile(r"\{[^{}]*\}")
_GONE = re.compile(r"\\(?:deleted|v)(?![a-z0-9])")
_WORD = re.compile(r"(?<!\\)\\(trowd|cell|row|page)(?![a-z])[ ]?")
_NESTED = re.compile(r"(?<!\\)\\nestcell(?![a-z])[ ]?")
_HEADING = re.compile(r"(?<!\\)\\outlinelevel([0-8])(?!\d)[ ]?")
_LIFTED = re.compile(
    r"\{\s*(?:\\\*\s*)?\\(pict|footnote|header[lrf]?|footer[lrf]?|shp|do)(?![a-z])[ ]?"
)
_BOXED = re.compile(r"\{\s*(?:\\\*\s*)?\\(?:shptxt|dptxbxtext)(?![a-z])[ ]?")
_BRACES = re.compile(r"\\.|[{}]", re.S)
_TOKENS = re.compile(f"([{_START}{_CELL}{_ROW}{_PAGE}])")
_MARKED_TEXT = re.compile(f"([{_NOTE}{_BOX}{_HEAD}])([^{_END}]*){_END}")
_BULLET = re.compile(r"^\s*[•·▪◦o§\uf0b7\uf0a7-]\t")
_NUMBER = re.compile(r"^\s*(\(?[0-9A-Za-z]{1,4}[.)])\t")

_to_text: Callable[..., str] = rtf_to_text  # striprtf has no type annotations


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    yield from pages(_blocks(path), options)


def _blocks(path: Path) -> Iterator[Block]:
    source = _without_binary(path.read_bytes()).decode("latin-1")
    pictures = len(re.findall(r"\\pict(?![a-z])", source)) - source.count("\\nonshppict")
    # striprtf's pattern for links is too slow on a long line. Links are renamed to a destination
    # that it drops, so that the pattern is not used.
    source = source.replace("\\fldinst", "\\datafield").replace("\\pntext", "\\listtext")
    source = _GROUP.sub(lambda found: "" if _GONE.search(found[0]) else found[0], source)
    source = _NESTED.sub("{, }", _lifted(source))
    source = _WORD.sub(lambda found: _code(_MARKS[found[1]]), source)
    source = _HEADING.sub(lambda found: _code(_LEVELS[int(found[1])]), source)
    try:
        text = tidy(_to_text(source, errors="replace"))
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise DocumentError(DAMAGED) from error
    yield from _with_notes(text)
    if pictures > 0:
        yield Block(unread=("picture",) * pictures)


def _with_notes(text: str) -> Iterator[Block]:
    notes: list[str] = []
    ahead: list[str] = []
    behind: list[str] = []
    heads: set[str] = set()

    def lift(found: re.Match[str]) -> str:
        inner = " ".join(_TOKENS.sub(" ", found[2]).split())
        if found[1] == _NOTE and inner:
            notes.append(inner)
            return f"[^{len(notes)}]"
        if found[1] == _HEAD and inner and inner not in heads:
            heads.add(inner)
            ahead.append(f"Header or footer: {inner}")
        elif found[1] == _BOX and inner:
            behind.append(inner)
        return ""

    notes_shown = 0
    for block in _structured(text):
        shown = _MARKED_TEXT.sub(lift, block.text).strip(f" \n{_END}")
        level = _LEVELS.find(shown[:1]) + 1 if shown else 0
        shown = re.sub(f"[{_LEVELS}]", "", shown).strip(" \n")
        shown = _NUMBER.sub(r"\1 ", _BULLET.sub("- ", shown))
        if level and shown:
            shown = f"{'#' * min(level, 6)} {' '.join(shown.split())}"
        found = tuple(f"[^{index + 1}]: {notes[index]}" for index in range(notes_shown, len(notes)))
        notes_shown = len(notes)
        yield from map(Block, ahead)
        yield Block(shown, shown.startswith("- "), found)
        yield from map(Block, behind)
        ahead.clear()
        behind.clear()


def _structured(text: str) -> Iterator[Block]:
    """Lines and tables; notes, headers and text boxes are still in them, between their marks."""
    # A note's own line ends and marks would tear its paragraph apart.
    text = _MARKED_TEXT.sub(lambda found: found[1] + _one_line(found[2]) + _END, text)
    tokens = _TOKENS.split(text)
    rows: list[list[str]] = []
    cells: list[str] = []
    buffer = ""
    inside = False
    for index, token in enumerate(tokens):
        match token:
            case mark if mark == _START:
                if not inside:
                    yield from _lines(buffer)
                    buffer, inside = "", True
            case mark if mark == _CELL:
                if not inside:  # a row without \trowd begins with its line
                    before, _, buffer = buffer.rpartition("\n")
                    yield from _lines(before)
                cells.append(_one_line(buffer))
                buffer, inside = "", True
            case mark if mark == _ROW:
                rows.append(cells)
                cells, buffer, inside = [], "", False
            case mark if mark == _PAGE:
                buffer += "" if inside else PAGE_END
            case _:
                buffer += token
                follows = tokens[index + 1] if index + 1 < len(tokens) else ""
                if rows and not inside and token.strip() and follows != _CELL:
                    yield from table(rows)
                    rows = []
    yield from table([*rows, cells] if cells else rows)
    yield from _lines(buffer)


def _lines(text: str) -> Iterator[Block]:
    parts = re.split(f"\n|({PAGE_END})", text)
    return (Block(part) for part in parts if part and part.strip(" "))


def _one_line(text: str) -> str:
    return " ".join(_TOKENS.sub(" ", text).split())


# The source


def _code(mark: str) -> str:
    return f"{{\\uc0\\u{ord(mark)} }}"


def _without_binary(data: bytes) -> bytes:
    kept, position = [], 0
    for found in _BINARY.finditer(data):
        if found.start() >= position:
            kept.append(data[position : found.start()])
            position = found.end() + int(found[1][:10])
    return b"".join([*kept, data[position:]])


def _lifted(source: str) -> str:
    """The source with footnotes, headers and text boxes as text between marks, without pictures."""
    parts: list[str] = []
    position = 0
    for found in _LIFTED.finditer(source):
        if found.start() < position:
            continue
        end = _closing(source, found.end())
        inner = source[found.end() : end]
        parts.append(source[position : found.start()])
        match found[1][:2]:
            case "fo" if found[1] == "footnote":
                parts.append(_marked(_NOTE, inner))
            case "he" | "fo":
                parts.append(_marked(_HEAD, inner))
            case "sh" | "do":
                for box in _BOXED.finditer(inner):
                    parts.append(_marked(_BOX, inner[box.end() : _closing(inner, box.end())]))
        position = end + 1
    return "".join([*parts, source[position:]])


def _marked(mark: str, inner: str) -> str:
    return f"{{{_code(mark)}{_lifted(inner)}{_code(_END)}}}"


def _closing(source: str, start: int) -> int:
    """The position of the brace that closes the group open at `start`."""
    depth = 1
    for found in _BRACES.finditer(source, start):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return found.start()
    return len(source)
