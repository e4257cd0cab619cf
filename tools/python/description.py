"""What the `python` tool says of itself: all of it follows from what is in force."""

from __future__ import annotations

import functools
import importlib.util
import platform

from tools.python.kernels.pending import KernelHost
from tools.python.limits import PythonLimits

# Import name -> name, of what models like to use; the description lists those that are there.
PACKAGES = {
    "numpy": "numpy",
    "pandas": "pandas",
    "matplotlib": "matplotlib",
    "scipy": "scipy",
    "sympy": "sympy",
    "sklearn": "scikit-learn",
    "statsmodels": "statsmodels",
    "seaborn": "seaborn",
    "plotly": "plotly",
    "altair": "altair",
    "PIL": "pillow",
    "openpyxl": "openpyxl",
    "requests": "requests",
}


@functools.cache
def installed_packages() -> tuple[str, ...]:
    """Names of the packages of `PACKAGES` that code can import."""
    return tuple(name for module, name in PACKAGES.items() if importlib.util.find_spec(module))


def describe(limits: PythonLimits, host: KernelHost) -> str:
    """The tool as the model is told of it."""
    return " ".join(
        sentence
        for sentence in (
            _kernel(host),
            "Variables, imports and functions stay from call to call. What the code prints comes "
            "back, and the value of its last expression.",
            _files(host),
            "Every matplotlib figure, displayed image, pandas table, plotly or altair chart is "
            f"shown to the user, up to {limits.figures} a call.",
            f"A call may run for {limits.seconds:g} seconds; output beyond "
            f"{limits.characters:,} characters is cut in the middle. input() does not work.",
            _bounds(limits, host),
            _network(host),
            _packages(host),
        )
        if sentence
    )


def _kernel(host: KernelHost) -> str:
    version = platform.python_version() if host.here else "on another machine"
    return f"Run code in a Jupyter kernel with Python {version}."


def _files(host: KernelHost) -> str:
    if host.here:
        place = f"Files are kept in {host.folder}."
        if host.folder.startswith("/"):
            place = f"Files are kept in {host.folder}, the working directory, and nowhere else."
        return (
            f"{place} The user's files lie there, and those that the code writes are offered to "
            "the user."
        )
    return (
        "Files stay on that machine: the user's own files are not there, and the user can't "
        "download what the code writes. Print or draw what the user should see."
    )


def _bounds(limits: PythonLimits, host: KernelHost) -> str:
    """What the code may use. On another machine that is not ours to say."""
    if not host.here:
        return ""
    return (
        f"A call may use {limits.cpu_seconds:g} CPU seconds; all together {limits.memory_mb:,} MB "
        f"of memory, {limits.processes:,} processes and threads; one file may have "
        f"{limits.file_mb:,} MB, all files {limits.workspace_mb:,} MB."
    )


def _network(host: KernelHost) -> str:
    if not host.here:
        return "Whether the code can reach the network depends on that machine."
    return "The code can reach the network." if host.network else "There is no network."


def _packages(host: KernelHost) -> str:
    if not host.here:
        return "Which packages are installed there is not known before they are imported."
    packages = ", ".join(installed_packages())
    return f"Installed packages: {packages or 'the standard library alone'}."
