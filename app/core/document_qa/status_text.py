"""Texts about documents: the state of a file, page numbers, the pages that were read. Pure
functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from app.core.document_qa.answering.prompt import PromptForecast, ReadingMode
from app.core.document_qa.retrieval.numbered_pages import UNITS
from app.core.document_qa.store import Entry
from backends.messages import ContextUsed

MAX_REMARKS = 8


def noun(entry: Entry, count: int) -> str:
    """A number of pages, sheets or slides of that file."""
    word = UNITS.get(entry.reading.kind, "page") if entry.reading is not None else "page"
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def state_of(entry: Entry) -> str:
    """The state of the file's reading, in a few words."""
    match entry.state:
        case "waiting":
            return "waiting"
        case "reading" if entry.total:
            return f"{entry.done:,} of {entry.total:,}"
        case "reading":
            return f"{entry.done:,} pages so far" if entry.done else "reading"
        case "locked":
            return "needs a password"
        case "failed":
            return "can't be read"
        case "cancelled":
            return "stopped"
    count = len(entry.reading.pages) if entry.reading is not None else 0
    if entry.selected is not None:
        return f"{len(chosen(entry)):,} of {noun(entry, count)}"
    return noun(entry, count)


def chosen(entry: Entry) -> tuple[int, ...]:
    """The numbers of the selected pages; none until the file is read."""
    if entry.reading is None:
        return ()
    numbers = (page.number for page in entry.reading.pages)
    if entry.selected is None:
        return tuple(numbers)
    return tuple(n for n in numbers if any(a <= n <= b for a, b in entry.selected))


def unread(entry: Entry) -> tuple[str, ...]:
    """Remarks on the file's reading, such as pages that could not be read, at most `MAX_REMARKS`
    lines and a count of the rest; for an unread file its error."""
    if entry.reading is None:
        return (entry.error,) if entry.error else ()
    lines = [*entry.reading.remarks]
    recognised = [page.number for page in entry.reading.pages if page.ocr]
    if recognised:
        lines.append(f"Read from its picture (OCR): {where(recognised)}.")
    by_what: dict[str, list[int]] = {}
    for page in entry.reading.pages:
        for what in page.unreadable:
            by_what.setdefault(what, []).append(page.number)
    lines += [f"{where(numbers)}: {what}." for what, numbers in by_what.items()]
    more = len(lines) - MAX_REMARKS
    return (*lines[:MAX_REMARKS], *([f"And {more:,} more remarks."] if more > 0 else []))


def where(numbers: Sequence[int]) -> str:
    """Pages by their numbers: `page 4`, `pages 1-3, 7`."""
    return f"page{'' if len(numbers) == 1 else 's'} {ranges(numbers)}"


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as ranges, in the form that `store.ranges` reads: `1-3, 7`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def progress(entries: Sequence[Entry]) -> str:
    """The progress of the files that are being read; empty when there is none."""
    pending = [each for each in entries if each.pending]
    if not pending:
        return ""
    first = next((each for each in pending if each.state == "reading"), pending[0])
    more = f" and {len(pending) - 1} more" if len(pending) > 1 else ""
    begun = first.state == "reading" and (first.total or first.done)
    how = f": {state_of(first)}" if begun else ""
    return f"Reading {first.document.name}{more}{how}"


def pages_read(used: ContextUsed) -> str:
    """The pages that were read for an answer, in a line; empty where there were none."""
    if used.mode is None:
        return ""
    parts: list[str] = []
    for _, group in groupby(used.pages, key=lambda page: page.id - page.number):
        pages = list(group)
        one = pages[0]
        if len(pages) == one.total:
            which = f"all {one.total:,} {one.unit}s" if one.total > 1 else f"1 {one.unit}"
        else:
            unit = one.unit if len(pages) == 1 else f"{one.unit}s"
            which = f"{unit} {ranges(page.number for page in pages)}"
        parts.append(f"{one.document}, {which}")
    how = {"whole": "Read", "passages": "Passages read", "parts": "Read part by part"}[used.mode]
    how = "The whole did not fit; passages read" if used.refused else how
    return f"{how}: {'; '.join(parts)}" if parts else ""


def forecast_lines(forecast: PromptForecast, chosen_mode: ReadingMode) -> tuple[str, ...]:
    """The forecast in sentences: how full the window is, and what is done where it is too small.
    `chosen_mode` is the user's choice."""
    budget = forecast.budget
    about = "" if budget.exact else "about "
    window = (
        f"{budget.window:,} tokens" if forecast.known else f"{budget.window:,}, which is a guess"
    )
    if forecast.mode == "parts":
        times = f"up to {forecast.calls:,} calls" if forecast.calls > 1 else "one call"
        return (f"Everything is read for each question, in {times} of the model.",)
    if forecast.mode == "whole":
        used = f"{about}{budget.documents + budget.conversation + budget.answer:,} of {window}"
        most = f"That may be {about}{forecast.excess:,} too many."
        return (_capital(used), *([most] if forecast.excess else []))
    if forecast.excess and chosen_mode in ("auto", "whole"):
        long = f"The whole is {about}{forecast.excess:,} tokens too long for the window of {window}"
        return (f"{long}: passages are chosen for each question.",)
    return ("Passages are chosen for each question.",)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
