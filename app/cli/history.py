"""`glm history`: the conversations of this folder's database, from a terminal.

Whoever can read the folder owns what is in it, so all people's conversations are there; `--person`
narrows them. A running server may use the same database meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, get_args

# The rest is imported where it is needed: --help need not wait for it.
if TYPE_CHECKING:
    from app.core.exchange.exporting import Wanted
    from app.core.history.history import History
    from app.core.history.stored import Entry
    from app.core.modes import Mode

OK, FAILED = 0, 1
FORMATS = ("markdown", "html", "ipynb", "json", "zip")
"""Those of `app.core.exchange.exporting.Format`."""
TERMINAL = "terminal:"
"""Whose the terminal's conversations are; no cookie's token and no account has this name."""
ABOUT = (
    "The conversations in the data folder (GLM_DATA, GLM_DATABASE), of all people who used it: "
    "the pages' visitors and this terminal. Ids and people may be given by their beginnings."
)
MAX_LISTED = 1_000_000_000
# What others wrote must not move the cursor or rename the window.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Unknown(Exception):
    """What was asked for is not there; the message is one sentence."""


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Adds `list`, `search`, `show`, `export`, `import` and `delete`."""
    parser.description = ABOUT
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--person", metavar="P", default="", help="only this person's, by the key that list shows"
    )
    commands = parser.add_subparsers(dest="action", required=True)

    def add(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[shared], help=help, description=ABOUT)

    listed = add("list", "list conversations, newest first")
    listed.add_argument("--most", metavar="N", type=int, default=50, help="default: 50; 0: all")
    search = add("search", "list conversations that have all these words")
    search.add_argument("words", metavar="WORD", nargs="+")
    show = add("show", "print a conversation as Markdown")
    show.add_argument("id", metavar="ID")
    export = add("export", "write conversations to a file")
    export.add_argument("ids", metavar="ID", nargs="*", help="none: all conversations")
    export.add_argument("--format", choices=FORMATS, default="zip", help="default: zip")
    export.add_argument("--out", metavar="F", help="the file; - is standard output")
    taken = add("import", "take conversations over from a file")
    taken.add_argument("file", metavar="F", type=Path)
    delete = add("delete", "delete conversations")
    delete.add_argument("ids", metavar="ID", nargs="+")


def run(options: argparse.Namespace) -> int:
    """Carries out a command; returns the exit code."""
    from app.core.history.database import HistoryError

    action = {
        "list": _list, "search": _search, "show": _show, "export": _export, "import": _import,
        "delete": _delete,
    }[options.action]  # fmt: skip
    try:
        with opened() as history:
            return action(history, options)
    except (HistoryError, Unknown) as error:
        _say(str(error))
        return FAILED


@contextlib.contextmanager
def opened() -> Iterator[History]:
    """The history of the settings. Raises `Unknown` where it can't be used."""
    from app.core.history.history import History
    from app.core.service import lasting_folder
    from app.core.settings import load

    loaded = load()
    for problem in loaded.problems:
        _say(problem)
    history = History.open(lasting_folder(loaded.settings) / "history", loaded.settings.database)
    try:
        if not history.database.lasting:
            raise Unknown(history.problem.split(". ")[0].rstrip(".") + ".")
        if history.problem:
            _say(history.problem)
        yield history
    finally:
        history.close()


def terminal_person() -> str:
    """The key of the terminal's own person."""
    from app.core.history.history import person_key

    return person_key(TERMINAL)


def latest(history: History, mode: Mode | None) -> Entry | None:
    """The terminal's conversation that was written to last, in a mode or in any. Raises
    `HistoryError`."""
    from app.core.modes import Mode

    modes = get_args(Mode) if mode is None else (mode,)
    entries = [history.catalog.latest(terminal_person(), each) for each in modes]
    return max(filter(None, entries), key=lambda entry: entry.updated, default=None)


# -- the commands --------------------------------------------------------------------------------


def _list(history: History, options: argparse.Namespace) -> int:
    _print(history, options.person, "", max(0, options.most) or MAX_LISTED)
    return OK


def _search(history: History, options: argparse.Namespace) -> int:
    found = _print(history, options.person, " ".join(options.words), MAX_LISTED)
    if not found:
        _say("Nothing was found.")
    return OK if found else FAILED


