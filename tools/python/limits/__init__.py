"""The limits of one session's Python, each with its name in messages to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.safe_files import MAX_DEPTH, MAX_PATH_BYTES

SHARED_MEMORY_MB = 64  # of a sandbox's /dev/shm, for the queues and locks of multiprocessing

OPEN_FILES = 512


@dataclass(frozen=True)
class PythonLimits:
    """The limits of a call, of all processes of a session together, and of its files.

    Attributes:
        seconds: wall-clock time of a call.
        characters: characters of output that a call shows.
        figures: figures, tables, charts and sounds that a call shows.
        memory_mb: memory of all processes together, in MiB, like all `…_mb`.
        processes: processes and threads, together.
        cpu_seconds: CPU time of a call on all cores, including processes that it leaves running.
        file_mb: size of one file; in a sandbox also of all of `/tmp`.
        workspace_mb: size of the workspace.
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
        """The limits of a sandbox's in-memory file systems, by their paths inside it."""
        return {
            "/tmp": f"limit of {self.file_mb:,} MB for /tmp",
            "/dev/shm": f"limit of {SHARED_MEMORY_MB:,} MB for /dev/shm",
        }


def stopped_message(limit: str) -> str:
    """The message to the model about a call that was ended at `limit`."""
    return f"The code was stopped at the {limit}."
