"""The `python` tool: code in, what it put out as text and pictures out."""

from __future__ import annotations

import functools
import importlib.util
import platform
import re
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.base import ToolCall, ToolContext, ToolError, ToolResult, ToolSpec
from tools.python.kernels.kernel import Connection, Ending, Message
from tools.python.kernels.local import LocalHost
from tools.python.kernels.pool import KernelHost, KernelPool
from tools.python.limits import PythonLimits
from tools.python.limits.causes import cause_of, process_limit_message, processes_refused
from tools.python.output.collector import Outputs, compose
from tools.python.output.displays import Displays, made_files
from tools.python.sandbox.launcher import ChildProcess, KernelLauncher
from tools.safe_files import listing

PROGRESS_INTERVAL = 0.2  # seconds between two lines of progress
_FENCE_LINE = re.compile(r"\s*(`{3,})[ \t]*\{?[\w.+-]*\}?[ \t]*\r?\n")
_FENCE_SHORT = re.compile(r"\s*(`{3,})(?:(?:python3?|py)[ \t]+)?([^`\n]+)\1\s*")


def unfence(code: str) -> str:
    """The code without a Markdown fence around it, closed or not; else exactly as it is."""
    if short := _FENCE_SHORT.fullmatch(code):
        return short[2]
    opening = _FENCE_LINE.match(code)
    if opening is None:
        return code
    body = code[opening.end() :]
    closing = re.search(rf"(?:^|\r?\n)[ \t]*{opening[1]}`*\s*\Z", body)
    return body[: closing.start()] if closing else body


