"""`streamlit`, but a SIGUSR1 makes it write the names of its imported modules to a file."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

LIST = "modules"
"""The file, beside the folder that `GLM_DATA` names."""


def write_modules(*_: Any) -> None:
    target = Path(os.environ["GLM_DATA"]).with_name(LIST)
    unfinished = target.with_suffix(".part")
    unfinished.write_text("\n".join(sys.modules), "utf-8")
    unfinished.rename(target)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, write_modules)
    from streamlit.web.cli import main

    sys.exit(main(prog_name="streamlit"))
