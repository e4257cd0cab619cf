"""The command by its old name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_old_command_says_where_it_went() -> None:
    command = [sys.executable, "-m", "backends.bundled.finetune", "--model", "any"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "Fine-tuning is `python -m finetune` now; its options are the same.\n"
