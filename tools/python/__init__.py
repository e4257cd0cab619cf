"""The `python` tool: a real Jupyter kernel for every session.

tool          runs one call; `description` says what it offers
kernels/      a kernel: local or behind a gateway, pooled, started ahead; its startup code
limits/       what a session's Python may use, and what it does use
output/       what a kernel sends, as text for the model and files for the page
sandbox/      how a kernel's process is started: plain, or confined by bubblewrap
"""

from tools.python.limits import PythonLimits
from tools.python.sandbox.launcher import ChildProcess, KernelLauncher, KernelProcess
from tools.python.tool import PythonTool

__all__ = ["ChildProcess", "KernelLauncher", "KernelProcess", "PythonLimits", "PythonTool"]
