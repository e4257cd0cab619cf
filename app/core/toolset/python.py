"""The kernels of the `python` tool, configured by the settings."""

from __future__ import annotations

from pathlib import Path

from app.core.settings import Settings
from tools.python import KernelLauncher, PythonLimits
from tools.python.kernels.gateway import Gateway, GatewayHost
from tools.python.kernels.local import LocalHost
from tools.python.kernels.pool import KernelHost, KernelPool
from tools.python.kernels.quota import Allowance, Quota, no_quota
from tools.python.sandbox.selection import SandboxChoice, choose_sandbox


def python_limits(settings: Settings) -> PythonLimits:
    """The resource limits of one session's Python."""
    return PythonLimits(
        seconds=settings.python_seconds,
        characters=settings.python_output,
        memory_mb=settings.python_memory,
        processes=settings.python_processes,
        cpu_seconds=settings.python_cpu_seconds,
        file_mb=settings.python_file_mb,
        workspace_mb=settings.python_workspace_mb,
    )


def choose(settings: Settings, local: bool) -> SandboxChoice | None:
    """How kernels run on this machine; None where a gateway runs them. `local` says that only
    this machine can reach the server."""
    if settings.kernel_gateway_url:
        return None
    return choose_sandbox(settings.python_sandbox, local, python_limits(settings))


def open_pool(
    settings: Settings,
    spares: Path,
    launcher: KernelLauncher | None,
    local: bool,
    quota: Quota = no_quota,
) -> KernelPool:
    """The kernels of all sessions. `spares` is the folder of the spare kernels' workspaces.

    `launcher` starts the kernels on this machine; without it a gateway runs them. Where the pages
    are `local`, the run time of Python is not limited. `quota` is how many kernels a visitor may
    hold.
    """
    limits = python_limits(settings)
    host: KernelHost
    if launcher is None:
        gateway = Gateway(settings.kernel_gateway_url, settings.kernel_gateway_token)
        host = GatewayHost(gateway, limits)
    else:
        host = LocalHost(launcher, limits)
    idle = settings.python_idle_minutes * 60
    allowance = Allowance(None if local else settings.python_minutes * 60)
    return KernelPool(host, settings.python_kernels, idle, spares, allowance, quota)
