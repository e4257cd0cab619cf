"""`make bench`: the figures of assets/handbook/measurements.md, measured on this machine.

`python -m tests.bench` takes all of them, `python -m tests.bench start drawn` those two. A figure
that misses its aim says so and is no failure: the exit code is 0.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import signal
import sys
import time

from tests.bench.figures import table

# Name on the command line, in this order. Each module has `measure() -> list[Figure]` and says in
# its docstring what is counted.
BENCHES = (
    "start",
    "drawn",
    "second-turn",
    "switch-models",
    "transformers-second-turn",
    "transformers-speed",
    "python-call",
    "python-first",
    "sandbox-call",
    "kernels",
    "neighbours",
    "sessions",
    "long-conversation",
    "load",
    "flood",
    "left-uploads",
    "exchanges",
    "browsing",
    "searching",
    "documents-pdf",
    "documents-words",
    "documents-asking",
    "turn-modules",
    "kills",
    "history-list",
    "history-turn",
    "history-replicas",
    "history-memory",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHES))
    names = parser.parse_args().names or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"no figure is called {unknown[0]}; there are {', '.join(BENCHES)}")
    # Ended from outside, the servers that it started end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}")
    for name in names:
        bench = importlib.import_module(f"tests.bench.{name.replace('-', '_')}")
        print(f"\n{name}: {str(bench.__doc__).splitlines()[0]}", flush=True)
        began = time.monotonic()
        print(table(bench.measure()))
        print(f"  ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
