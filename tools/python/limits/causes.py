"""Messages on why code failed, from a traceback's last line or a process's exit status. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Collection

from tools.python.limits import OPEN_FILES, PythonLimits

DISK = "disk"
"""The workspace's file system in a list of full ones; others are named by their paths."""

DISK_FULL = (
    "The disk of this server is full: that is no limit of the code's, and nothing can be written "
    "until room is made."
)
QUOTA_USED_UP = (
    "The disk quota of this server's account is used up: that is no limit of the code's, and "
    "nothing can be written until room is made."
)


def cause_of(
    error: str | None, limits: PythonLimits, full: Collection[str] = (), sandboxed: bool = True
) -> str | None:
    """The limit or condition behind an error of the code, as one sentence; None where unknown.

    Arguments:
        error: the last line of the traceback, as Python or a library writes it.
        limits: the limits of the session.
        full: the full file systems: `DISK`, or paths of `limits.in_memory`.
        sandboxed: whether the code runs in a sandbox, with a `/tmp` in memory.
    """
    if not error:
        return None
    if _NO_ROOM.search(error):
        return _disk_full_message(limits, full, sandboxed)
    if _NO_PROCESS.search(error):
        return process_limit_message(limits)
    for pattern, cause in (
        (_NO_MEMORY, limits.memory),
        (_TOO_LARGE, limits.file),
        (_NO_DESCRIPTOR, f"limit of {OPEN_FILES} open files"),
    ):
        if pattern.search(error):
            return f"The code met the {cause}."
    if _NO_QUOTA.search(error):
        return QUOTA_USED_UP
    if sandboxed and _READ_ONLY.search(error):
        return "Only the working directory and /tmp can be written to."
    return None


def _disk_full_message(limits: PythonLimits, full: Collection[str], sandboxed: bool) -> str:
    if DISK in full or not sandboxed:
        return DISK_FULL
    met = [limit for path, limit in limits.in_memory.items() if path in full]
    if met:
        return f"The code met the {met[0]}."
    # A file was deleted after the error, so that no file system is full any more.
    return f"There was no room left, on the disk of this server or at a {limits.in_memory['/tmp']}."


def process_limit_message(limits: PythonLimits) -> str:
    """The message to the model where the system refused more processes or threads."""
    return (
        f"The code met the {limits.threads}: what could not be started did not run, and its "
        "output may be missing."
    )


def processes_refused(text: str) -> bool:
    """Whether the output has an error message of a program or library on a refused process."""
    return _REFUSED.search(text) is not None


# Error messages of Python, its libraries, SQLite and HDF5.
_NO_MEMORY = re.compile(r"MemoryError|bad_alloc|\[Errno 12\]|Unable to allocate")
_NO_PROCESS = re.compile(r"can't start new thread|^BlockingIOError: \[Errno 11\]")
_TOO_LARGE = re.compile(r"\[Errno 27\]")
_NO_ROOM = re.compile(r"\[Errno 28\]|errno = 28\b|No space left on device|disk is full")
_NO_QUOTA = re.compile(r"\[Errno 122\]|Disk quota exceeded")
_NO_DESCRIPTOR = re.compile(r"\[Errno 24\]")
_READ_ONLY = re.compile(r"\[Errno 30\]")
# Error messages of Python, shells, the C library and ZeroMQ, which carries Jupyter's output.
_REFUSED = re.compile(
    r"can't start new thread|[Cc]annot fork|fork: (?:retry: )?Resource temporarily unavailable"
    r"|^Resource temporarily unavailable \(src/thread|\[Errno 11\] Resource temporarily",
    re.MULTILINE,
)


# -- how a process ended ---------------------------------------------------------------------------

_COMPILED = "in most cases that is a fault in a compiled library, or in a call through ctypes"

# See signal(7).
_SIGNALS = {
    signal.SIGSEGV: (
        "crashed with a segmentation fault (SIGSEGV): it used memory that is not its own; "
        + _COMPILED
    ),
    signal.SIGBUS: (
        "crashed with a bus error (SIGBUS): it used a file in memory that has become shorter, or "
        "for which the disk has no room"
    ),
    signal.SIGFPE: f"crashed with an arithmetic error (SIGFPE); {_COMPILED}",
    signal.SIGILL: f"crashed with an illegal instruction (SIGILL); {_COMPILED}",
    signal.SIGABRT: "aborted (SIGABRT): the code, or a library that it uses, gave up",
    signal.SIGSYS: "was ended at a system call that is not allowed here (SIGSYS)",
    signal.SIGKILL: "was killed (SIGKILL): the code did that, or the machine ran out of memory",
    signal.SIGXCPU: "used up its CPU time (SIGXCPU)",
    signal.SIGXFSZ: "wrote to a file beyond its largest size (SIGXFSZ)",
}


def exit_message(status: int) -> str:
    """How a process ended, as one sentence. `status`: as in `subprocess`, negative for a signal."""
    if status >= 0:
        return f"The code ended the Python process (exit code {status})."
    try:
        number = signal.Signals(-status)
    except ValueError:
        return f"The Python process was ended by signal {-status}."
    return f"The Python process {_SIGNALS.get(number, f'was ended by {number.name}')}."
