"""`make faults`: makes each fault against a real server, and says what came of it.

`python -m tests.faults` makes all of them, `python -m tests.faults path-forms server-gone` those
two, `--quick` those that take seconds, `--markdown` writes the handbook's table. The exit code is
0 only if every line held. All traffic is on loopback, and what was started is ended.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from playwright.sync_api import expect

from tests.faults.all import FAULTS
from tests.faults.outcome import Fault, Outcome, Row, line, markdown
from tests.faults.stage import PATIENCE_MS, Stage, open_stage


def main() -> None:
    """The command line."""
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="those that `make test` makes")
    parser.add_argument("--markdown", action="store_true", help="a table for the handbook")
    parser.add_argument("--list", action="store_true", help="the names alone")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in names]:
        parser.error(f"no fault is called {unknown[0]}; there are {', '.join(names)}")
    chosen = [
        fault
        for fault in FAULTS
        if fault.name in (arguments.names or names) and (fault.quick or not arguments.quick)
    ]
    if arguments.list:
        print("\n".join(f"{fault.name}{' (quick)' if fault.quick else ''}" for fault in chosen))
        return
    # Ended from outside, the servers that it started end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    expect.set_options(timeout=PATIENCE_MS)
    rows = make_all(chosen, quiet=arguments.markdown)
    missed = [row.name for row in rows if row.outcome.held is not True]
    if arguments.markdown:
        today = datetime.now(UTC).date()
        print(
            f"## What came of it\n\nMade on {today:%d %B %Y} by `make faults"
            f' ARGS="{" ".join(sys.argv[1:])}"` on {os.cpu_count()} cores, Python '
            f"{platform.python_version()}: {len(rows) - len(missed)} of {len(rows)} held.\n"
        )
        print(markdown(rows))
    summary = f"{len(rows) - len(missed)} of {len(rows)} held"
    print(summary + (f"; not: {', '.join(missed)}" if missed else ""), file=sys.stderr)
    sys.exit(1 if missed else 0)


def make_all(faults: Sequence[Fault], quiet: bool) -> list[Row]:
    """Makes the faults one after the other, and says each outcome as it comes."""
    rows = []
    with open_stage() as stage:
        for fault in faults:
            rows.append(make(fault, stage))
            print(line(rows[-1]), file=sys.stderr if quiet else sys.stdout, flush=True)
    return rows


def make(fault: Fault, stage: Stage) -> Row:
    """Makes one fault. A reproduction that breaks has not held."""
    began = time.monotonic()
    try:
        outcome = fault.make(stage)
    except Exception as error:  # noqa: BLE001 - the others are to be made all the same
        traceback.print_exc()
        last = (str(error).splitlines() or [""])[0]
        outcome = Outcome(
            "the reproduction broke off", f"{type(error).__name__}: {last}", "", False
        )
    return Row(fault.name, outcome, time.monotonic() - began)


if __name__ == "__main__":
    main()
