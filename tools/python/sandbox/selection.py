"""Chooses how kernels are started, and gives the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.python.limits import PythonLimits
from tools.python.sandbox.bubblewrap import Bubblewrap, why_not
from tools.python.sandbox.launcher import ChildProcess, KernelLauncher

Setting = Literal["auto", "bubblewrap", "none"]


@dataclass(frozen=True)
class SandboxChoice:
    """How kernels are started. `launcher` is None where the tool is switched off; `reason`: one
    sentence for the page; `warning`: whether the page shows it as a warning."""

    launcher: KernelLauncher | None
    reason: str
    warning: bool = False


def choose_sandbox(setting: Setting, local: bool, limits: PythonLimits) -> SandboxChoice:
    """Choose how kernels are started. The first call in a process tries whether bubblewrap works.

    Arguments:
        setting: GLM_PYTHON_SANDBOX.
        local: whether the server can be reached from this machine only.
        limits: the limits of a session.
    """
    if setting == "none":
        return SandboxChoice(
            ChildProcess(limits),
            "Python runs without a sandbox, as GLM_PYTHON_SANDBOX=none says: its code can do "
            "whatever the app's user can.",
            warning=True,
        )
    problem = why_not()
    if problem is None:
        return SandboxChoice(Bubblewrap(limits), "Python runs in a sandbox (bubblewrap).")
    if setting == "bubblewrap":
        return SandboxChoice(None, f"Python is switched off: {problem}.", warning=True)
    if local:
        return SandboxChoice(
            ChildProcess(limits),
            f"Python runs without a sandbox, for {problem}: its code can do whatever the app's "
            "user can. Others can't reach this server.",
            warning=True,
        )
    return SandboxChoice(
        None,
        f"Python is switched off: {problem}, and others can reach this server. "
        "GLM_PYTHON_SANDBOX=none would let everybody's code run without a sandbox.",
        warning=True,
    )
