"""Why code failed, as one sentence: from an error's last line, or a process's exit status. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Collection

from tools.python.limits import OPEN_FILES, PythonLimits

DISK = "disk"
"""Among the places that are full: the file system of the workspace. Others are named by a path."""

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
    """What an error of the code comes from; None where the error says all itself.

    `error` is the last line of a traceback, as Python and its libraries write it; `full` the
    places where no room is left. `sandboxed`: the code has a `/tmp` of its own, in memory.
    """
    if not error:
        return None
    if _NO_ROOM.search(error):
        return _no_room(limits, full, sandboxed)
    if _NO_PROCESS.search(error):
        return threads_met(limits)
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


def _no_room(limits: PythonLimits, full: Collection[str], sandboxed: bool) -> str:
    if DISK in full or not sandboxed:
        return DISK_FULL
    met = [limit for path, limit in limits.in_memory.items() if path in full]
    if met:
        return f"The code met the {met[0]}."
    # Room was made since: the code, or who looks after it, has deleted a file.
    return f"There was no room left, on the disk of this server or at a {limits.in_memory['/tmp']}."


def threads_met(limits: PythonLimits) -> str:
    """What is told where the system refused more processes."""
    return (
        f"The code met the {limits.threads}: what could not be started did not run, and its "
        "output may be missing."
    )


def processes_refused(text: str) -> bool:
    """Whether programs or libraries say in their output that they could start no more."""
    return _REFUSED.search(text) is not None


# Python's own words, those of its libraries, of SQLite and HDF5.
_NO_MEMORY = re.compile(r"MemoryError|bad_alloc|\[Errno 12\]|Unable to allocate")
_NO_PROCESS = re.compile(r"can't start new thread|^BlockingIOError: \[Errno 11\]")
_TOO_LARGE = re.compile(r"\[Errno 27\]")
_NO_ROOM = re.compile(r"\[Errno 28\]|errno = 28\b|No space left on device|disk is full")
_NO_QUOTA = re.compile(r"\[Errno 122\]|Disk quota exceeded")
_NO_DESCRIPTOR = re.compile(r"\[Errno 24\]")
_READ_ONLY = re.compile(r"\[Errno 30\]")
# Shells, the C library and ZeroMQ, which Jupyter's output passes through.
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


def what_became(status: int) -> str:
    """How a process ended. `status` is as `subprocess` has it: negative for a signal's number."""
    if status >= 0:
        return f"The code ended the Python process (exit code {status})."
    try:
        number = signal.Signals(-status)
    except ValueError:
        return f"The Python process was ended by signal {-status}."
    return f"The Python process {_SIGNALS.get(number, f'was ended by {number.name}')}."
