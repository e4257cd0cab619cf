"""Makes the bundled model's adapter: data, training, export, scores.

    python -m finetune.bundled make         all four; `make bundled-model`
    python -m finetune.bundled evaluate     the scores; `make eval-bundled`
    python -m finetune.bundled generate     the data only

The data and the scores come from the real tools. Training uses a GPU if there is one, otherwise
one process per core. `make` resumes from the data and checkpoints in `--work`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.modes import CHAT_SYSTEM
from backends.bundled import ADAPTER, adapter_file, open_model
from finetune.bundled.evaluation.cases import cases
from finetune.bundled.evaluation.report import report
from finetune.bundled.evaluation.run import Evaluator, Outcome
from tools.base import ToolCall, ToolContext, ToolError
from tools.functions.loading import load_tools
from tools.python import PythonTool

ROOT = Path(__file__).resolve().parents[2]
WORK = Path.home() / ".cache" / "glm-all-tools" / "bundled-model"


class ToolRunner:
    """Runs calls of Python and of the functions in `tools/user`.

    Arguments:
        folder: working folder of the tools.

    `python` and `own` are the specs of Python and of the functions.
    """

    def __init__(self, folder: Path) -> None:
        self._python = PythonTool(folder)
        self._functions = {tool.name: tool for tool in load_tools([ROOT / "tools" / "user"]).tools}
        self._context = ToolContext(folder)
        self.own = [spec for tool in self._functions.values() for spec in tool.specs(True)]
        self.python = self._python.specs(True)[0]

    def result(self, name: str, input: str) -> str:
        """Run a tool. Returns the text of its result, or of its error.

        Arguments:
            name: name of the tool.
            input: code for Python, a JSON object for a function.
        """
        try:
            if name == "python":
                call = ToolCall("1", name, input, raw="code")
                return self._python.run(call, self._context).text
            return self._functions[name].run(ToolCall("1", name, input), self._context).text
        except ToolError as error:
            return str(error)

    def close(self) -> None:
        self._python.close()


@contextmanager
def open_tools() -> Iterator[ToolRunner]:
    """A `ToolRunner` in a temporary folder, closed with the context."""
    with tempfile.TemporaryDirectory() as folder:
        runner = ToolRunner(Path(folder))
        try:
            yield runner
        finally:
            runner.close()


def evaluate(options: argparse.Namespace) -> None:
    """Print the scores of the bundled model, with an adapter or without."""
    from backends.llama_cpp.engine import EngineConfig
    from finetune.bundled.evaluation.chat_loss import chat_loss

    adapter = None if options.plain else options.adapter or adapter_file()
    engine = EngineConfig(window=4096, slots=1, threads=options.threads, adapter=adapter)
    chosen = [case for case in cases(options.set) if not options.kind or case.kind in options.kind]
    outcomes = []
    backend = open_model(engine)
    try:
        with open_tools() as runner:
            evaluator = Evaluator(backend, runner)
            for case in chosen:
                outcomes.append(outcome := evaluator.ask(case))
                if options.failures:
                    print_failure(outcome)
            turns = [] if options.kind else evaluator.times()
    finally:
        backend.close()
    print(report(outcomes, turns), flush=True)
    if adapter is not None and not options.kind:
        print(f"\n{chat_loss(adapter, CHAT_SYSTEM)}", flush=True)


def print_failure(outcome: Outcome) -> None:
    """Print a failed case: the request, what was expected, and the turn's messages."""
    case = outcome.case
    if outcome.result and (outcome.answer or case.is_call_only):
        return
    wanted = [f"{each.tool} {each.check}" for each in case.wanted] or [f"none {case.check}"]
    print(case.kind, "|", " ;; ".join(case.asks), "|", *wanted)
    print("   ", outcome.choice, outcome.result, outcome.answer, *outcome.said, flush=True)


def write_data(options: argparse.Namespace) -> None:
    """Generate the training data."""
    from finetune.bundled.data import generate

    with open_tools() as runner:
        generate.write(options.out, options.count, options.seed, runner)


def make(options: argparse.Namespace) -> None:
    """Generate the data, train, export the adapter, and print its scores."""
    import torch

    from finetune import export_gguf, loss_curve
    from finetune.bundled.data import generate

    data, run = options.work / f"data-{options.seed}-{options.count}.jsonl", options.work / "run"
    if not data.is_file():
        part = data.with_suffix(".part")
        with open_tools() as runner:
            generate.write(part, options.count, options.seed, runner)
        part.replace(data)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    processes = 1 if torch.cuda.is_available() else min(cores, 8)
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *(f"--nproc-per-node={processes}", "-m", "finetune.bundled.train"),
            *(str(data), str(run), f"--minutes={options.minutes}", f"--rate={options.rate}"),
            *(f"--seed={options.seed}", "--threads=1"),
        ],
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    ADAPTER.parent.mkdir(exist_ok=True)
    export_gguf.export(run / "adapter", ADAPTER)
    loss_curve.draw(run / "log.jsonl", run / "loss.png")
    print(f"The loss curve: {run / 'loss.png'}", flush=True)
    evaluate(options)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m finetune.bundled",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["make", "evaluate", "generate"])
    parser.add_argument("--count", type=int, default=1000, help="sets of tools to make data for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("bundled.jsonl"), help="of generate")
    parser.add_argument("--work", type=Path, default=WORK, help="for data and checkpoints")
    parser.add_argument("--minutes", type=float, default=0, help="of training; 0 for no limit")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--adapter", type=Path, help="a GGUF LoRA; the shipped one by default")
    parser.add_argument("--plain", action="store_true", help="the model without an adapter")
    parser.add_argument(
        "--set", choices=["development", "heldout"], default="heldout",
        help="of requests; failures are examined only in the development set",
    )  # fmt: skip
    parser.add_argument("--kind", action="append", help="only requests of this kind")
    parser.add_argument("--failures", action="store_true", help="print the failed requests")
    parser.add_argument("--threads", type=int, default=2, help="of llama.cpp")
    options = parser.parse_args()
    {"make": make, "evaluate": evaluate, "generate": write_data}[options.command](options)


if __name__ == "__main__":
    main()
