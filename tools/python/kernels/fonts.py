"""matplotlib's list of fonts, made once for all kernels.

Every kernel has a configuration folder of its own, and without the list the first plot of
every session would search the machine's fonts: about a second.
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
    """Put the list into `folder`, a kernel's MPLCONFIGDIR. Without matplotlib, do nothing."""
    try:
        for name, data in _font_lists().items():
            write_into(folder, name, data)
    except OSError:
        log.info("The list of fonts could not be written.", exc_info=True)


def font_names() -> frozenset[str]:
    """The families that figures can be drawn with; none without matplotlib."""
    names: set[str] = set()
    for data in _font_lists().values():
        names |= {entry["name"] for entry in json.loads(data).get("ttflist", ())}
    return frozenset(names)


def _font_lists() -> dict[str, bytes]:
    """matplotlib's own cache of this user, made by it where there is none."""
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
