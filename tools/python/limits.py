"""What one session's Python may use, and a name for each limit."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class PythonLimits:
    """What a call may take and show, and what a session's Python may hold.

    A call: `seconds` by the clock and `cpu_seconds` on all cores, what it leaves running
    included; `characters` of output, `figures`. All processes of the session together:
    `memory_mb`, and `processes` with their threads. Files: `file_mb` one file (in a sandbox all
    of `/tmp`, too), `workspace_mb` the workspace. Megabytes are of 1,048,576 bytes.
    """

    seconds: float = 60.0
    characters: int = 20_000
    figures: int = 50
    memory_mb: int = 1024
    processes: int = 64
    cpu_seconds: float = 60.0
    file_mb: int = 256
    workspace_mb: int = 1024

    @property
    def memory(self) -> str:
        return f"memory limit of {self.memory_mb:,} MB"

    @property
    def threads(self) -> str:
        return f"limit of {self.processes:,} processes and threads"

    @property
    def cpu(self) -> str:
        return f"limit of {self.cpu_seconds:g} CPU seconds"

    @property
    def file(self) -> str:
        return f"limit of {self.file_mb:,} MB for one file, and for /tmp"

    @property
    def workspace(self) -> str:
        return f"limit of {self.workspace_mb:,} MB for all files"

    def met(self, error: str | None) -> str | None:
        """One sentence with the limit that an error of the code comes from, None where none does.

        `error` is the last line of a traceback, as Python and its libraries write it.
        """
        for pattern, limit in (
            (_NO_MEMORY, self.memory),
            (_NO_PROCESS, self.threads),
            (_NO_ROOM, self.file),
        ):
            if error and pattern.search(error):
                return f"The code met the {limit}."
        return None


def stopped_at(limit: str) -> str:
    """What is told of a call that was ended at a limit."""
    return f"The code was stopped at the {limit}."


_NO_MEMORY = re.compile(r"MemoryError|bad_alloc|\[Errno 12\]|Unable to allocate")
_NO_PROCESS = re.compile(r"can't start new thread|^BlockingIOError: \[Errno 11\]")
_NO_ROOM = re.compile(r"\[Errno 27\]|\[Errno 28\]")
