"""The bundled model's adapter from nothing: data, training, export, scores.

`make bundled-model` runs it. With a GPU training uses that; without, a process a core, at the
lowest priority. It goes on where it was stopped, from the data and checkpoints in `--work`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from backends.bundled import ADAPTER, export, loss_curve

WORK = Path.home() / ".cache" / "glm-all-tools" / "bundled-model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK, help="for data and checkpoints")
    parser.add_argument("--count", type=int, default=4000, help="conversations to make")
    parser.add_argument("--minutes", type=float, default=0, help="of training; 0 for no limit")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    import torch

    data, run = options.work / f"data-{options.seed}-{options.count}.jsonl", options.work / "run"
    if not data.is_file():
        part = data.with_suffix(".part")
        count, seed = f"--count={options.count}", f"--seed={options.seed}"
        _run("backends.bundled.data.generate", str(part), count, seed)
        part.replace(data)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    processes = 1 if torch.cuda.is_available() else min(cores, 8)
    _run(
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={processes}",
        "-m",
        "backends.bundled.train",
        str(data),
        str(run),
        f"--minutes={options.minutes}",
        f"--rate={options.rate}",
        f"--seed={options.seed}",
        "--threads=1",
    )
    ADAPTER.parent.mkdir(exist_ok=True)
    export.export(run / "adapter", ADAPTER)
    loss_curve.draw(run / "log.jsonl", run / "loss.png")
    print(f"The loss curve: {run / 'loss.png'}", flush=True)
    _run("backends.bundled.evaluate")


def _run(module: str, *arguments: str) -> None:
    threads = {"OMP_NUM_THREADS": "1"} if module.startswith("torch") else {}
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, env=os.environ | threads)


if __name__ == "__main__":
    main()
