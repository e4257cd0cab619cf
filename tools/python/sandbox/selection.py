"""Which sandbox is in force, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.python.limits import PythonLimits
from tools.python.sandbox.bubblewrap import Bubblewrap, why_not
from tools.python.sandbox.launcher import ChildProcess, KernelLauncher

Setting = Literal["auto", "bubblewrap", "none"]


@dataclass(frozen=True)
class SandboxChoice:
    """How kernels run: `launcher` is None where the tool is not on offer. `reason` is one
    sentence for the page, and `warning` says that users should know it before they go on."""

    launcher: KernelLauncher | None
    reason: str
    warning: bool = False


def choose_sandbox(setting: Setting, local: bool, limits: PythonLimits) -> SandboxChoice:
    """The way in which kernels are started. `local`: nobody but this machine reaches the server.

    Tries, once in a process, whether bubblewrap works here.
    """
    if setting == "none":
        return SandboxChoice(
            ChildProcess(limits),
            "Python runs without a sandbox, as GLM_PYTHON_SANDBOX=none says: its code can do "
            "whatever the app's user can.",
            warning=True,
        )
    trouble = why_not()
    if trouble is None:
        return SandboxChoice(Bubblewrap(limits), "Python runs in a sandbox (bubblewrap).")
    if setting == "bubblewrap":
        return SandboxChoice(None, f"Python is switched off: {trouble}.", warning=True)
    if local:
        return SandboxChoice(
            ChildProcess(limits),
            f"Python runs without a sandbox, for {trouble}: its code can do whatever the app's "
            "user can. Others can't reach this server.",
            warning=True,
        )
    return SandboxChoice(
        None,
        f"Python is switched off: {trouble}, and others can reach this server. "
        "GLM_PYTHON_SANDBOX=none would let everybody's code run without a sandbox.",
        warning=True,
    )
