"""The options of the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.cli import history
from app.cli.serve_model import add_options

MODES = ("chat", "tools", "documents", "vision")
MAX_ROUNDS = 10_000


def command_line() -> argparse.ArgumentParser:
    """The parser of the command line."""
    shared = argparse.ArgumentParser(add_help=False)
    add = shared.add_argument
    add("--mode", choices=MODES, help="default: chat, or tools where --tools-file is given")
    add(
        "--model", metavar="M",
        help="bundled, a .gguf file, a folder of safetensors, a hub name (owner/name), or "
        "http(s)://host/v1#model-name",
    )  # fmt: skip
    add("--protocol", metavar="P", choices=("auto", "openai", "glm4"), help="auto, openai or glm4")
    add(
        "--tools-file", metavar="F.py", type=Path, action="append", default=[],
        help="a file with tools of your own; may be given several times",
    )  # fmt: skip
    add("--max-rounds", metavar="N", type=_rounds, help="maximum rounds of tool calls in a turn")
    add("--yes", action="store_true", help="allow tool calls that would wait for your approval")

    whole = argparse.ArgumentParser(prog=program(), description="GLM All Tools without a page.")
    commands = whole.add_subparsers(dest="command", required=True)
    ask = commands.add_parser("ask", parents=[shared], help="answer one prompt, or one a line")
    ask.add_argument("prompt", metavar="PROMPT", help="- reads prompts from standard input")
    ask.add_argument(
        "--file",
        metavar="F",
        action="append",
        default=[],
        help="a file for --mode documents or tools",
    )
    ask.add_argument(
        "--image", metavar="I", action="append", default=[],
        help="a picture for --mode vision or tools",
    )  # fmt: skip
    ask.add_argument("--json", action="store_true", help="write one JSON object a line")
    chat = commands.add_parser("chat", parents=[shared], help="a conversation in this terminal")
    chat.add_argument(
        "--continue", dest="continues", action="store_true",
        help="go on with the terminal's latest conversation, in --mode where that is given",
    )  # fmt: skip
    chat.add_argument("--temporary", action="store_true", help="keep nothing in the history")
    history.add_commands(
        commands.add_parser("history", help="list, search, show, export, import, delete")
    )
    commands.add_parser("doctor", parents=[shared], help="check all that the app needs")
    add_options(commands.add_parser("serve-model", help="run a GLM model behind vllm serve"))
    return whole


def program() -> str:
    """The command that the user typed: `glm`, or `python -m app.cli`."""
    return "glm" if Path(sys.argv[0]).stem == "glm" else "python -m app.cli"


def _rounds(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= MAX_ROUNDS:
        return int(text)
    raise argparse.ArgumentTypeError(f"should be a number from 1 to {MAX_ROUNDS}")
