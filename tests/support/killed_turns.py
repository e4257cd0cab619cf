"""Kills a process in the middle of a conversation, and looks at what the next one finds.

with KilledTurns(folder) as killed:
    faults = killed.kill(after_s=1.3)
"""

from __future__ import annotations

import itertools
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from app.core.history.database import FILE_NAME
from backends.messages import Message
from tests.support.running_app import ROOT
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Answer, Finish, Text, ToolCall
from tests.support.turns_child import VISITOR, open_sessions

LOST_S = 1.0
"""What a kill may lose of a running answer."""
SLACK_S = 0.5
"""For the time between a draw, its line on standard output, and the write to the disk."""
WORDS = "word " * 60


class KilledTurns:
    """One conversation on a scripted model. `database` is the URL of a PostgreSQL, empty for the
    file in `folder`."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder, self.database = folder, database
        self._numbers = itertools.count(1)
        self.server = ScriptedServer(self._answer)
        self.finished = 0
        """Messages that were seen before a kill, of all kills together."""

    def __enter__(self) -> KilledTurns:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def kill(self, after_s: float) -> list[str]:
        """Starts a process, kills it so long after its first message, and opens the conversation
        again; returns what is wrong with it, nothing where all is well."""
        seen = self._killed(after_s)
        last = seen[-1]
        self.finished += len(last["ids"])
        faults = [] if self.database else _whole(self.folder)
        sessions = open_sessions(self.folder, self.database, self.server.url)
        try:
            session = sessions.open(VISITOR, "tools", last["id"])
            assert session.recorder is not None
            messages = session.view().conversation.messages
            stored = session.recorder.messages()
            if session.id != last["id"]:
                faults.append("the conversation is gone")
            if lost := [id for id in last["ids"] if id not in stored]:
                faults.append(f"{len(lost)} finished messages are lost")
            # The messages after those that were seen: an answer that was cut off, or finished.
            after = [m for m in messages if m.id not in last["ids"]]
            faults += _shorter(seen, after)
            faults += _files(session.workspace, messages)
        finally:
            sessions.close()
            if sessions.history is not None:
                sessions.history.close()
        ran = (self.folder / "ran").read_text().split() if (self.folder / "ran").exists() else []
        if len(ran) != len(set(ran)):
            faults.append("a call ran twice")
        if left := [p.pid for p in psutil.process_iter() if str(self.folder) in _command(p)]:
            faults.append(f"{len(left)} processes are left")
        return faults

    def _killed(self, after_s: float) -> list[dict[str, Any]]:
        """What the process said until it was killed."""
        seen: list[dict[str, Any]] = []
        command = [sys.executable, "-m", "tests.support.turns_child"]
        arguments = [str(self.folder), self.database, self.server.url]
        with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            killer = threading.Timer(after_s, process.send_signal, [signal.SIGKILL])
            for line in process.stdout:
                if not seen:
                    killer.start()
                if line.endswith(b"\n"):
                    seen.append(json.loads(line))
            killer.cancel()
        if process.returncode != -signal.SIGKILL:
            raise RuntimeError(f"the process ended by itself, with {process.returncode}")
        seen[-1]["killed"] = time.monotonic()
        return seen

    def _answer(self, body: dict[str, Any]) -> Answer:
        """A call, then words for half a second, then another call, and words again."""
        results = list(
            itertools.takewhile(lambda m: m["role"] != "user", reversed(body["messages"]))
        )
        if len([m for m in results if m["role"] == "tool"]) < 2:
            call = ToolCall("note", {"n": next(self._numbers)}, id=f"call_{time.monotonic_ns()}")
            return [Text(WORDS, size=5, rate=100), call, Finish("tool_calls")]
        return Text(WORDS, size=5, rate=100)


def _whole(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "history" / FILE_NAME)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    return [f"the database is not whole: {found}"] if found != "ok" or broken else []


def _shorter(seen: list[dict[str, Any]], after: list[Message]) -> list[str]:
    """Whether the answer that was running is shorter than it was a second before the kill."""
    last = seen[-1]
    due = [
        each["length"]
        for each in seen
        if each["ids"] == last["ids"] and each["at"] < last["at"] - LOST_S - SLACK_S
    ]
    kept = next((len(m.text) for m in after if m.role == "assistant"), 0)
    if due and kept < max(due):
        return [f"{max(due) - kept} characters older than {LOST_S} s are lost"]
    return []


def _files(workspace: Path, messages: tuple[Message, ...]) -> list[str]:
    """Whether the files of all calls but the last one came back."""
    noted = [
        m.result.text.removeprefix("noted ") for m in messages if m.result and not m.result.error
    ]
    for n in noted[:-1]:
        path = workspace / f"{n}.txt"
        if not path.exists() or path.read_text() != n * 1000:
            return [f"the file of call {n} is not there"]
    return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
