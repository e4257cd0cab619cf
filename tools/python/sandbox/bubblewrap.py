"""Kernels in a sandbox of bubblewrap: namespaces of their own, and next to nothing in them.

What code in it sees: the programs and libraries of the system and Python's own, all read-only;
`/mnt/data`, which is the session's workspace; an empty `/tmp`; no network, no other process, no
variable of the server's. A server that runs as root gives each workspace to a user id that
nothing else has, and the kernel runs as that one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.python.limits import PythonLimits
from tools.python.limits.monitor import ResourceMonitor
from tools.python.sandbox import bwrap_command
from tools.python.sandbox.boot import PYTHON, kernel_command
from tools.python.sandbox.launcher import MATPLOTLIB, KernelProcess, spawn
from tools.python.sandbox.seccomp import program
from tools.python.sandbox.socket_relay import Relay
from tools.safe_files import write_into

log = logging.getLogger(__name__)

BOX = "/run/kernel"  # where the connection file and the sockets lie, in the sandbox
OUTPUT_MB = 128  # that a kernel may send in one call; what is shown of it is far less
DYING = 1.0  # seconds until a kernel that has hung up is ended, if it does not end by itself
DEAF = "The code closed the connections of Python itself, and Python was ended."
EXIT_TIMEOUT_S = (
    5.0  # seconds until all processes of a sandbox that was killed are waited for no longer
)
PROOF = "it-works"
TRIAL_SECONDS = 60.0

# Ids that the usual tools give to nobody but containers (systemd's "Users, Groups, UIDs and GIDs").
# Where fewer are there, in a container, the upper half of them.
_HIGHEST = (1 << 31) - 2
_FEWEST = 10_000


class SandboxFailed(OSError):
    """bubblewrap did not start. Its text says why, in bubblewrap's words."""


@dataclass(frozen=True)
class Bubblewrap:
    """Kernels under bubblewrap, each in a sandbox of its own."""

    limits: PythonLimits = PythonLimits()
    network = False
    confined = True
    folder = bwrap_command.WORKSPACE

    def launch(self, connection: Path, workspace: Path) -> KernelProcess:
        """See `KernelLauncher.launch`."""
        private = connection.parent
        box, config = private / "box", private / MATPLOTLIB
        for folder in (box, config):
            folder.mkdir(mode=0o700, exist_ok=True)
        told = json.loads(connection.read_text())
        inside = told | {"ip": f"{BOX}/k"}
        sockets = {
            Path(f"{told['ip']}-{port}"): box / f"k-{port}"
            for name, port in told.items()
            if name.endswith("_port")
        }
        write_into(box, connection.name, json.dumps(inside).encode())
        user = owner_of(workspace) if _trial().own_users else None
        folders = {workspace: bwrap_command.WORKSPACE, box: BOX, config: bwrap_command.CONFIG}
        for folder in folders:
            give(folder, user)
        counted = user is not None or _counts_by_namespace()
        command = [
            *bwrap_command.become(user),
            *kernel_command(
                Path(BOX, connection.name), self.limits, sandboxed=True, counted=counted
            ),
        ]
        with open(private / "log", "wb") as log:
            process, inner = _start(
                bwrap_command.arguments(user, self.limits, folders), command, log.fileno()
            )
        try:
            # As a user of its own the kernel is counted without the first process in there.
            refused_at = self.limits.processes + (user is not None) if counted else None
            return _Sandboxed(process, inner, self.limits, folders, sockets, refused_at)
        except OSError:
            process.kill()
            raise


@dataclass(frozen=True)
class Trial:
    """Whether sandboxes work on this machine: `trouble` says why not. `own_users`: whether each
    kernel can be a user of its own."""

    trouble: str | None = None
    own_users: bool = False


def why_not() -> str | None:
    """None where sandboxes work on this machine, else the reason. It is tried once."""
    return _trial().trouble


@cache
def _trial() -> Trial:
    if sys.platform != "linux":
        return Trial("bubblewrap runs on Linux alone")
    if shutil.which("bwrap") is None:
        return Trial("bubblewrap is not installed")
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        for user in dict.fromkeys((owner_of(Path(folder)), None)):
            # Each its own: once given to a user, a workspace is closed to the next one.
            workspace = Path(folder, f"of-{user}")
            workspace.mkdir(mode=0o700)
            said = _try(workspace, user)
            if (workspace / PROOF).exists():
                return Trial(own_users=user is not None)
    log.warning("bubblewrap can't be used: %s", said)
    # Its last words are the system's, without a path.
    return Trial(f"bubblewrap can't run here ({said.rpartition(': ')[2] or 'it said nothing'})")


def _try(workspace: Path, user: int | None) -> str:
    """Has a sandboxed Python write the file `PROOF`. Returns what was said meanwhile."""
    code = f"import zmq; open({PROOF!r}, 'w').close()"
    with tempfile.TemporaryFile() as output, contextlib.suppress(OSError):
        give(workspace, user)
        options = bwrap_command.arguments(
            user, PythonLimits(), {workspace: bwrap_command.WORKSPACE}
        )
        command = [*bwrap_command.become(user), PYTHON, "-c", code]
        try:
            process, _ = _start(options, command, output.fileno())
            try:
                process.wait(timeout=TRIAL_SECONDS)
            finally:
                process.kill()
        except (SandboxFailed, subprocess.TimeoutExpired):
            pass
        output.seek(0)
        return output.read().decode(errors="replace").strip()
    return ""


