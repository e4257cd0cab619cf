"""Starts each kernel in a bubblewrap sandbox, with its own Linux namespaces.

The code sees the system's and Python's programs and libraries, all read-only; the session's
workspace as `/mnt/data`; an empty `/tmp`. It sees no network, no other processes, and none of the
server's environment variables. A server that runs as root gives each workspace an unused user id,
and the kernel runs as that user.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.python.limits import PythonLimits
from tools.python.sandbox import bwrap_command
from tools.python.sandbox.boot import PYTHON, kernel_command
from tools.python.sandbox.launcher import MATPLOTLIB, KernelProcess, spawn
from tools.python.sandbox.process import SandboxedProcess
from tools.python.sandbox.seccomp import program
from tools.safe_files import give_folder, write_into

log = logging.getLogger(__name__)

KERNEL_FOLDER = "/run/kernel"  # path in the sandbox of the connection file and the sockets
PROOF_FILE = "it-works"
TRIAL_TIMEOUT_S = 60.0

# Unused user ids are taken from the upper half of the range: the usual tools assign ids there to
# containers only (systemd's "Users, Groups, UIDs and GIDs").
_MAX_USER_ID = (1 << 31) - 2
_MIN_USER_IDS = 10_000


class SandboxFailed(OSError):
    """bubblewrap did not start; its own message is in its output."""


@dataclass(frozen=True)
class Bubblewrap:
    """A `KernelLauncher` that starts each kernel in its own sandbox."""

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
        settings = json.loads(connection.read_text())
        inside = settings | {"ip": f"{KERNEL_FOLDER}/k"}
        sockets = {
            Path(f"{settings['ip']}-{port}"): box / f"k-{port}"
            for name, port in settings.items()
            if name.endswith("_port")
        }
        write_into(box, connection.name, json.dumps(inside).encode())
        user = owner_of(workspace) if _trial().own_users else None
        folders = {
            workspace: bwrap_command.WORKSPACE,
            box: KERNEL_FOLDER,
            config: bwrap_command.CONFIG,
        }
        for folder in folders:
            give_folder(folder, user)
        counted = user is not None or _counts_by_namespace()
        command = [
            *bwrap_command.run_as(user),
            *kernel_command(
                Path(KERNEL_FOLDER, connection.name), self.limits, sandboxed=True, counted=counted
            ),
        ]
        with open(private / "log", "wb") as log:
            process, inner = _start(
                bwrap_command.arguments(user, self.limits, folders), command, log.fileno()
            )
        try:
            # For a kernel with its own user the sandbox's first process does not count.
            refused_at = self.limits.processes + (user is not None) if counted else None
            return SandboxedProcess(process, inner, self.limits, folders, sockets, refused_at)
        except OSError:
            process.kill()
            raise


@dataclass(frozen=True)
class Trial:
    """Whether sandboxes work on this machine. `trouble`: the reason why not, else None;
    `own_users`: whether each kernel can run as its own user."""

    trouble: str | None = None
    own_users: bool = False


def why_not() -> str | None:
    """The reason why sandboxes don't work on this machine, else None. Tried once in a process."""
    return _trial().trouble


@cache
def _trial() -> Trial:
    if sys.platform != "linux":
        return Trial("bubblewrap runs on Linux alone")
    if shutil.which("bwrap") is None:
        return Trial("bubblewrap is not installed")
    output = ""
    with tempfile.TemporaryDirectory() as folder:
        for user in dict.fromkeys((owner_of(Path(folder)), None)):
            # One workspace for each: after it was given to a user, others can't open it.
            workspace = Path(folder, f"of-{user}")
            workspace.mkdir(mode=0o700)
            output = _run_trial(workspace, user)
            if (workspace / PROOF_FILE).exists():
                return Trial(own_users=user is not None)
    log.warning("bubblewrap can't be used: %s", output)
    # The part after the last colon is the system's error message, without a path.
    return Trial(f"bubblewrap can't run here ({output.rpartition(': ')[2] or 'it said nothing'})")


def _run_trial(workspace: Path, user: int | None) -> str:
    """Let a sandboxed Python write the file `PROOF_FILE`, and return its error output."""
    code = f"import zmq; open({PROOF_FILE!r}, 'w').close()"
    with tempfile.TemporaryFile() as output, contextlib.suppress(OSError):
        give_folder(workspace, user)
        options = bwrap_command.arguments(
            user, PythonLimits(), {workspace: bwrap_command.WORKSPACE}
        )
        command = [*bwrap_command.run_as(user), PYTHON, "-c", code]
        try:
            process, _ = _start(options, command, output.fileno())
            try:
                process.wait(timeout=TRIAL_TIMEOUT_S)
            finally:
                process.kill()
        except (SandboxFailed, subprocess.TimeoutExpired):
            pass
        output.seek(0)
        return output.read().decode(errors="replace").strip()
    return ""


def _counts_by_namespace() -> bool:
    """Whether RLIMIT_NPROC counts the processes of each user namespace by itself (Linux 5.14)."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return release is not None and (int(release[1]), int(release[2])) >= (5, 14)


# -- bubblewrap itself -------------------------------------------------------------------------


def _start(
    options: list[str], command: list[str], output: int
) -> tuple[subprocess.Popen[bytes], int]:
    """Start bubblewrap. Returns its process, and the id of the first process in the sandbox.

    `output`: descriptor of the file for error output. Raises `SandboxFailed`.
    """
    with contextlib.ExitStack() as stack:
        # Options are passed in a file, because code in the sandbox can read the command line.
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
        with open(os.dup(read), "rb") as info:
            reply = info.read()
    try:
        return process, int(json.loads(reply)["child-pid"])
    except (ValueError, KeyError):
        process.kill()
        process.wait()
        raise SandboxFailed("bubblewrap did not start.") from None


def _file(data: bytes) -> int:
    """Descriptor of an in-memory file with `data`, at its beginning."""
    file = os.memfd_create("sandbox")
    os.write(file, data)
    os.lseek(file, 0, os.SEEK_SET)
    return file


# -- the owner of a workspace: an unused user id, where the server runs as root --------------------


def owner_of(workspace: Path) -> int | None:
    """The user id for code that works in `workspace`; None where it must be the server's own."""
    ids = _spare_ids()
    if ids is None:
        return None
    user = workspace.stat().st_uid
    return user if user in ids else random.SystemRandom().choice(ids)


def _spare_ids() -> range | None:
    """User ids that nobody uses and that root can run a process as; None without root's rights."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    try:
        first, _, count = map(int, Path("/proc/self/uid_map").read_text().split()[-3:])
    except (OSError, ValueError):
        return None
    highest = min(first + count - 2, _MAX_USER_ID)
    return range(highest // 2, highest) if count >= _MIN_USER_IDS else None
