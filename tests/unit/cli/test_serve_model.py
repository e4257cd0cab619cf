"""`serve-model`: vLLM's command for each kind of GLM model; started, watched and ended.

vLLM itself needs a GPU: in its place stands a program of its name that writes down what it was
given and answers `/health` after a while.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.cli.__main__ import main
from app.cli.options import command_line
from app.cli.serve_model import RECIPES, recipe_of, serving

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_S = 60
STAND_IN = f"""#!{sys.executable}
import http.server, json, pathlib, sys, time
folder = pathlib.Path(__file__).parent
(folder / "given.json").write_text(json.dumps(sys.argv[1:]))
if "--fail" in sys.argv:
    sys.exit("no GPU here")
time.sleep(0.3)
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""


def command(line: str) -> str:
    return " ".join(serving(command_line().parse_args(["serve-model", *line.split()])).command)


def test_each_recipe_is_found_by_its_own_name() -> None:
    for recipe in RECIPES:
        assert recipe_of(f"owner/{recipe.name.upper()}-x") == recipe
    assert recipe_of("/models/GLM-4.1V-9B-Thinking") == recipe_of("zai-org/GLM-4.1V-9B-Thinking")
    assert recipe_of("Qwen/Qwen3-8B") is None


def test_parser_context_and_parallel_options() -> None:
    assert command("THUDM/GLM-4-9B-0414") == (
        "vllm serve THUDM/GLM-4-9B-0414 --host 127.0.0.1 --port 8000 --max-model-len 32768"
    )
    air = command("zai-org/GLM-4.5-Air --gpus 4 --context 65536")
    assert "--max-model-len 65536 --tensor-parallel-size 4" in air
    assert "--tool-call-parser glm45 --reasoning-parser glm45" in air
    large = command("zai-org/GLM-4.7 --gpus 8 --machines 2 --port 9000")
    assert "--tool-call-parser glm47" in large and "--port 9000" in large
    assert "--pipeline-parallel-size 2 --distributed-executor-backend ray" in large


def test_the_app_is_told_how_the_model_calls() -> None:
    parse = command_line().parse_args
    raw = serving(parse(["serve-model", "THUDM/glm-4-9b-chat-hf", "--port", "8001"]))
    assert raw.environment_prefix == "GLM_MODEL=http://127.0.0.1:8001/v1 GLM_PROTOCOL=glm4"
    assert serving(parse(["serve-model", "zai-org/GLM-4.5"])).settings == {
        "GLM_MODEL": "http://127.0.0.1:8000/v1"
    }


def test_without_vllm_the_command_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["serve-model", "THUDM/GLM-4-9B-0414", "--vllm", "--swap-space 4"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("vllm serve THUDM/GLM-4-9B-0414 ")
    assert said.out.endswith(" --swap-space 4\n")
    assert "vLLM is not installed here" in said.err and "GLM_PROTOCOL=glm4 make run" in said.err
    assert main(["serve-model", "THUDM/GLM-4-9B-0414", "--print"]) == 0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    program = tmp_path / "vllm"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


def start(environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve-model", "THUDM/GLM-4-9B-0414", *options],
        cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_it_is_watched_until_it_is_ready_and_ends_with_the_command(
    environment: dict[str, str], tmp_path: Path, ending: signal.Signals
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with start(environment, "--port", port) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith(f"The model is ready. Now: GLM_MODEL=http://127.0.0.1:{port}/v1")
        (server,) = psutil.Process(process.pid).children()
        given = json.loads((tmp_path / "given.json").read_text())
        assert given[:2] == ["serve", "THUDM/GLM-4-9B-0414"]
        process.send_signal(ending)
        process.wait(TIMEOUT_S)
    until = time.monotonic() + TIMEOUT_S
    while server.is_running() and time.monotonic() < until:
        time.sleep(0.05)
    assert not server.is_running()


def test_a_server_that_ends_at_once_is_told(environment: dict[str, str]) -> None:
    with start(environment, "--vllm=--fail") as process:
        _, said = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert "no GPU here" in said and "vLLM ended with exit code 1" in said
