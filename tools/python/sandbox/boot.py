"""The command line of a kernel: Python code that sets the process's limits, then runs ipykernel."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.python.limits import OPEN_FILES, PythonLimits

# The first entry of sys.path is the working directory, where a `random.py` would be taken for
# the standard library's; ipykernel puts it back behind that.
# debugpy is not used, and the kernel starts sooner without it.
# The limits are hard limits, which the code can't raise again; one that the system does not know is
# left out.
# oom_score_adj: when the machine runs out of memory, Linux ends kernels first (proc(5)).
_BOOT = """
import sys
del sys.path[0]
sys.modules["debugpy"] = None
import resource
for name, limit in {limits!r}.items():
    try:
        resource.setrlimit(getattr(resource, name), (limit, limit))
    except (AttributeError, ValueError, OSError):
        pass
try:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")
except OSError:
    pass
{parent}
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""

# PR_SET_PDEATHSIG (1): the kernel is killed with the thread that started it.
# PR_SET_CHILD_SUBREAPER (36): processes that the code leaves running stay children of the kernel,
# and are killed with it. Both from <linux/prctl.h>. A sandbox needs neither: all its processes end
# with its first one.
_BOUND_TO_PARENT = """
if sys.platform == "linux":
    import ctypes
    prctl = ctypes.CDLL(None).prctl
    prctl(1, 9)
    prctl(36, 1)
"""

RESERVED_MB = 64  # that an idle kernel reserves without using it: the stacks of its threads


PYTHON = os.path.normpath(sys.executable)
"""The program as a sandbox has it: started as `folder/../bin/python` it would need that folder."""


def kernel_command(
    connection: Path, limits: PythonLimits, sandboxed: bool, counted: bool = False
) -> list[str]:
    """The command line of a kernel.

    Arguments:
        connection: the connection file that the kernel reads.
        limits: the limits of the session; here those of one process are set.
        sandboxed: whether the kernel runs in a sandbox, and ends with it.
        counted: whether a limit on processes counts the kernel's own alone, so that it can be set.
    """
    parent = "" if sandboxed else _BOUND_TO_PARENT
    return [
        PYTHON,
        "-c",
        _BOOT.format(limits=_resources(limits, counted), parent=parent),
        f"--IPKernelApp.connection_file={connection}",
        "--HistoryManager.enabled=False",
    ]


def _resources(limits: PythonLimits, counted: bool) -> Mapping[str, int]:
    """Limits of one process by their names in `resource`; see setrlimit(2)."""
    mb = 1 << 20
    found = {
        "RLIMIT_DATA": (limits.memory_mb + RESERVED_MB) * mb,
        "RLIMIT_FSIZE": limits.file_mb * mb,
        "RLIMIT_NOFILE": min(OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    if counted:
        found["RLIMIT_NPROC"] = limits.processes
    return found
