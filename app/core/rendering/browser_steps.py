"""The step file of a browser call (`tools.browser.step_file`), parsed for the page.

The file is in the workspace, where the model's code can write, so it is validated as untrusted
input.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tools.text import one_line

MAX_STEP_BYTES = 2_000_000


class Found(BaseModel):
    """A result of a search."""

    id: int
    title: str = ""
    url: str = ""
    host: str = ""
    snippet: str = ""
    published: str | None = None


class Read(BaseModel):
    """A page that was read, or with `error` one that could not be read."""

    id: int
    title: str = ""
    url: str = ""
    host: str = ""
    status: int = 0
    first: int = 0
    last: int = 0
    lines: int = 0
    note: str = ""
    screenshot: str | None = None
    error: str = ""


class Step(BaseModel):
    """One call: a search with its results, or the pages that a call read or searched in."""

    model_config = ConfigDict(frozen=True)

    kind: str
    query: str = ""
    pattern: str = ""
    results: tuple[Found, ...] = Field(default=(), max_length=100)
    pages: tuple[Read, ...] = Field(default=(), max_length=100)
    notes: tuple[str, ...] = Field(default=(), max_length=20)

    @property
    def sentence(self) -> str:
        """The step in one line."""
        failed = sum(1 for page in self.pages if page.error)
        read = len(self.pages) - failed
        if self.kind == "search":
            # Imported late: the first page must not wait for the browser tool.
            from tools.browser.search.chain import FROM_HANDBOOK, NO_NETWORK

            if NO_NETWORK in self.notes or FROM_HANDBOOK in self.notes:
                return f"Could not search “{one_line(self.query, 80)}” · no network"
            return f"Searched “{one_line(self.query, 80)}” · {_count(len(self.results), 'result')}"
        if self.kind == "find":
            where = f" in {self.pages[0].host}" if len(self.pages) == 1 else ""
            return f"Looked for “{one_line(self.pattern, 80)}”{one_line(where, 80)}"
        if len(self.pages) == 1:
            page = self.pages[0]
            what = one_line(page.title or page.host, 80)
            return f"Could not read {page.host}" if page.error else f"Read {what}"
        tail = f" · {failed} failed" if failed else ""
        return f"Read {_count(read, 'page')}{tail}"


def read_step(data: bytes) -> Step | None:
    """The step in a file's bytes; None where they are invalid."""
    try:
        return _STEP.validate_json(data)
    except (ValidationError, RecursionError):
        return None


_STEP = TypeAdapter(Step)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
