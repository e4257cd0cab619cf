"""The back door, as its users run it: a process of its own against a real server, a real kernel
and the bundled model."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.cli.__main__ import main
from app.cli.json_lines import BadRequest, JsonWriter, Request, read_request
from app.cli.signals import SignalHandler
from app.cli.terminal import TerminalWriter
from app.core.agent.events import MessageFinished, TurnFinished
from backends.events import TextDelta
from backends.messages import Message as BackendMessage
from backends.messages import Text as TextPart
from backends.messages import Usage
from tests.support.office_files import make_pdf
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Endless, Finish, Script, Status, Text, ToolCall
from tests.support.scripted_steps import Usage as Counted

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_S = 120  # of a process that hangs

NOISY_TOOL = '''
import os
from tools import tool

print("noise while loading")

@tool
def shout(word: str) -> str:
    """Say it loud."""
    print("noise from print")
    os.system("echo noise from a program")
    try:
        input()
    except EOFError:
        return word.upper()
    return "took a line from standard input"
'''

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nprint(41 + 1)"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines; fails where one is none."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def kinds(self) -> list[str]:
        return [line["type"] for line in self.lines]


class Door:
    """Starts the back door with settings of the test's own, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tmp").mkdir()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GLM_")}
        self.environment = kept | {
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder / "tmp"),
            "GLM_DATA": str(folder / "data"),
            "GLM_RETRIES": "0",
        }

    def start(self, *arguments: str, **changes: Any) -> subprocess.Popen[bytes]:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-m", "app.cli", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, **(streams | changes)
        )

    def run(self, *arguments: str, told: bytes = b"") -> Ended:
        return self.end(self.start(*arguments), told)

    def end(self, process: subprocess.Popen[bytes], told: bytes | None = None) -> Ended:
        try:
            out, err = process.communicate(told, timeout=TIMEOUT_S)
        finally:
            process.kill()
        return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[[Script], ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def start(script: Script) -> ScriptedServer:
        servers.append(ScriptedServer(script).start())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def told(body: dict[str, Any]) -> list[str]:
    """What the user said in a request, in order."""
    return [message["content"] for message in body["messages"] if message["role"] == "user"]


def repeat(body: dict[str, Any]) -> Answer:
    """Says everything that the user said."""
    return [Text(" | ".join(told(body)), size=3), Finish(), Counted(11, 7, 4)]


def call(name: str, arguments: dict[str, Any] | str, *before: Text) -> Answer:
    return [*before, ToolCall(name, arguments), Finish("tool_calls")]


# -- one prompt ----------------------------------------------------------------------------------


def test_the_answer_alone_is_on_standard_output(door: Door, serve: Any) -> None:
    ended = door.run("ask", "--model", serve(repeat).url, "How far is the moon?")
    assert (ended.code, ended.out, ended.err) == (0, "How far is the moon?\n", "")


def test_json_has_the_text_and_how_the_turn_ended(door: Door, serve: Any) -> None:
    ended = door.run(
        "ask", "--json", "--yes", "--model", serve(repeat).url, "Wie weit? 多远\u2028?"
    )
    text, done = ended.lines
    assert ended.code == 0
    assert text == {"type": "text", "text": "Wie weit? 多远\u2028?"}
    assert "多远" in ended.out
    usage = done.pop("usage")
    assert done == {"type": "done", "reason": "stop", "error": None}
    counted = {name: usage.pop(name) for name in ("prompt_tokens", "completion_tokens")}
    assert counted == {"prompt_tokens": 11, "completion_tokens": 7}
    assert usage.pop("cached_tokens") == 4
    assert set(usage) == {"first_token_seconds", "seconds", "tokens_per_second"}
    assert usage["first_token_seconds"] <= usage["seconds"]


def test_an_answer_that_was_cut_is_marked(door: Door, serve: Any) -> None:
    server = serve([[Text("The moon is"), Finish("length")]])
    ended = door.run("ask", "--json", "--model", server.url, "How far is the moon?")
    assert ended.code == 0
    assert ended.lines[-1]["reason"] == "stop"
    assert ended.lines[-1]["truncated"] is True


def test_an_endpoint_that_refuses_is_told_in_one_sentence(door: Door, serve: Any) -> None:
    server = serve([Status(401, {"error": {"message": "no such key"}})])
    ended = door.run("ask", "--json", "--model", server.url, "hello")
    assert (ended.code, ended.kinds) == (1, ["done"])
    assert ended.lines[0]["reason"] == "error"
    assert "GLM_API_KEY" in ended.lines[0]["error"]
    assert ended.err == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "required: command"),
        (["ask"], "required: PROMPT"),
        (["ask", "  "], "The prompt is empty"),
        (["ask", "--file", "a.pdf", "what is it?"], "The mode chat reads no files; use --mode"),
        (["ask", "--image", "a.png", "?"], "The mode chat takes no pictures; use --mode tools or"),
        (["ask", "--mode", "tools", "--file", "a.csv", "-"], "stand with each prompt"),
        (["ask", "--tools-file", "missing.py", "hi"], "missing.py is not there"),
        (["ask", "--mode", "chat", "--tools-file", "t.py", "hi"], "The mode chat has no tools"),
        (["ask", "--max-rounds", "0", "hi"], "should be a number from 1"),
        (["ask", "--protocol", "xml", "hi"], "invalid choice"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    shown = capsys.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    assert sentence in shown.err


def test_no_prompt_at_all_is_wrong_usage(door: Door) -> None:
    ended = door.run("ask", "--model", "http://127.0.0.1:9/v1", "-", told=b"\n \n")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "There was no prompt on standard input.\n"


def test_help_waits_for_no_library(door: Door) -> None:
    source = (
        "import sys, app.cli.__main__\n"
        "try: app.cli.__main__.main(['ask', '--help'])\n"
        "except SystemExit as end: print('exit', end.code)\n"
        "print(*sorted({'xllamacpp', 'httpx', 'httpx2', 'pandas', 'streamlit', 'torch',"
        " 'transformers', 'jupyter_client', 'pydantic'} & set(sys.modules)), end='.')"
    )
    out = subprocess.run(
        [sys.executable, "-c", source],
        env=door.environment, cwd=door.folder, capture_output=True, timeout=TIMEOUT_S, check=True,
    ).stdout.decode()  # fmt: skip
    assert "--max-rounds" in out
    assert out.endswith("exit 0\n.")


# -- tools ---------------------------------------------------------------------------------------


def test_a_tool_that_prints_does_not_get_in_among_the_json(door: Door, serve: Any) -> None:
    file = door.folder / "noisy.py"
    file.write_text(NOISY_TOOL)
    server = serve([call("shout", {"word": "hey"}, Text("I shout.")), [Text("Done.")]])
    ended = door.run("ask", "--json", "--tools-file", str(file), "--model", server.url, "hi")
    assert ended.code == 0
    assert ended.kinds == ["text", "tool_call", "tool_result", "text", "done"]
    assert ended.lines[1] == {
        "type": "tool_call", "id": "call_1", "name": "shout", "arguments": {"word": "hey"},
    }  # fmt: skip
    assert ended.lines[2] == {
        "type": "tool_result", "id": "call_1", "name": "shout", "text": "HEY", "error": None,
        "attachments": [],
    }  # fmt: skip
    for noise in ("while loading", "from print", "from a program"):
        assert f"noise {noise}" in ended.err


def test_calls_and_results_are_shown_beside_the_answer(door: Door, serve: Any) -> None:
    (door.folder / "noisy.py").write_text(NOISY_TOOL)
    (door.folder / "broken.py").write_text("def half(:")
    files = ("--tools-file", "noisy.py", "--tools-file", "broken.py")
    server = serve([call("shout", {"word": "hey"}), [Text("Done.")]])
    ended = door.run("ask", *files, "--model", server.url, "hi")
    assert (ended.code, ended.out) == (0, "Done.\n")
    assert "[shout] hey\n" in ended.err
    assert "-> HEY (" in ended.err
    assert "broken.py, line 1" in ended.err and "Traceback" not in ended.err


def test_the_round_limit_ends_the_turn_and_odd_arguments_are_given_as_they_came(
    door: Door, serve: Any
) -> None:
    server = serve([call("convert_units", '{"value": ')])
    arguments = ("--mode", "tools", "--max-rounds", "1", "--model", server.url)
    ended = door.run("ask", "--json", *arguments, "hi")
    assert (ended.code, ended.kinds) == (1, ["tool_call", "tool_result", "done"])
    assert ended.lines[0]["arguments"] == {"input": '{"value": '}
    assert "not valid JSON" in ended.lines[1]["error"]
    assert ended.lines[-1]["reason"] == "tool_limit"
    assert len(server.requests) == 1


def test_a_figure_can_be_read_after_the_end(door: Door, serve: Any) -> None:
    server = serve([call("python", {"code": PLOT}), [Text("There.")]])
    ended = door.run("ask", "--json", "--mode", "tools", "--model", server.url, "plot")
    result = ended.lines[1]
    (attachment,) = result["attachments"]
    path = Path(attachment["path"])
    assert (ended.code, result["error"]) == (0, None)
    assert "42" in result["text"]
    assert (attachment["mime"], attachment["name"]) == ("image/png", path.name)
    assert path.is_absolute() and path.read_bytes().startswith(b"\x89PNG")
    folder = next(each for each in path.parents if each.name.startswith("glm-"))
    assert f"Files are kept in {folder}\n" in ended.err


def test_raw_glm4_text_is_read_as_calls(door: Door, serve: Any) -> None:
    server = serve([[Text("python\nprint(6 * 7)", size=4)], [Text("\nIt is 42.")]])
    ended = door.run(
        "ask", "--json", "--mode", "tools", "--protocol", "glm4", "--model", server.url, "6 * 7?"
    )
    assert ended.kinds == ["tool_call", "tool_result", "text", "done"]
    assert ended.lines[0]["name"] == "python"
    assert ended.lines[0]["arguments"] == {"code": "print(6 * 7)"}
    assert ended.lines[1]["text"].strip() == "42"
    assert ended.lines[2]["text"].strip() == "It is 42."
    assert list((door.folder / "tmp").glob("glm-*")) == []  # nothing was left, nothing is kept


def test_files_lie_in_the_folder_before_the_model_is_asked(door: Door, serve: Any) -> None:
    table = door.folder / "数据 [1].csv"
    table.write_bytes(b"n\n1\n2\n")
    code = "from pathlib import Path; print(Path('数据 [1].csv').read_text().split())"
    server = serve([call("python", {"code": code}), [Text("Two rows.")]])
    arguments = ("ask", "--json", "--mode", "tools", "--model", server.url)
    ended = door.run(*arguments, "--file", str(table), "how many?")
    assert ended.lines[1]["text"].strip() == "['n', '1', '2']"
    said = server.requests[0].body["messages"][-1]["content"]
    assert said == "[file 数据 [1].csv, 6 bytes, in the working directory]\nhow many?"
    assert list((door.folder / "tmp").glob("glm-*")) == []  # a copy alone is not kept
    line = json.dumps({"prompt": "p", "files": ["missing.csv"]}).encode()
    ended = door.run(*arguments, "-", told=line)
    assert (ended.code, ended.kinds) == (1, ["done"])
    why = "The file missing.csv can't be read: No such file or directory."
    assert ended.lines[0]["error"] == why


# -- prompts from standard input -----------------------------------------------------------------


def test_each_line_begins_anew_unless_it_continues(door: Door, serve: Any) -> None:
    lines = [
        b"one",
        b"",
        b'{"prompt": "two", "continue": true}',
        b"three \xff",
        b'{"prompt": "four", "continue": tru',
        b'{"prompt": "five", "files": ["a.pdf"]}',
        b'{"prompt": " "}',
        '{"prompt": "six 六"}'.encode(),
    ]
    ended = door.run("ask", "--json", "--model", serve(repeat).url, "-", told=b"\n".join(lines))
    assert [line["text"] for line in ended.lines if line["type"] == "text"] == [
        "one", "one | two", "three \ufffd", "six 六",
    ]  # fmt: skip
    done = [line for line in ended.lines if line["type"] == "done"]
    stop, error = "stop", "error"
    assert [line["reason"] for line in done] == [stop, stop, stop, error, error, error, stop]
    assert ended.code == 0


def test_the_last_turn_decides_the_exit_code(door: Door, serve: Any) -> None:
    server = serve([[Text("one")], Status(401, {"error": {"message": "no"}}), [Text("three")]])
    arguments = ("ask", "--model", server.url, "-")
    ended = door.run(*arguments, told=b"1\n2\n")
    assert (ended.code, ended.out) == (1, "one\n")
    assert ended.err.count("\n") == 1 and "GLM_API_KEY" in ended.err
    ended = door.run(*arguments, told=b"3\n{\n")
    assert (ended.code, ended.out) == (1, "three\n")
    assert "no valid request" in ended.err


def test_a_line_is_answered_before_the_next_is_written(door: Door, serve: Any) -> None:
    process = door.start("ask", "--json", "--model", serve(repeat).url, "-")
    assert process.stdin is not None and process.stdout is not None
    with give_up(process):
        for word in ("one", "two"):
            process.stdin.write(f"{word}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == word
            assert json.loads(process.stdout.readline())["type"] == "done"
        assert door.end(process).code == 0


def test_variables_last_as_long_as_a_conversation(door: Door, serve: Any) -> None:
    def script(body: dict[str, Any]) -> Answer:
        last = body["messages"][-1]
        return [Text("ok")] if last["role"] == "tool" else call("python", {"code": told(body)[-1]})

    lines = [
        {"prompt": "x = 5"},
        {"prompt": "print(x)", "continue": True},
        {"prompt": "print(x)"},
    ]
    given = "\n".join(map(json.dumps, lines)).encode()
    ended = door.run(
        "ask", "--json", "--mode", "tools", "--model", serve(script).url, "-", told=given
    )
    _, same, other = [line for line in ended.lines if line["type"] == "tool_result"]
    assert same["text"].strip() == "5"
    assert "NameError" in other["error"]


# -- stopping ------------------------------------------------------------------------------------


class give_up:
    """Kills a process that hangs, so that what reads from it comes to an end."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._timer = threading.Timer(TIMEOUT_S, process.kill)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()


def until(condition: Callable[[], object]) -> None:
    ends = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)


def test_ctrl_c_keeps_what_came_and_ends_the_run(door: Door, serve: Any) -> None:
    server = serve([[Endless("word ")]])
    process = door.start("ask", "--model", server.url, "-")
    assert process.stdin is not None and process.stdout is not None
    with give_up(process):
        process.stdin.write(b"go\nnever asked\n")
        process.stdin.flush()
        assert process.stdout.read(5) == b"word "
        process.send_signal(signal.SIGINT)
        ended = door.end(process)
    assert ended.code == 1
    assert ended.out.endswith("\n") and set(ended.out.split()) <= {"word"}
    assert ended.err == "Stopped.\n"
    assert server.requests[0].gone.wait(TIMEOUT_S)
    assert len(server.requests) == 1


def test_ctrl_c_with_json_says_that_it_was_cancelled(door: Door, serve: Any) -> None:
    server = serve([[Endless("word ")]])
    process = door.start("ask", "--json", "--model", server.url, "go")
    with give_up(process):
        until(lambda: server.requests)
        process.send_signal(signal.SIGINT)
        ended = door.end(process)
    *texts, done = ended.lines
    assert (ended.code, done["reason"], done["error"]) == (1, "cancelled", None)
    assert {line["type"] for line in texts} <= {"text"}


def test_a_second_signal_aborts_and_one_between_turns_too() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    try:
        stopping = SignalHandler()
        with stopping.turn() as cancel:
            signal.raise_signal(signal.SIGINT)
            assert cancel.is_set() and not stopping.asked_to_end
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert stopping.asked_to_end
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def test_a_request_to_end_takes_the_kernel_along(door: Door, serve: Any) -> None:
    mark = f"of-{door.folder}"
    code = f"import subprocess\nsubprocess.run(['sh', '-c', 'sleep 600; true', {mark!r}])"

    def started() -> list[psutil.Process]:
        found = psutil.process_iter(["cmdline"])
        return [process for process in found if mark in (process.info["cmdline"] or ())]

    server = serve([call("python", {"code": code})])
    process = door.start("ask", "--json", "--mode", "tools", "--model", server.url, "go")
    with give_up(process):
        until(started)
        process.send_signal(signal.SIGTERM)
        ended = door.end(process)
    assert (ended.code, ended.lines[-1]["reason"]) == (1, "cancelled")
    assert not started()
    assert list((door.folder / "tmp").iterdir()) == []


def test_a_reader_that_has_enough_ends_it_quietly(door: Door, serve: Any) -> None:
    process = door.start("ask", "--model", serve([[Endless("word ")]]).url, "go")
    assert process.stdout is not None and process.stderr is not None
    with give_up(process):
        process.stdout.read(5)
        process.stdout.close()
        assert process.wait(TIMEOUT_S) == 1
        assert process.stderr.read() == b""


# -- the chat ------------------------------------------------------------------------------------


class Screen:
    """A chat in a pseudo-terminal: what it shows, and the keys."""

    def __init__(self, door: Door, *arguments: str) -> None:
        ours, theirs = pty.openpty()
        self._keys = ours
        self.process = door.start(
            *arguments,
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=_own_terminal,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def until(self, text: str, again: str = "") -> None:
        """Reads until `text` is shown, and forgets all up to it; `again` are keys that are
        pressed once more where nothing comes."""
        while text not in self.shown:
            if again and not select.select([self._keys], [], [], 1)[0]:
                self.type(again)
                continue
            try:
                piece = os.read(self._keys, 4096)
            except OSError:  # nobody is there any more
                piece = b""
            assert piece, f"ended before {text!r}: {self.shown[-500:]!r}"
            self.shown += piece.decode(errors="replace")
        self.shown = self.shown.split(text, 1)[1]

    def type(self, keys: str) -> None:
        os.write(self._keys, keys.encode())


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_chat_in_a_terminal(door: Door, serve: Any) -> None:
    def script(body: dict[str, Any]) -> Answer:
        said = told(body)
        if said[-1] == "go":
            return [Endless("word ")]
        return [Text(f"<{' '.join(said)}> \x1b]0;renamed\x07")]

    server = serve(script)
    screen = Screen(door, "chat", "--model", server.url)
    with give_up(screen.process):
        screen.until("> ")
        screen.type("one\n")
        screen.until("<one> ]0;renamed\r\n")  # without what would rename the window
        screen.until("> ")
        screen.type("/retry\n")
        screen.until("<one> ")
        screen.until("> ")
        screen.type("go\n")
        screen.until("word word ")
        screen.type("\x03")
        screen.until("Stopped.")
        screen.until("> ")
        screen.type("/clear\n")
        screen.until("A new conversation.")
        screen.until("> ")
        screen.type("half a line")
        screen.until("half a line")
        screen.type("\x03")  # readline misses a signal that comes just before it waits for a key
        screen.until("\r\n> ", again="\x03")
        screen.type("two\n")
        screen.until("<two> ")
        screen.until("> ")
        screen.type("/help\n")
        screen.until("/clear")
        screen.until("> ")
        screen.type("/nonsense\n")
        screen.until("/nonsense: see /help.")
        screen.until("> ")
        screen.type("\x04")
        assert screen.process.wait(TIMEOUT_S) == 0
    assert server.requests[2].gone.is_set()
    assert told(server.requests[-1].body) == ["two"]


@pytest.fixture
def locked(door: Door) -> str:
    make_pdf(door.folder / "locked.pdf", password="geheim-é")
    return "locked.pdf"


def test_a_locked_file_asks_for_its_password_in_a_terminal(
    door: Door, serve: Any, locked: str
) -> None:
    server = serve([[Text("It grew.")], [Text("Nothing to read.")]])
    ask = ("ask", "--mode", "documents", "--file", locked, "How much?", "--model", server.url)
    screen = Screen(door, *ask)
    with give_up(screen.process):
        screen.until("A password is needed for locked.pdf.")
        screen.type("wrong\n")
        screen.until("That password does not open locked.pdf.")
        screen.type("geheim-é\n")
        screen.until("It grew.")
        assert "geheim" not in screen.shown
        assert screen.process.wait(TIMEOUT_S) == 0
    assert "57 million" in str(server.requests[0].body)
    for keys, code in (("\n", 0), ("\x03", 1)):  # without it; and not at all
        screen = Screen(door, *ask)
        with give_up(screen.process):
            screen.until("A password is needed for locked.pdf.")
            screen.type(keys)
            assert screen.process.wait(TIMEOUT_S) == code
    assert len(server.requests) == 2 and "57 million" not in str(server.requests[1].body)


def test_passwords_come_with_a_prompt(door: Door, serve: Any, locked: str) -> None:
    server = serve([[Text("It grew.")], [Text("Nothing to read.")]])
    asked = {"prompt": "How much?", "files": [locked]}
    lines = [asked | {"passwords": {locked: word}} for word in ("geheim-é", "wrong")]
    ended = door.run(
        "ask", "--mode", "documents", "--json", "-", "--model", server.url,
        told="\n".join(map(json.dumps, lines)).encode(),
    )  # fmt: skip
    assert ended.code == 0 and ended.kinds == ["text", "done"] * 2
    assert "57 million" in str(server.requests[0].body)
    assert "57 million" not in str(server.requests[1].body)


def test_a_chat_goes_on_after_the_round_limit(door: Door, serve: Any) -> None:
    server = serve([call("days_between", {}), [Text("Now I know.")]])
    arguments = ("chat", "--mode", "tools", "--max-rounds", "1", "--model", server.url)
    ended = door.run(*arguments, told=b"/continue\nhow long?\n/continue\n/continue\n")
    assert (ended.code, ended.out) == (0, "Now I know.\n")
    assert ended.err.count("nothing to go on from") == 2
    assert "limit of tool rounds" in ended.err


# -- the real model ------------------------------------------------------------------------------


def test_the_bundled_model_answers(door: Door) -> None:
    door.environment["GLM_MAX_TOKENS"] = "24"
    door.environment["GLM_SLOTS"] = "many"
    ended = door.run("ask", "--json", "Say hello.")
    assert ended.kinds == ["text", "done"]
    assert ended.lines[0]["text"].strip()
    assert ended.lines[1]["usage"]["completion_tokens"] > 0
    assert ended.code == 0
    assert "GLM_SLOTS is 'many'" in ended.err


# -- lines and streams, without a process --------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("plain text\r\n", Request(prompt="plain text")),
        ('"quoted"', Request(prompt='"quoted"')),
        ("[1, 2]", Request(prompt="[1, 2]")),
        (' {"prompt": "a\\nb"}', Request(prompt="a\nb")),
        ('{"prompt": "p", "images": ["i.png"]}', Request(prompt="p", images=("i.png",))),
        ('{"prompt": "p", "continue": true}', Request(prompt="p", **{"continue": True})),
    ],
)
def test_a_line_becomes_a_request(line: str, request_: Request) -> None:
    assert read_request(line) == request_


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "JSON"),
        ("{}", "prompt"),
        ('{"prompt": 3}', "prompt"),
        ('{"prompt": "p", "continue": 1}', "continue"),
        ('{"prompt": "p", "file": "a"}', "file"),
        ('{"prompt": "p", "files": "a"}', "files"),
        ('{"prompt": "\\ud800"}', "JSON"),
        ('{"prompt": "\ud800"}', "unicode"),
        ('{"prompt":' + "[" * 100_000, "JSON"),
    ],
)
def test_a_bad_line_is_named_in_one_sentence(line: str, named: str) -> None:
    with pytest.raises(BadRequest, match=named) as caught:
        read_request(line)
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


def test_the_speed_of_a_turn_leaves_its_tools_out() -> None:
    out = io.StringIO()
    writer = JsonWriter(out)
    for tokens in (11, 21):  # 10 tokens in a second, 20 in another
        usage = Usage(completion_tokens=tokens, first_token=0.5, seconds=1.5)
        writer.handle(MessageFinished(BackendMessage("assistant", (TextPart("a"),), usage=usage)))
    writer.handle(TurnFinished("stop", Usage(completion_tokens=32, first_token=0.5, seconds=60.0)))
    done = json.loads(out.getvalue().splitlines()[-1])
    assert done["usage"]["tokens_per_second"] == 15
    assert done["usage"]["seconds"] == 60


def test_a_file_gets_the_answer_exactly() -> None:
    out, err = io.StringIO(), io.StringIO()
    writer = TerminalWriter(out, err)
    for event in (
        TextDelta("\n"),
        TextDelta("a\x1b[1m"),
        TextDelta("\n\n"),
        MessageFinished(BackendMessage("assistant")),
        TurnFinished("stop", Usage()),
    ):
        writer.handle(event)
    assert (out.getvalue(), err.getvalue()) == ("a\x1b[1m\n\n", "")


# -- the web -------------------------------------------------------------------------------------


def test_calls_that_act_after_a_search_need_yes(door: Door, serve: Any, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "otters.md").write_text("# Otters\n\nThey hold hands.\n")
    (tmp_path / "acts.py").write_text(
        "from tools import tool\n\n"
        "@tool(acts=True)\ndef send_letter(to: str) -> str:\n"
        '    """Send a letter."""\n    return f"Sent to {to}."\n'
    )
    door.environment["GLM_SEARCH"] = f"local:{tmp_path / 'pages'}"
    for option, said in (((), "can't be asked for here"), (("--yes",), "Sent to Ann.")):
        server = serve(
            [call("search", {"query": "otters"}), call("send_letter", {"to": "Ann"}), Text("Done.")]
        )
        ended = door.run(
            "ask", "--json", *option, "--tools-file", str(tmp_path / "acts.py"),
            "--model", server.url, "Write to Ann",
        )  # fmt: skip
        found, sent = [line for line in ended.lines if line["type"] == "tool_result"]
        assert "[0] Otters" in found["text"] and found["attachments"] == []
        assert said in sent["text"]
        assert ended.code == 0 and "Files are kept" not in ended.err
