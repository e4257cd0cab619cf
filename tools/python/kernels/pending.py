"""A kernel that is being started, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

from tools.python.kernels.kernel import Kernel, KernelFailed
from tools.safe_files import delete_folder

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 5.0
"""Seconds for a cancelled start; it ends by itself after that."""


class PendingKernel:
    """A kernel that is being started, in a thread of its own; the start can be cancelled.

    Arguments:
        start: starts a kernel in a folder. Raises `KernelFailed`.
        workspace: the kernel's working folder.
        ahead: whether the kernel is started before a session needs it. Then more packages are
            imported, and `close` deletes the folder, unless `use_workspace` was called.
    """

    def __init__(
        self, start: Callable[[Path], Kernel], workspace: Path, *, ahead: bool = False
    ) -> None:
        self.workspace = workspace
        self._start = start
        self._ahead = ahead
        self._lock = threading.Lock()
        self._closed = False
        self._kernel: Kernel | None = None
        self._ready: Future[Kernel] = Future()
        threading.Thread(target=self._run, name="kernel-start", daemon=True).start()

    @property
    def pending(self) -> bool:
        """Whether the start is still running."""
        return not self._ready.done()

    @property
    def failure(self) -> BaseException | None:
        """The exception that the start failed with, else None."""
        return None if self.pending else self._ready.exception()

    @property
    def alive(self) -> bool:
        """Whether the kernel is being started, or runs."""
        return self.pending or (self.failure is None and self._ready.result().alive)

    def wait(self, seconds: float) -> Kernel | None:
        """The kernel; None when it is not ready within `seconds`. Raises the start's exception."""
        try:
            return self._ready.result(timeout=seconds)
        except NotYet:
            return None

    def close(self) -> None:
        """End the kernel, or its start. Returns when it is gone, after `CLOSE_TIMEOUT_S` seconds at
        most; may be called twice."""
        with self._lock:
            self._closed = True
            kernel = self._kernel
        if kernel is not None:
            kernel.close()
        wait([self._ready], CLOSE_TIMEOUT_S)
        if self._ahead:
            delete_folder(self.workspace)

    def use_workspace(self, workspace: Path) -> None:
        """Make `workspace` the working folder of a ready kernel. Raises OSError, `KernelFailed`."""
        if self.workspace != workspace:
            self._ready.result().use_workspace(workspace)
            self.workspace, self._ahead = workspace, False

    def _started(self) -> Kernel:
        """A kernel that replies. One that was killed before it said a word, as happens on a machine
        without free memory, is started once more. Raises `KernelFailed`, OSError."""
        for last in (False, True):
            kernel = self._start(self.workspace)
            with self._lock:
                self._kernel = kernel
                if self._closed:
                    raise KernelFailed("The start was cancelled.")
            try:
                kernel.wait_ready()
            except KernelFailed as error:
                if last or self._closed or str(error):
                    raise
                log.warning("A Python kernel ended as it started, without a word; once more.")
                kernel.close()
            else:
                break
        return kernel

    def _run(self) -> None:
        try:
            kernel = self._started()
            if self._ahead:
                kernel.prepare_ahead()
        except Exception as error:  # noqa: BLE001  raised again in `wait`
            if self._kernel is not None:
                self._kernel.close()
            self._ready.set_exception(_as_failure(error))
        else:
            self._ready.set_result(kernel)
            if not self._ahead:
                kernel.connection.finish_setup()


def _as_failure(error: Exception) -> KernelFailed:
    if isinstance(error, KernelFailed):
        return error
    failure = KernelFailed("The kernel could not be started.")
    failure.__cause__ = error
    return failure
