"""Startup code of kernels that are started ahead; see `session`.

It imports the packages that most code begins with, before a user waits for them.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

PACKAGES = ("numpy", "pandas", "matplotlib.pyplot")


def prepare(shell: Any, keep: int) -> None:
    """Import those of `PACKAGES` that are installed, and have matplotlib load its backend."""
    for name in PACKAGES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.switch_backend(sys.modules["matplotlib"].get_backend())
