"""`python -m app.cli serve-model`: a GLM model behind `vllm serve`.

For those who outgrow one process: vLLM answers many at once, over several GPUs (tensor parallel)
and several machines (pipeline parallel, through Ray). What differs from model to model is here:
how it calls tools and thinks, and how long its context is. Where vLLM is not installed, the
command is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.cli.signals import SignalHandler, end_with_parent

ROOT = Path(__file__).resolve().parents[2]
READY, FAILED = 0, 1
HOST = "127.0.0.1"
POLL_INTERVAL_S = 0.2  # seconds between two looks at the server
KILL_TIMEOUT_S = 20.0  # seconds until a server that was asked to end is killed

_THINKS = ("--reasoning-parser", "glm45")
_CALLS = ("--enable-auto-tool-choice", "--tool-call-parser")
_SEES = ("--limit-mm-per-prompt", '{"image": 20}')


@dataclass(frozen=True)
class Recipe:
    """How vLLM serves the models whose name begins with `name`: its context in tokens, vLLM's
    options, and our `GLM_PROTOCOL`, which is glm4 where vLLM can't read the model's calls."""

    name: str
    context: int
    options: tuple[str, ...] = ()
    protocol: str = "auto"


# The first that fits. Options: vLLM's pages on tool calling, reasoning and supported models.
RECIPES = (
    Recipe("glm-4-9b-chat-1m", 1_048_576, ("--enable-chunked-prefill",), "glm4"),
    Recipe("glm-4-9b-chat", 131_072, (), "glm4"),
    Recipe("glm-4-9b-0414", 32_768, (), "glm4"),
    Recipe("glm-4-32b-0414", 32_768, (), "glm4"),
    Recipe("glm-z1", 32_768, _THINKS, "auto"),
    Recipe(
        "glm-4v-9b", 8_192,
        ("--trust-remote-code", "--hf-overrides", '{"architectures": ["GLM4VForCausalLM"]}'),
    ),
    Recipe("glm-4.1v", 65_536, (*_THINKS, *_SEES)),
    Recipe("glm-4.5v", 65_536, (*_CALLS, "glm45", *_THINKS, *_SEES)),
    Recipe("glm-4.6v", 131_072, (*_CALLS, "glm45", *_THINKS, *_SEES)),
    Recipe("glm-4.5", 131_072, (*_CALLS, "glm45", *_THINKS)),
    Recipe("glm-4.6", 202_752, (*_CALLS, "glm45", *_THINKS)),
    Recipe("glm-4.7", 202_752, (*_CALLS, "glm47", *_THINKS)),
    Recipe("glm-5", 202_752, (*_CALLS, "glm47", *_THINKS)),
)  # fmt: skip


@dataclass(frozen=True)
class Serving:
    """One server: vLLM's command, and the settings with which the app finds it."""

    command: tuple[str, ...]
    address: str
    settings: dict[str, str]

    @property
    def pointed(self) -> str:
        """The settings as one writes them before a command."""
        return " ".join(f"{name}={value}" for name, value in self.settings.items())


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line of `serve-model`."""
    add = parser.add_argument
    add("served", metavar="MODEL", help="a hub name or folder, such as THUDM/GLM-4-9B-0414")
    add("--gpus", metavar="N", type=_count, default=1, help="GPUs in each machine")
    add("--machines", metavar="N", type=_count, default=1, help="machines of a Ray cluster")
    add("--context", metavar="N", type=_count, help="tokens; the model's own unless given")
    add("--port", metavar="N", type=_count, default=8000, help="default: 8000")
    add("--app", action="store_true", help="serve the app too, once the model is ready")
    add("--print", action="store_true", help="print the command and do nothing")
    add("--vllm", metavar="OPTIONS", default="", help="in quotes, handed on to vllm serve")


def serving(options: argparse.Namespace) -> Serving:
    """What is to be run for a command line."""
    recipe = recipe_of(options.served)
    context = options.context or (recipe.context if recipe else None)
    command = ["vllm", "serve", options.served, "--host", HOST, "--port", str(options.port)]
    if context:
        command += ["--max-model-len", str(context)]
    if options.gpus > 1:
        command += ["--tensor-parallel-size", str(options.gpus)]
    if options.machines > 1:
        command += ["--pipeline-parallel-size", str(options.machines)]
        command += ["--distributed-executor-backend", "ray"]
    command += [*(recipe.options if recipe else ()), *shlex.split(options.vllm)]
    address = f"http://{HOST}:{options.port}"
    settings = {"GLM_MODEL": f"{address}/v1"}
    if recipe and recipe.protocol != "auto":
        settings["GLM_PROTOCOL"] = recipe.protocol
    return Serving(tuple(command), address, settings)


def recipe_of(model: str) -> Recipe | None:
    """The recipe for a hub name or folder; None for a model that is not GLM's."""
    name = Path(model).name.lower()
    return next((recipe for recipe in RECIPES if name.startswith(recipe.name)), None)


def serve(options: argparse.Namespace) -> int:
    """Serves until the server ends or the user stops it. Returns the exit code."""
    chosen = serving(options)
    program = shutil.which("vllm")
    if options.print or program is None:
        print(shlex.join(chosen.command))
        _say(f"Then: {chosen.pointed} make run")
        if program is None and not options.print:
            _say("vLLM is not installed here; this is the command for a machine that has it.")
            return FAILED
        return READY
    SignalHandler()
    with _running((program, *chosen.command[1:])) as server:
        if not _ready(server, chosen.address):
            _say(f"vLLM ended with exit code {server.returncode}; its last lines say why.")
            return FAILED
        if not options.app:
            _say(f"The model is ready. Now: {chosen.pointed} make run")
            return READY if server.wait() == 0 else FAILED
        app = (sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"))
        with _running(app, chosen.settings) as page:
            while server.poll() is None and page.poll() is None:
                time.sleep(POLL_INTERVAL_S)
    return READY


def _ready(server: subprocess.Popen[bytes], address: str) -> bool:
    """Waits until the server answers; whether it did."""
    import httpx

    while server.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/health", timeout=5, trust_env=False).status_code == 200:
                return True
        time.sleep(POLL_INTERVAL_S)
    return False


@contextlib.contextmanager
def _running(
    command: Sequence[str], settings: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends with the block. What it prints goes to standard error."""
    environment = {**os.environ, **(settings or {})}
    # Ctrl-C in a terminal reaches all of its processes; these are to end in their order.
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=sys.stderr,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError("should be a whole number from 1 on")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
