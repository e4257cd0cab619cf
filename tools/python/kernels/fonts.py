"""matplotlib's list of fonts, made once and copied to all kernels.

Each kernel has its own configuration folder. Without a copy of the list there, the first plot of
each session would search the machine's fonts, which takes about a second.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

from tools.safe_files import write_into

log = logging.getLogger(__name__)

_PRINT_FOLDER = "import matplotlib, matplotlib.font_manager; print(matplotlib.get_cachedir())"

_lock = threading.Lock()
_lists: dict[str, bytes] | None = None


def provide_fonts(folder: Path) -> None:
    """Write the list into `folder`, a kernel's MPLCONFIGDIR. Does nothing without matplotlib."""
    try:
        for name, data in _font_lists().items():
            write_into(folder, name, data)
    except OSError:
        log.info("The list of fonts could not be written.", exc_info=True)


def font_names() -> frozenset[str]:
    """The font families available to figures; none without matplotlib."""
    names: set[str] = set()
    for data in _font_lists().values():
        names |= {entry["name"] for entry in json.loads(data).get("ttflist", ())}
    return frozenset(names)


def _font_lists() -> dict[str, bytes]:
    """The files of matplotlib's font cache by name; matplotlib makes them where missing."""
    global _lists
    with _lock:
        if _lists is None:
            try:
                answer = subprocess.run(
                    [sys.executable, "-c", _PRINT_FOLDER],
                    capture_output=True, text=True, timeout=120, check=True,
                )  # fmt: skip
                folder = Path(answer.stdout.strip())
                _lists = {path.name: path.read_bytes() for path in folder.glob("fontlist-*.json")}
            except (OSError, subprocess.SubprocessError):
                log.info("matplotlib could not list the fonts.", exc_info=True)
                _lists = {}
        return _lists
