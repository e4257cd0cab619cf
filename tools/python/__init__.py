"""The `python` tool: a real Jupyter kernel for every session."""

from tools.python.launcher import ChildProcess, KernelLauncher, KernelProcess
from tools.python.limits import PythonLimits
from tools.python.tool import PythonTool

__all__ = ["ChildProcess", "KernelLauncher", "KernelProcess", "PythonLimits", "PythonTool"]