class PythonTool:
    """One session's Python: a kernel that works in `workspace`, lent by `pool`.

    Without a pool the kernel is the tool's own, started by `launcher` as a plain child process.
    Variables stay from call to call until the kernel is lost; the model is told so whenever
    that happens. `run` is never called twice at a time; `warm` and `close` may be called from
    any thread.
    """

    name = "python"
    stateful = True
    taints = False
    citations = None

    def __init__(
        self,
        workspace: Path,
        limits: PythonLimits | None = None,
        launcher: KernelLauncher | None = None,
        *,
        pool: KernelPool | None = None,
    ) -> None:
        self._workspace = workspace.resolve()
        self._limits = limits or PythonLimits()
        host = LocalHost(launcher or ChildProcess(), self._limits)
        self._pool = pool or KernelPool(host)
        self._own_pool = pool is None
        self._lease = self._pool.lease(self._workspace)
        self._displays = Displays(self._workspace)

    def specs(self, native: bool) -> Sequence[ToolSpec]:
        """One function; its description follows from the limits and what is installed."""
        parameters = {
            "type": "object",
            "properties": {"code": {"type": "string", "description": "The Python code to run."}},
            "required": ["code"],
            "additionalProperties": False,
        }
        return [
            ToolSpec(
                self.name,
                describe(self._limits, self._pool.host),
                parameters,
                raw="code" if native else None,
            )
        ]

    def warm(self) -> None:
        """Have a kernel ready soon."""
        self._lease.warm()

    def has_side_effects(self, function: str) -> bool:
        """Code is confined by the sandbox, not by the user's word."""
        return False

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run one call. Errors of the code are a result; raises `ToolError` where none ran."""
        begun = time.monotonic()
        code = _code_of(call)
        try:
            kernel = self._lease.begin(context)
            if kernel is None:
                return ToolResult(
                    call.id, call.name, "Stopped by the user before the code ran.",
                    error="Stopped by the user.", seconds=time.monotonic() - begun,
                )  # fmt: skip
            outputs = Outputs(self._limits.characters, self._limits.figures, self._hidden())
            before = listing(self._workspace, odd=True)
            ending = kernel.execute(
                code,
                _with_progress(outputs, context.progress),
                self._limits.seconds,
                context.cancel,
            )
            cause = self._cause(kernel.connection, outputs)
            written, files = made_files(self._workspace, before, listing(self._workspace, odd=True))
            texts, displayed = self._displays.keep(outputs.pieces())
            notes = [*written, *self._notes_before()]
        finally:
            self._lease.end()
        trouble = self._trouble(ending)
        if trouble:
            kept = f"Python had to be restarted: {self._gone('are')}."
            notes.append(f"{trouble} {_KEPT_NOTE if ending.alive else kept}")
        elif cause:
            notes.append(cause)
        if not ending.alive:
            self.warm()
        text = compose(texts, self._limits.characters)
        return ToolResult(
            call.id,
            call.name,
            "\n".join(part for part in (text.rstrip("\n"), *notes) if part) or _NO_OUTPUT,
            error=trouble or outputs.error,
            attachments=(*displayed, *files),
            seconds=time.monotonic() - begun,
        )

    def close(self) -> None:
        """End the kernel. Files stay. May be called twice, and while a call runs."""
        self._lease.close()
        if self._own_pool:
            self._pool.close()

    def _trouble(self, ending: Ending) -> str | None:
        """What ended the call before the code did, in one sentence."""
        if ending.reason == "time":
            return f"The code was stopped at the time limit of {self._limits.seconds:g} seconds."
        if ending.reason == "cancelled":
            return "Stopped by the user."
        return ending.said if ending.reason in ("died", "limit") else None

    def _cause(self, kernel: Connection, outputs: Outputs) -> str | None:
        """What came in the way of the code, in one sentence, where its output does not say so."""
        host = self._pool.host
        if not host.here:
            return None  # what limits the code there is not known
        full = kernel.full() if outputs.error else ()
        cause = cause_of(outputs.error, self._limits, full, host.confined)
        if cause is not None:
            return cause
        text = outputs.text
        # Who was refused often says so; where nobody said anything, the count does.
        refused = processes_refused(text) if text.strip() else kernel.hit_process_limit()
        return process_limit_message(self._limits) if refused else None

    def _notes_before(self) -> list[str]:
        """What became of the variables of earlier calls, where the model does not know yet."""
        lost, self._lease.lost = self._lease.lost, None
        if lost is None:
            return []
        minutes = (self._pool.idle_seconds or 0) / 60
        why = {
            "died": "Python had ended since the last call",
            "idle": f"Python had been closed after {minutes:g} minutes without a call",
            "room": "Python had been closed since the last call to make room for other sessions",
        }[lost]
        return [f"Note: {why} and was started anew before this one: {self._gone('were')}."]

    def _gone(self, are: str) -> str:
        """What is lost with a kernel; `are` in the wanted tense."""
        if self._pool.host.here:
            return f"all variables and imports {are} gone, the files {are} still there"
        return f"all variables, imports and files {are} gone"

    def _hidden(self) -> tuple[str, ...]:
        paths = sysconfig.get_paths()
        return (str(self._workspace), *(paths[name] for name in ("purelib", "platlib", "stdlib")))


_KEPT_NOTE = "The variables are still there."
_NO_OUTPUT = "The code ran and put out nothing."


def _code_of(call: ToolCall) -> str:
    code = call.arguments().get("code")
    if not isinstance(code, str):
        raise ToolError('The python tool needs one argument "code", a string.')
    code = unfence(code)
    if not code.strip():
        raise ToolError("There was no code to run.")
    try:
        code.encode()
    except UnicodeEncodeError:
        raise ToolError("The code holds half a character (a lone surrogate).") from None
    return code


def _with_progress(outputs: Outputs, progress: Callable[[str], None]) -> Callable[[Message], None]:
    """Hears messages, and now and then tells the last line of output."""
    told_at, told = 0.0, ""

    def hear(message: Message) -> None:
        nonlocal told_at, told
        outputs.hear(message)
        now = time.monotonic()
        if outputs.last_line != told and now - told_at >= PROGRESS_INTERVAL:
            told_at, told = now, outputs.last_line
            progress(told)

    return hear


# -- what the model is told of the tool, from the live settings ------------------------------------


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
