"""A kernel on its way: started and prepared in a thread of its own, and given up at any moment."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Protocol

from tools.python.kernels.kernel import Kernel, KernelFailed
from tools.safe_files import delete_folder

GONE = 5.0  # seconds that a start which was given up is waited for; it ends by itself after that


class KernelHost(Protocol):
    """Where kernels run: on this machine, or behind a gateway."""

    @property
    def network(self) -> bool:
        """Whether the code reaches the network."""

    @property
    def here(self) -> bool:
        """Whether that is this machine, and a kernel works in the session's own folder."""

    @property
    def confined(self) -> bool:
        """Whether the code can write to its own folder and to places in memory alone."""

    @property
    def folder(self) -> str:
        """What the code calls the folder that it works in."""

    def start(self, workspace: Path) -> Kernel:
        """A kernel for that folder, on its way. Raises `KernelFailed`."""


class Starting:
    """A kernel for `workspace`, begun at once.

    One that is begun `ahead` of its session has more imported, and its folder, which is its own
    until `settle`, is deleted with it.
    """

    def __init__(self, host: KernelHost, workspace: Path, *, ahead: bool = False) -> None:
        self.workspace = workspace
        self._host = host
        self._ahead = ahead
        self._lock = threading.Lock()
        self._closed = False
        self._kernel: Kernel | None = None
        self._ready: Future[Kernel] = Future()
        threading.Thread(target=self._run, name="kernel-start", daemon=True).start()

    @property
    def pending(self) -> bool:
        """Whether it is still on its way."""
        return not self._ready.done()

    @property
    def failure(self) -> BaseException | None:
        """What the start failed with, if it did."""
        return None if self.pending else self._ready.exception()

    @property
    def alive(self) -> bool:
        """Whether it is on its way, or there."""
        return self.pending or (self.failure is None and self._ready.result().alive)

    def wait(self, seconds: float) -> Kernel | None:
        """The kernel, or None when it is not ready by then. Raises what the start failed with."""
        try:
            return self._ready.result(timeout=seconds)
        except NotYet:
            return None

    def close(self) -> None:
        """End the kernel, or its start. Returns when it is gone, after `GONE` seconds at most;
        may be called twice."""
        with self._lock:
            self._closed = True
            kernel = self._kernel
        if kernel is not None:
            kernel.close()
        wait([self._ready], GONE)
        if self._ahead:
            delete_folder(self.workspace)

    def settle(self, workspace: Path) -> None:
        """Have the kernel, which is ready, work in `workspace`. Raises OSError, `KernelFailed`."""
        if self.workspace != workspace:
            self._ready.result().settle(workspace)
            self.workspace, self._ahead = workspace, False

    def _run(self) -> None:
        kernel: Kernel | None = None
        try:
            kernel = self._host.start(self.workspace)
            with self._lock:
                self._kernel = kernel
                if self._closed:
                    raise KernelFailed("It was given up.")
            kernel.wait_ready()
            if self._ahead:
                kernel.prepare_ahead()
        except Exception as error:  # noqa: BLE001  it belongs to whoever waits
            if kernel is not None:
                kernel.close()
            self._ready.set_exception(_as_failure(error))
        else:
            self._ready.set_result(kernel)
            if not self._ahead:
                kernel.connection.furnish()


def _as_failure(error: Exception) -> KernelFailed:
    if isinstance(error, KernelFailed):
        return error
    failure = KernelFailed("The kernel could not be started.")
    failure.__cause__ = error
    return failure
