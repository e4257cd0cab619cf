"""The `python` tool: runs code, and returns its output as text and attachments."""

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

PROGRESS_INTERVAL_S = 0.2  # seconds between two lines of progress
_FENCE_LINE = re.compile(r"\s*(`{3,})[ \t]*\{?[\w.+-]*\}?[ \t]*\r?\n")
_FENCE_SHORT = re.compile(r"\s*(`{3,})(?:(?:python3?|py)[ \t]+)?([^`\n]+)\1\s*")


def unfence(code: str) -> str:
    """`code` without a Markdown fence around it, closed or not; unchanged without one."""
    if short := _FENCE_SHORT.fullmatch(code):
        return short[2]
    opening = _FENCE_LINE.match(code)
    if opening is None:
        return code
    body = code[opening.end() :]
    closing = re.search(rf"(?:^|\r?\n)[ \t]*{opening[1]}`*\s*\Z", body)
    return body[: closing.start()] if closing else body


class PythonTool:
    """One session's Python: a kernel that works in `workspace`.

    Variables stay from call to call; when the kernel is lost, the next result has a note on it
    for the model. `run` is called by one thread at a time; `warm` and `close` by any.

    Arguments:
        workspace: the session's folder.
        limits: limits of a call and of the session; None: the defaults.
        launcher: starts the kernels of a tool without a pool; None: plain child processes.
        pool: lends the kernel; None: the tool has a pool of its own.
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
        """The function; its description states the limits and installed packages."""
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
        """Start a kernel in the background."""
        self._lease.warm()

    @property
    def has_lost_variables(self) -> bool:
        """Whether variables of earlier calls are gone with their kernel, and no call ran since."""
        return self._lease.lost is not None

    def has_side_effects(self, function: str) -> bool:
        """False: the sandbox confines the code, so that no approval is needed."""
        return False

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run one call. An error of the code is part of the result. Raises `ToolError` if no
        code was run."""
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
            notes = [*written, *self._lost_notes()]
        finally:
            self._lease.end()
        end_reason = self._end_reason(ending)
        if end_reason:
            kept = f"Python had to be restarted: {self._what_is_lost('are')}."
            notes.append(f"{end_reason} {_KEPT_NOTE if ending.alive else kept}")
        elif cause:
            notes.append(cause)
        if not ending.alive:
            self.warm()
        text = compose(texts, self._limits.characters)
        return ToolResult(
            call.id,
            call.name,
            "\n".join(part for part in (text.rstrip("\n"), *notes) if part) or _NO_OUTPUT,
            error=end_reason or outputs.error,
            attachments=(*displayed, *files),
            seconds=time.monotonic() - begun,
        )

    def close(self) -> None:
        """End the kernel; files stay. May be called twice, and while a call runs."""
        self._lease.close()
        if self._own_pool:
            self._pool.close()

    def _end_reason(self, ending: Ending) -> str | None:
        """One sentence on why the call ended before the code did; None where it did not."""
        if ending.reason == "time":
            return f"The code was stopped at the time limit of {self._limits.seconds:g} seconds."
        if ending.reason == "cancelled":
            return "Stopped by the user."
        return ending.message if ending.reason in ("died", "limit") else None

    def _cause(self, kernel: Connection, outputs: Outputs) -> str | None:
        """One sentence on the limit that the code met, where its output does not name it."""
        host = self._pool.host
        if not host.here:
            return None  # the limits of another machine are not known
        full = kernel.full() if outputs.error else ()
        cause = cause_of(outputs.error, self._limits, full, host.confined)
        if cause is not None:
            return cause
        text = outputs.text
        # Programs mostly print an error when a process is refused. The count of processes is used
        # only without any output.
        refused = processes_refused(text) if text.strip() else kernel.hit_process_limit()
        return process_limit_message(self._limits) if refused else None

    def _lost_notes(self) -> list[str]:
        """A note that the variables of earlier calls are lost, where the model has none yet."""
        lost, self._lease.lost = self._lease.lost, None
        if lost is None:
            return []
        minutes = (self._pool.idle_seconds or 0) / 60
        why = {
            "died": "Python had ended since the last call",
            "idle": f"Python had been closed after {minutes:g} minutes without a call",
            "room": "Python had been closed since the last call to make room for other sessions",
        }[lost]
        return [f"Note: {why} and was started anew before this one: {self._what_is_lost('were')}."]

    def _what_is_lost(self, are: str) -> str:
        """What is lost with a kernel; `are`: the verb, in the tense of the sentence."""
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
    """A message handler that fills `outputs` and reports its last line as progress."""
    reported_at, reported = 0.0, ""

    def handle(message: Message) -> None:
        nonlocal reported_at, reported
        outputs.handle(message)
        now = time.monotonic()
        if outputs.last_line != reported and now - reported_at >= PROGRESS_INTERVAL_S:
            reported_at, reported = now, outputs.last_line
            progress(reported)

    return handle


# -- the tool's description for the model, from the live settings ----------------------------------


# Import name -> package name. The description lists those that are installed.
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
    """Names of those of `PACKAGES` that code can import."""
    return tuple(name for module, name in PACKAGES.items() if importlib.util.find_spec(module))


def describe(limits: PythonLimits, host: KernelHost) -> str:
    """The tool's description for the model."""
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
    """The limits of the code; none for another machine, which has its own."""
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