def _counts_by_namespace() -> bool:
    """Whether a limit on processes counts those of the sandbox alone: since Linux 5.14."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return release is not None and (int(release[1]), int(release[2])) >= (5, 14)


# -- the process -------------------------------------------------------------------------------


def _start(
    options: list[str], command: list[str], output: int
) -> tuple[subprocess.Popen[bytes], int]:
    """bubblewrap, and its process within the namespaces. Raises `SandboxFailed`."""
    with contextlib.ExitStack() as stack:
        # Handed over in files: the code in the sandbox may read bubblewrap's command line.
        listed = _file("\0".join(options).encode() + b"\0")
        stack.callback(os.close, listed)
        given = [listed]
        line = ["bwrap", "--args", str(listed)]
        if (filtered := program()) is not None:
            given.append(_file(filtered))
            stack.callback(os.close, given[-1])
            line += ["--seccomp", str(given[-1])]
        read, write = os.pipe()
        stack.callback(os.close, read)
        line += ["--info-fd", str(write), "--", *command]

        def start() -> subprocess.Popen[bytes]:
            try:
                return subprocess.Popen(
                    line, env={"PATH": os.environ.get("PATH", os.defpath)},
                    pass_fds=(*given, write), cwd="/", start_new_session=True,
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                )  # fmt: skip
            finally:
                os.close(write)

        process = spawn(start)
        with open(os.dup(read), "rb") as told:
            said = told.read()
    try:
        return process, int(json.loads(said)["child-pid"])
    except (ValueError, KeyError):
        process.kill()
        process.wait()
        raise SandboxFailed("bubblewrap did not start.") from None


def _file(data: bytes) -> int:
    """A file without a name, open at its beginning."""
    file = os.memfd_create("sandbox")
    os.write(file, data)
    os.lseek(file, 0, os.SEEK_SET)
    return file


class _Sandboxed:
    """`inner` is the first process in the sandbox; with it everything in there ends."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        inner: int,
        limits: PythonLimits,
        folders: Iterable[Path],
        sockets: Mapping[Path, Path],
        refused_at: int | None,
    ) -> None:
        self._process, self._inner = process, inner
        self._lock = threading.Lock()
        self._ended = False
        self._handle: int | None = os.pidfd_open(inner)
        self._watch = ResourceMonitor(
            inner, limits, folders, self._end, limits.in_memory, refused_at
        )
        self._relay = Relay(sockets, OUTPUT_MB << 20, self._broken)

    def poll(self) -> int | None:
        status = self._process.poll()
        if status is None and self._ended:
            return -signal.SIGKILL  # bubblewrap itself needs another moment
        # bubblewrap says it as a shell does: 128 and the signal's number.
        return 128 - status if status is not None and status > 128 else status

    def interrupt(self) -> None:
        """To the kernel and what it started, as a terminal does; the first process ignores it."""
        with contextlib.suppress(OSError):
            if self._process.poll() is None:
                os.killpg(self._inner, signal.SIGINT)

    def begin(self) -> None:
        self._relay.begin()
        self._watch.begin()

    def exceeded(self) -> str | None:
        return self._watch.exceeded()

    def crowded(self) -> bool:
        return self._watch.crowded()

    def full(self) -> Collection[str]:
        return self._watch.full()

    def kill(self) -> None:
        self._end()
        with self._lock:
            if self._handle is not None:
                select.select([self._handle], [], [], EXIT_TIMEOUT_S)
                os.close(self._handle)
                self._handle = None
                self._watch.end()
                self._relay.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=EXIT_TIMEOUT_S)

    def _end(self) -> None:
        self._ended = True
        with contextlib.suppress(OSError):
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def _broken(self, flooded: bool) -> None:
        if flooded:
            self._watch.stop(f"limit of {OUTPUT_MB} MB of output")
        else:
            # It is ending, and will have told why. Or it took its sockets away: nothing will be
            # heard of it any more.
            ending = threading.Timer(DYING, self._end_deaf)
            ending.daemon = True
            ending.start()

    def _end_deaf(self) -> None:
        if self._process.poll() is None and not self._ended:
            self._watch.stop_saying(DEAF)
            self._end()


# -- whose a workspace is: a user id that nothing else has, where the server is root ---------------


def owner_of(workspace: Path) -> int | None:
    """The user for the code that works there; None where it has to be the server's own."""
    ids = _spare_ids()
    if ids is None:
        return None
    user = workspace.stat().st_uid
    return user if user in ids else random.SystemRandom().choice(ids)


def give(folder: Path, user: int | None) -> None:
    """Give the folder and what the server put there to `user`. Raises OSError.

    What is the user's already is not looked into, and no link is followed.
    """
    if user is None:
        return
    os.chown(folder, user, user, follow_symlinks=False)
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _give_all(opened, user)
    finally:
        os.close(opened)


def give_new(folder: Path) -> None:
    """The same for what was put into a folder that `give` gave. Raises OSError."""
    user = folder.stat().st_uid
    if os.geteuid() == 0 and user != 0:
        give(folder, user)


def _give_all(folder: int, user: int) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_uid == user:
                    continue
                os.chown(entry.name, user, user, dir_fd=folder, follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                    inner = os.open(entry.name, flags, dir_fd=folder)
                    try:
                        _give_all(inner, user)
                    finally:
                        os.close(inner)


def _spare_ids() -> range | None:
    """Users that root may make a process run as, and that are nobody's."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    try:
        first, _, count = map(int, Path("/proc/self/uid_map").read_text().split()[-3:])
    except (OSError, ValueError):
        return None
    highest = min(first + count - 2, _HIGHEST)
    return range(highest // 2, highest) if count >= _FEWEST else None
