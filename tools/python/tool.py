"""The `python` tool: code in, what it put out as text and pictures out."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import platform
import re
import signal
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from pathlib import Path

from tools.base import Attachment, ToolCall, ToolContext, ToolError, ToolResult, ToolSpec
from tools.python.fonts import provide_fonts
from tools.python.kernel import TICK, Ending, Kernel, KernelFailed, Message
from tools.python.launcher import MATPLOTLIB, ChildProcess, KernelLauncher
from tools.python.outputs import Gap, Outputs, Picture, compose
from tools.python.pictures import PictureRefused, save_picture

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.2  # seconds between two lines of progress
KEPT = 5  # times the shown characters that a kernel sends from each end of an output

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
    "PIL": "pillow",
    "openpyxl": "openpyxl",
    "requests": "requests",
}

_FENCE_LINE = re.compile(r"\s*(`{3,})[ \t]*\{?[\w.+-]*\}?[ \t]*\r?\n")
_FENCE_SHORT = re.compile(r"\s*(`{3,})(?:(?:python3?|py)[ \t]+)?([^`\n]+)\1\s*")


@dataclass(frozen=True)
class PythonLimits:
    """`seconds` a call may run, `characters` of its output, `figures` it may show."""

    seconds: float = 60.0
    characters: int = 20_000
    figures: int = 50


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


@functools.cache
def installed_packages() -> tuple[str, ...]:
    """Names of the packages of `PACKAGES` that code can import."""
    return tuple(name for module, name in PACKAGES.items() if importlib.util.find_spec(module))


class PythonTool:
    """One session's Python: a kernel of its own that works in `workspace`.

    `warm` starts the kernel ahead. Variables stay from call to call until the kernel is
    lost; the model is told so whenever that happens. `run` is never called twice at a time;
    `warm` and `close` may be called from any thread.
    """

    name = "python"
    stateful = True

    def __init__(
        self,
        workspace: Path,
        limits: PythonLimits | None = None,
        launcher: KernelLauncher | None = None,
    ) -> None:
        self._workspace = workspace.resolve()
        self._limits = limits or PythonLimits()
        self._launcher = launcher or ChildProcess()
        self._lock = threading.Lock()
        self._closed = False
        self._kernel: Kernel | None = None
        self._ready: Future[Kernel] | None = None
        self._figures = 0
        self._lost = False  # a kernel died between two calls, and the model does not know yet

    def specs(self, native: bool) -> Sequence[ToolSpec]:
        """One function; its description follows from the limits and what is installed."""
        parameters = {
            "type": "object",
            "properties": {"code": {"type": "string", "description": "The Python code to run."}},
            "required": ["code"],
            "additionalProperties": False,
        }
        return [
            ToolSpec(self.name, self._description(), parameters, raw="code" if native else None)
        ]

    def warm(self) -> None:
        """Start the kernel in the background, if there is none."""
        with contextlib.suppress(ToolError):
            self._starting()

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run one call. Errors of the code are a result; raises `ToolError` where none ran."""
        begun = time.monotonic()
        code = _code_of(call)
        kernel = self._ready_kernel(context)
        if kernel is None:
            return ToolResult(
                call.id, call.name, "Stopped by the user before the code ran.",
                error="Stopped by the user.", seconds=time.monotonic() - begun,
            )  # fmt: skip
        outputs = Outputs(self._limits.characters, self._limits.figures, self._hidden())
        ending = kernel.execute(
            code,
            _with_progress(outputs, context.progress),
            self._limits.seconds,
            context.cancel,
        )
        notes = [_LOST_BEFORE] if self._lost else []
        self._lost = False
        trouble = self._trouble(ending)
        if trouble:
            notes.append(f"{trouble} {_KEPT_NOTE if ending.alive else _LOST_NOTE}")
        if not ending.alive:
            self._replace(kernel)
        text, attachments = self._shown(outputs)
        return ToolResult(
            call.id,
            call.name,
            "\n".join(part for part in (text.rstrip("\n"), *notes) if part) or _NO_OUTPUT,
            error=trouble or outputs.error,
            attachments=attachments,
            seconds=time.monotonic() - begun,
        )

    def close(self) -> None:
        """End the kernel. Files stay. May be called twice, and while a call runs."""
        with self._lock:
            self._closed = True
            kernel, self._kernel, self._ready = self._kernel, None, None
        if kernel is not None:
            kernel.close()

    def _starting(self) -> Future[Kernel]:
        """The kernel's future; its start is begun where nobody has."""
        with self._lock:
            if self._closed:
                raise ToolError("The Python session is closed.")
            if self._ready is None:
                self._ready = Future()
                threading.Thread(
                    target=self._start, args=(self._ready,), name="kernel-start", daemon=True
                ).start()
            return self._ready

    def _start(self, ready: Future[Kernel]) -> None:
        kernel: Kernel | None = None
        try:
            self._workspace.mkdir(parents=True, exist_ok=True)
            keep = KEPT * self._limits.characters
            kernel = Kernel(self._workspace, self._launcher, keep)
            with self._lock:
                if self._closed or self._ready is not ready:
                    raise KernelFailed("The session was closed.")
                self._kernel = kernel
            kernel.wait_ready()
        except Exception as error:  # noqa: BLE001  it belongs to whoever waits
            if kernel is not None:
                kernel.close()
            ready.set_exception(error)
        else:
            ready.set_result(kernel)
            provide_fonts(kernel.private / MATPLOTLIB)

    def _ready_kernel(self, context: ToolContext) -> Kernel | None:
        """A kernel that answers, or None when the user stopped the turn meanwhile."""
        ready = self._starting()
        if ready.done() and ready.exception() is None and not ready.result().alive:
            self._lost = True
            self._replace(ready.result())
            ready = self._starting()
        while not context.cancel.is_set():
            try:
                return ready.result(timeout=TICK)
            except NotYet:
                continue
            except Exception as error:
                log.exception("The Python kernel did not start.")
                with self._lock:
                    if self._ready is ready:
                        self._ready = self._kernel = None
                raise ToolError("Python could not be started. Try once more.") from error
        return None

    def _replace(self, kernel: Kernel) -> None:
        kernel.close()
        with self._lock:
            if self._kernel is kernel:
                self._kernel = self._ready = None
        self.warm()

    def _shown(self, outputs: Outputs) -> tuple[str, tuple[Attachment, ...]]:
        parts: list[str | Gap] = []
        attachments: list[Attachment] = []
        for piece in outputs.pieces():
            if not isinstance(piece, Picture):
                parts.append(piece)
                continue
            self._figures += 1
            try:
                saved = save_picture(piece.data, self._workspace, self._figures)
            except PictureRefused as error:
                parts.append(f"[figure {self._figures} is not shown: {error}]\n")
            else:
                attachments.append(saved.attachment)
                parts.append(f"[figure {self._figures}: {saved.width}x{saved.height}]\n")
        return compose(parts, self._limits.characters), tuple(attachments)

    def _trouble(self, ending: Ending) -> str | None:
        """What ended the call before the code did, in one sentence."""
        if ending.reason == "time":
            return f"The code was stopped at the time limit of {self._limits.seconds:g} seconds."
        if ending.reason == "cancelled":
            return "Stopped by the user."
        if ending.reason == "died":
            return f"The Python process ended while the code ran ({_cause(ending.status)})."
        return None

    def _hidden(self) -> tuple[str, ...]:
        paths = sysconfig.get_paths()
        return (str(self._workspace), *(paths[name] for name in ("purelib", "platlib", "stdlib")))

    def _description(self) -> str:
        limits = self._limits
        packages = ", ".join(installed_packages())
        network = "The code can reach the network." if self._launcher.network else (
            "There is no network."
        )  # fmt: skip
        return (
            f"Run code in a Jupyter kernel with Python {platform.python_version()}. Variables, "
            "imports and functions stay from call to call. What the code prints comes back, "
            "and the value of its last expression. The working directory keeps files. "
            f"Every matplotlib figure and displayed image is shown to the user, up to "
            f"{limits.figures} a call. A call may run for {limits.seconds:g} seconds; output "
            f"beyond {limits.characters:,} characters is cut in the middle. input() does not "
            f"work. {network} Installed packages: {packages or 'the standard library alone'}."
        )


_KEPT_NOTE = "The variables are still there."
_LOST_NOTE = (
    "Python had to be restarted: all variables and imports are gone, the files are still there."
)
_LOST_BEFORE = (
    "Note: Python had ended since the last call and was restarted before this one: all earlier "
    "variables and imports were gone."
)
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


def _cause(status: int | None) -> str:
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
    return f"exit code {status}" if status is not None else "for an unknown reason"


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
