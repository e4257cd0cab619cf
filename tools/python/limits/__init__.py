"""What one session's Python may use, and a name for each limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.python.limits.measurement import MAX_DEPTH, MAX_PATH_BYTES

SHARED_MEMORY_MB = 64  # of a sandbox's /dev/shm, for the queues and locks of multiprocessing

OPEN_FILES = 512


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
        return f"limit of {self.file_mb:,} MB for one file"

    @property
    def workspace(self) -> str:
        return f"limit of {self.workspace_mb:,} MB for all files"

    @property
    def depth(self) -> str:
        return (
            f"limit of {MAX_DEPTH} folders inside one another, or {MAX_PATH_BYTES:,} bytes a path"
        )

    @property
    def in_memory(self) -> Mapping[str, str]:
        """The limits of the file systems that a sandbox has in memory, by their paths there."""
        return {
            "/tmp": f"limit of {self.file_mb:,} MB for /tmp",
            "/dev/shm": f"limit of {SHARED_MEMORY_MB:,} MB for /dev/shm",
        }


def stopped_at(limit: str) -> str:
    """What is told of a call that was ended at a limit."""
    return f"The code was stopped at the {limit}."
