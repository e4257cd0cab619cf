"""The `python` tool: a real Jupyter kernel for every session.

The call: `tool` runs one, `description` says what it offers, `limits` what it may use.
The kernel: `kernel` speaks with one, `local` and `gateway` say where it runs, `starting` brings it
up, `pool` keeps a few for all, `moving` hands one a session's folder, `boot` and `fonts` prepare.
Its walls: `launcher` starts it plainly, `sandbox` confined (`bwrap`, `seccomp`, `owner`, `relay`),
`choice` picks; `usage` (`processes`, `folders`) watches what it uses.
Its output: `outputs` hears it (`clips`, `plain`, `rich`), `displays`, `pictures`, `charts`,
`made` turn it into what the model reads and the page draws.
Inside the kernel: `startup` and its three siblings run once, before the first call.
"""

from tools.python.launcher import ChildProcess, KernelLauncher, KernelProcess
from tools.python.limits import PythonLimits
from tools.python.tool import PythonTool

__all__ = ["ChildProcess", "KernelLauncher", "KernelProcess", "PythonLimits", "PythonTool"]