def _print(history: History, person: str, query: str, most: int) -> int:
    from app.core.exchange.people import owners

    entries = [
        (owner.person, entry)
        for owner in owners(history, _key(person))
        for entry in (
            history.catalog.search(owner.person, query, most)
            if query
            else history.catalog.listed(owner.person, most)
        )
    ]
    entries.sort(key=lambda each: -each[1].updated)
    own = terminal_person()
    for owner, entry in entries[:most]:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.updated))
        whose = "terminal" if owner == own else owner[:8]
        excerpt = f"  {entry.excerpt}" if entry.excerpt else ""
        line = f"{entry.id[:8]}  {day}  {entry.mode:9}  {whose:8}  {entry.title}{excerpt}"
        print(_plain(line))
    return len(entries)


def _show(history: History, options: argparse.Namespace) -> int:
    from app.core.exchange.exporting import export

    made = export(history, [_named(history, options.id, options.person)], "markdown")
    if made is not None:
        text = b"".join(made.pieces).decode()
        print("\n".join(map(_plain, text.split("\n"))), end="")
    return OK


def _export(history: History, options: argparse.Namespace) -> int:
    from app.core.exchange.exporting import export, of_person
    from app.core.exchange.people import owners
    from tools.safe_files import free_name

    wanted: list[Wanted] = [_named(history, id, options.person) for id in options.ids]
    if not options.ids:
        people = [owner.person for owner in owners(history, _key(options.person))]
        wanted = [each for person in people for each in of_person(history, person)]
    if not wanted:
        raise Unknown("There are no conversations.")
    made = export(history, wanted, options.format)
    if made is None:
        raise Unknown("This conversation is no longer there.")
    if options.out == "-":
        _write(made.pieces, sys.stdout.buffer)
        return OK
    path = Path(options.out or free_name(Path.cwd(), made.name))
    with path.open("wb") as file:
        _write(made.pieces, file)
    _say(f"{_count(len(wanted))} in {_plain(str(path))}")
    return OK


def _import(history: History, options: argparse.Namespace) -> int:
    from app.core.exchange.imports.importing import import_file
    from app.core.settings import load

    if not options.file.is_file():
        raise Unknown(f"{_plain(str(options.file))} is not there, or is no file.")
    fresh = load().settings.retention_days > 0
    done = import_file(history, _person(history, options.person), options.file, fresh=fresh)
    for problem in done.problems:
        _say(_plain(problem))
    if done.ids:
        _say(f"{_count(len(done.ids))} imported.")
    return OK if done.ids else FAILED


def _delete(history: History, options: argparse.Namespace) -> int:
    for person, id in [_named(history, id, options.person) for id in options.ids]:
        history.delete(person, id)
        _say(f"{id[:8]} was deleted.")
    return OK


# -- words ---------------------------------------------------------------------------------------


def _named(history: History, id: str, person: str) -> Wanted:
    """The conversation that somebody names. Raises `Unknown`."""
    from app.core.exchange.people import MIN_ID_CHARS, named

    if len(id) < MIN_ID_CHARS:
        raise Unknown(f"Give at least {MIN_ID_CHARS} characters of the id.")
    found = named(history, id, _key(person))
    if not found:
        raise Unknown(f"There is no conversation {_plain(id)[:40]}.")
    if len(found) > 1:
        raise Unknown(f"Several conversations begin with {_plain(id)[:40]}.")
    return found[0]


def _person(history: History, person: str) -> str:
    """The key of one person, by default the terminal's own. Raises `Unknown`."""
    from app.core.exchange.people import owners

    if not person:
        return terminal_person()
    key = _key(person)
    found = [owner.person for owner in owners(history, key)]
    if key == terminal_person() or not found:
        found = [key] if key == terminal_person() else []
    if len(found) != 1:
        raise Unknown(f"--person names {'several people' if found else 'nobody'}.")
    return found[0]


def _key(person: str) -> str:
    """The beginning of a person's key; "terminal" is the terminal's own."""
    return terminal_person() if person == "terminal" else person


def _count(number: int) -> str:
    return "1 conversation" if number == 1 else f"{number:,} conversations"


def _plain(line: str) -> str:
    """A line in which nothing is a terminal's command."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", line)


def _write(pieces: Iterator[bytes], file: BinaryIO) -> None:
    for piece in pieces:
        file.write(piece)
    file.flush()


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
