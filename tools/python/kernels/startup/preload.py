"""What a kernel that is started ahead runs besides; see `session`.

The packages that most code begins with are imported while nobody waits.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

PACKAGES = ("numpy", "pandas", "matplotlib.pyplot")


def prepare(shell: Any, keep: int) -> None:
    """Import `PACKAGES`, those that are there, and let matplotlib choose its backend."""
    for name in PACKAGES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.switch_backend(sys.modules["matplotlib"].get_backend())
