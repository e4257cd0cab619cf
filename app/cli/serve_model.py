"""`python -m app.cli serve-model`: runs a GLM model behind `vllm serve`.

vLLM serves many users at once, on several GPUs (tensor parallelism) and machines (pipeline
parallelism, by Ray). `RECIPES` has what differs between models: the formats of tool calls and
reasoning, and the length of the context. Without vLLM the command is only printed.
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
POLL_INTERVAL_S = 0.2  # between two checks of the server
KILL_TIMEOUT_S = 20.0  # from SIGTERM to SIGKILL

_THINKS = ("--reasoning-parser", "glm45")
_CALLS = ("--enable-auto-tool-choice", "--tool-call-parser")
_SEES = ("--limit-mm-per-prompt", '{"image": 20}')


@dataclass(frozen=True)
class Recipe:
    """How vLLM serves a family of models.

    Attributes:
        name: the beginning of the models' names, in lower case.
        context: length of the context in tokens.
        options: options of `vllm serve`.
        protocol: the app's `GLM_PROTOCOL`; glm4 if vLLM can't parse the model's calls.
    """

    name: str
    context: int
    options: tuple[str, ...] = ()
    protocol: str = "auto"


# The first one that fits is used. The options are from vLLM's documentation on tool calling,
# reasoning and supported models.
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
    """A server to run.

    Attributes:
        command: vLLM's command line.
        address: the server's URL, without a path.
        settings: the app's settings for this server, by environment variable.
    """

    command: tuple[str, ...]
    address: str
    settings: dict[str, str]

    @property
    def environment_prefix(self) -> str:
        """The settings as they are written before a shell command."""
        return " ".join(f"{name}={value}" for name, value in self.settings.items())


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `serve-model` to a parser."""
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
    """The server for the options of a command line."""
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
    """The recipe for a hub name or folder; None for an unknown model."""
    name = Path(model).name.lower()
    return next((recipe for recipe in RECIPES if name.startswith(recipe.name)), None)


def serve(options: argparse.Namespace) -> int:
    """Run the server until it ends or the user stops it. Returns the exit code."""
    chosen = serving(options)
    program = shutil.which("vllm")
    if options.print or program is None:
        print(shlex.join(chosen.command))
        _say(f"Then: {chosen.environment_prefix} make run")
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
            _say(f"The model is ready. Now: {chosen.environment_prefix} make run")
            return READY if server.wait() == 0 else FAILED
        app = (sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"))
        with _running(app, chosen.settings) as page:
            while server.poll() is None and page.poll() is None:
                time.sleep(POLL_INTERVAL_S)
    return READY


def _ready(server: subprocess.Popen[bytes], address: str) -> bool:
    """Wait until the server answers; False if it ends before."""
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
    """A running program, which is ended with the context; its output goes to standard error."""
    environment = {**os.environ, **(settings or {})}
    # In a session of its own, the program doesn't receive the terminal's Ctrl-C, and so the
    # programs end in order.
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
