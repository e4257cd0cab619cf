"""The command line: the same agent without a page.

    python -m app.cli ask "How far is the moon?"
    python -m app.cli ask --mode tools --json - < prompts.txt
    python -m app.cli chat --continue
    python -m app.cli history list
    python -m app.cli doctor
    python -m app.cli serve-model THUDM/GLM-4-9B-0414 --gpus 2

If the project is installed as a package, `glm` is the same as `python -m app.cli`.

Answers go to standard output, everything else to standard error. The exit code is 0 if the last
turn ended with an answer (`doctor`: if everything that is needed works), 1 if not, 2 for wrong
usage.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, NoReturn, Protocol, TextIO, get_args

from app.cli import history
from app.cli.agents import kept_agent, latest_of_terminal, new_agent
from app.cli.options import command_line
from app.cli.serve_model import serve
from app.cli.signals import SignalHandler, private_streams

# The rest is imported inside functions, so that --help and usage errors appear at once.
if TYPE_CHECKING:
    from app.api import Agent
    from app.cli.json_lines import Request
    from app.cli.terminal import TerminalWriter
    from app.core.agent.events import Event, TurnReason
    from app.core.document_qa.answer_report import AnswerReport
    from app.core.document_qa.session_documents import Ask
    from app.core.modes import Mode
    from app.core.service import Service

ANSWERED, UNANSWERED, WRONG_USAGE = 0, 1, 2
COMMANDS = """\
/retry     ask again for the last answer
/continue  go on where the limit of tool rounds was reached
/clear     begin a new conversation
/help      show this
Ctrl-C stops an answer, Ctrl-D ends the chat."""


class Writer(Protocol):
    """Writes turns, as JSON lines or as text.

    `account` is called at the end of each turn, and returns the report on the documents that the
    answer was given from; None without documents.
    """

    account: Callable[[], AnswerReport | None]

    def handle(self, event: Event) -> None:
        """Write an event of a turn."""

    def refuse(self, sentence: str) -> None:
        """Write why a request was not run."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code.

    Arguments:
        arguments: the command line without the program; None: that of the process.

    Raises `SystemExit` for wrong usage.
    """
    parser = command_line()
    options = parser.parse_args(arguments)
    try:
        if options.command == "serve-model":
            return serve(options)
        if options.command == "history":
            return history.run(options)
        mode = _check(parser, options)
        logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
        # Errors in a user's own function are reported as a sentence, without the traceback.
        logging.getLogger("tools").setLevel(logging.CRITICAL)
        signals = SignalHandler()
        run = {"ask": _ask, "chat": _chat, "doctor": _doctor}[options.command]
        return run(options, mode, signals)
    except (KeyboardInterrupt, BrokenPipeError):  # the latter: the output's reader has ended
        return UNANSWERED
    except OSError as error:
        logging.getLogger(__name__).debug("the command failed", exc_info=error)
        _say(f"A file or the terminal could not be used: {error.strerror or 'no reason given'}.")
        return UNANSWERED


# -- checks of the options -----------------------------------------------------------------------


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Mode:
    """The mode of the options. Exits with code 2 for options that contradict each other."""
    from app.core.modes import Mode, unfit

    name = options.mode or ("tools" if options.tools_file else "chat")
    mode: Mode | None = next((mode for mode in get_args(Mode) if mode == name), None)
    if mode is None:
        parser.error(f"The mode {name} is not there yet; use {' or '.join(get_args(Mode))}.")
    if mode != "tools" and options.tools_file:
        parser.error(f"The mode {name} has no tools; use --mode tools with --tools-file.")
    for file in options.tools_file:
        if not file.is_file():
            parser.error(f"--tools-file: {file} is not there, or is no file.")
    if options.command == "ask":
        if sentence := unfit(mode, bool(options.file), bool(options.image)):
            parser.error(sentence)
        if (options.file or options.image) and options.prompt == "-":
            parser.error('On standard input "files" and "images" stand with each prompt.')
        if not options.prompt.strip():
            parser.error("The prompt is empty.")
    return mode


# -- the commands --------------------------------------------------------------------------------


def _ask(options: argparse.Namespace, mode: Mode, signals: SignalHandler) -> int:
    out, lines = private_streams()
    from app.cli import passwords
    from app.cli.json_lines import JsonWriter, Request
    from app.cli.terminal import TerminalWriter

    writer: Writer = JsonWriter(out) if options.json else TerminalWriter(out, sys.stderr)
    prompts: Iterable[Request | str]
    if options.prompt == "-":
        prompts = _requests(lines)
    else:
        # Bytes of an argument that are not valid in the locale's encoding are replaced.
        text = options.prompt.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        files, images = tuple(options.file), tuple(options.image)
        prompts = [Request(prompt=text, files=files, images=images)]
    with _open_service(options, mode) as service:
        opened = partial(new_agent, service, mode, options.yes)
        typed = passwords.at_terminal(signals) if lines.isatty() and sys.stderr.isatty() else None
        return _answer(prompts, opened, mode, writer, signals, typed)


def _requests(lines: TextIO) -> Iterator[Request | str]:
    """For each line that is not blank: the request, or a sentence on why it is not valid."""
    from app.cli.json_lines import BadRequest, read_request

    for line in lines:
        if not line.strip():
            continue
        try:
            yield read_request(line)
        except BadRequest as error:
            yield str(error)


def _answer(
    requests: Iterable[Request | str],
    opened: Callable[[], AbstractContextManager[Agent]],
    mode: Mode,
    writer: Writer,
    signals: SignalHandler,
    typed: Ask | None,
) -> int:
    """Answer requests one by one, and return the exit code.

    Arguments:
        requests: requests, or sentences on why one is not valid.
        opened: opens an agent with a new conversation.
        mode: the mode.
        writer: writes the turns.
        signals: cancels a turn on Ctrl-C, which also ends the loop.
        typed: asks for passwords at the terminal; None: they can't be asked for.
    """
    from app.cli import passwords
    from app.core.modes import unfit

    code: int | None = None
    with contextlib.ExitStack() as last:
        agent: Agent | None = None
        for request in requests:
            code = UNANSWERED
            if isinstance(request, str):
                writer.refuse(request)
            elif sentence := unfit(mode, bool(request.files), bool(request.images)):
                writer.refuse(sentence)
            elif not request.prompt.strip():
                writer.refuse("The prompt is empty.")
            else:
                if agent is None or not request.continues:
                    last.close()
                    agent = last.enter_context(opened())
                    writer.account = agent.account
                with signals.turn() as cancel:
                    given = (*request.files, *request.images)
                    password = passwords.given(request.passwords, typed)
                    turn = agent.stream(request.prompt, given, password=password, cancel=cancel)
                    reason = _play(turn, writer)
                if reason == "cancelled":
                    break
                code = ANSWERED if reason in ("stop", "length") else UNANSWERED
    if code is None:
        _say("There was no prompt on standard input.")
        return WRONG_USAGE
    return code


def _chat(options: argparse.Namespace, mode: Mode, signals: SignalHandler) -> int:
    for stream in (sys.stdin, sys.stdout):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - gives input() a history and keys to edit with
    from app.cli.terminal import TerminalWriter

    writer = TerminalWriter(sys.stdout, sys.stderr)
    begun = None
    if options.continues:
        begun = latest_of_terminal(options.mode)
        if begun is None:
            return UNANSWERED
        mode = begun.mode
    with (
        _open_service(options, mode, history=not options.temporary) as service,
        contextlib.ExitStack() as last,
    ):
        opened = partial(kept_agent, service, mode, options.yes)
        agent = last.enter_context(opened(begun.id if begun is not None else None))
        if begun is not None:
            writer.say(f"Going on with: {begun.title}")
        if sys.stdin.isatty():
            writer.say(f"{mode.capitalize()}. /help shows what can be done, Ctrl-D ends.")
        while (line := _line(signals)) is not None:
            command = line if re.fullmatch(r"/\w+", line) else ""
            with signals.turn() as cancel:
                if command == "/clear":
                    last.close()
                    agent = last.enter_context(opened())
                    writer.say("A new conversation.")
                elif command in ("/retry", "/continue"):
                    _again(agent, command, writer, cancel)
                elif command:
                    writer.say(COMMANDS if command == "/help" else f"{command}: see /help.")
                elif line:
                    _play(agent.stream(line, cancel=cancel), writer)
            if signals.asked_to_end:
                break
    return ANSWERED


def _again(agent: Agent, command: str, writer: TerminalWriter, cancel: threading.Event) -> None:
    if command == "/retry" and agent.messages:
        _play(agent.stream_retry(cancel=cancel), writer)
    elif command == "/continue" and agent.unfinished:
        _play(agent.stream_resume(cancel=cancel), writer)
    else:
        writer.say("There is nothing to go on from.")


def _line(signals: SignalHandler) -> str | None:
    """The next line of input, None at its end. Ctrl-C discards the line so far."""
    typed = sys.stdin.isatty()
    while True:
        try:
            return input("> " if typed else "").strip()
        except (EOFError, KeyboardInterrupt) as end:
            if typed:
                print()
            if isinstance(end, EOFError) or signals.asked_to_end or not typed:
                return None


def _doctor(options: argparse.Namespace, mode: Mode, _signals: SignalHandler) -> int:
    from app.core.doctor import report

    with _open_service(options, mode) as service:
        return report(service)


# -- shared by the commands ----------------------------------------------------------------------


def _play(events: Iterable[Event], writer: Writer) -> TurnReason:
    """Write a turn. Returns how it ended."""
    from app.core.agent.events import TurnFinished

    reason: TurnReason = "error"
    for event in events:
        writer.handle(event)
        if isinstance(event, TurnFinished):
            reason = event.reason
    return reason


@contextlib.contextmanager
def _open_service(
    options: argparse.Namespace, mode: Mode, history: bool = False
) -> Iterator[Service]:
    """Open the service, and start to load the mode's model in the background."""
    from app.core.service import Service
    from app.core.settings import load

    model = "vision_model" if mode == "vision" else "model"
    named = {model: options.model, "protocol": options.protocol, "max_rounds": options.max_rounds}
    service = Service(load(overrides=named), options.tools_file, history=history)
    try:
        service.folder.keep_temporary_files()
        for problem in service.problems:
            _say(problem)
        service.model_for(mode).start()
        yield service
    finally:
        service.close()


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def command() -> NoReturn:
    """The entry point of `glm` and `python -m app.cli`: run `main` and end the process."""
    code = main()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    # A regular exit of Python would abort if an abandoned thread is still inside llama.cpp.
    os._exit(code)


if __name__ == "__main__":
    command()
