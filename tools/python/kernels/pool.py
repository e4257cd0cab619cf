"""Kernels for all sessions: started ahead, few at a time, and closed when nobody uses them."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Protocol

from tools.base import ToolContext, ToolError
from tools.fair_queue import FairOrder
from tools.python.kernels.kernel import STOP_POLL_INTERVAL_S, Kernel, KernelFailed, PendingKernel
from tools.python.limits.monitor import Allowance

log = logging.getLogger(__name__)

Loss = Literal["died", "idle", "room"]
"""Why a session lost its kernel between two calls."""

POLL_INTERVAL_S = 0.5  # seconds between two looks for kernels that are idle or have died
CALM = 1.0  # seconds after a call began until a spare kernel is started: two cores are soon busy
START_TIMEOUT_S = 15.0  # seconds after which one is started all the same
RETRY = 30.0  # seconds after a spare kernel did not start
WAITING = "Waiting for a free Python…"


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


class KernelPool:
    """Starts kernels on `host`, lends them to sessions, and takes them back.

    Sessions hold `most` kernels at a time. Where one more is wanted, the one that is idle for
    the longest is closed; where all are busy, the call waits for its turn, which goes round the
    visitors: also who has a kernel waits then, before the next call, for those whose turn it is.
    A visitor's calls run as long in an hour as the `allowance` has it. A kernel that was idle for
    `idle_seconds` is closed. With `spares`, a folder in the sessions' file system, one
    more kernel than `most` stands ready for whoever comes next, from the first `warm` on.
    """

    def __init__(
        self,
        host: KernelHost,
        most: int = 8,
        idle_seconds: float | None = None,
        spares: Path | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self.host = host
        self.idle_seconds = idle_seconds
        self.spares = spares
        self.allowance = allowance or Allowance()
        self._most = most
        self._changed = threading.Condition()
        self._leases: set[Lease] = set()
        self._waiting: FairOrder[Lease] = FairOrder()
        self._spare: PendingKernel | None = None
        self._wants_spare = False
        self._closed = False
        self._keeper: threading.Thread | None = None
        self._closers = ThreadPoolExecutor(4, thread_name_prefix="kernel-close")
        self._called = self._spent = self._retry = float("-inf")  # when, by the monotonic clock

    def lease(self, workspace: Path) -> Lease:
        """A session's claim, which holds no kernel yet."""
        lease = Lease(self, workspace)
        with self._changed:
            self._leases.add(lease)
        return lease

    def warm(self) -> None:
        """Have a spare kernel ready from now on. Does nothing without a folder for spares."""
        with self._changed:
            if self.spares is not None and not self._closed:
                self._wants_spare = True
                self._keep_watch()

    @property
    def ready(self) -> bool:
        """Whether a spare kernel stands ready."""
        with self._changed:
            spare = self._spare
            return spare is not None and not spare.pending and spare.alive

    def close(self) -> None:
        """End all kernels, and return when they are gone. May be called twice."""
        with self._changed:
            self._closed = True
            leases = list(self._leases)
            spare, self._spare = self._spare, None
            self._changed.notify_all()
        list(self._closers.map(Lease.close, leases))
        if spare is not None:
            spare.close()
        self._closers.shutdown()

    # -- what leases ask -------------------------------------------------------------------------

    def claim(self, lease: Lease, owner: str) -> PendingKernel | None:
        """The lease's kernel or its start, marked as busy; None when it has to wait its turn."""
        with self._changed:
            if self._closed or lease.closed:
                raise ToolError("The Python session is closed.")
            if lease.start is not None and not lease.start.alive:
                self._take(lease, "died")
            due = lease.busy or not (self._waiting and self._full)  # others wait for their turn
            if lease.start is None or not due:
                if lease not in self._waiting:
                    self._waiting.join(lease, owner)
                if self._waiting.first is not lease:
                    return None
                if lease.start is None:
                    if not self._make_room():
                        return None
                    lease.start = self._take_spare() or PendingKernel(
                        self.host.start, lease.workspace
                    )
                self._waiting.serve(lease)
            lease.busy = True
            self._called = time.monotonic()
            if self.idle_seconds is not None:
                self._keep_watch()
            return lease.start

    def await_change(self) -> None:
        """Return when there may be room, after a tick at most."""
        with self._changed:
            self._changed.wait(STOP_POLL_INTERVAL_S)

    def start_ahead(self, lease: Lease) -> None:
        """Start the lease's own kernel, without a call, where there is room."""
        with self._changed:
            if not self._closed and not lease.closed and lease.start is None:
                lease.start = PendingKernel(self.host.start, lease.workspace)

    def replace(self, lease: Lease) -> None:
        """Start a kernel in the session's own folder, in the place of one that can't be used."""
        with self._changed:
            if not self._closed and not lease.closed:
                self._take(lease, None)
                lease.start = PendingKernel(self.host.start, lease.workspace)

    def release(self, lease: Lease) -> None:
        """The call is over, or was stopped while it waited."""
        with self._changed:
            lease.busy, lease.since = False, time.monotonic()
            self._waiting.leave(lease)
            if lease.start is not None and not lease.start.alive:
                self._take(lease, None)
            self._changed.notify_all()

    def forget(self, lease: Lease) -> None:
        """The session is over. Returns when its kernel is gone."""
        with self._changed:
            start, lease.start, lease.closed = lease.start, None, True
            self._leases.discard(lease)
            self._changed.notify_all()
        if start is not None:
            start.close()

    # -- with the lock held ----------------------------------------------------------------------

    @property
    def _held(self) -> list[Lease]:
        return [lease for lease in self._leases if lease.start is not None]

    @property
    def _full(self) -> bool:
        return len(self._held) >= self._most

    def _make_room(self) -> bool:
        if not self._full:
            return True
        idle = [lease for lease in self._held if not lease.busy]
        if idle:
            self._take(min(idle, key=lambda lease: lease.since), "room")
        return bool(idle)

    def _take(self, lease: Lease, why: Loss | None) -> None:
        start, lease.start = lease.start, None
        if lease.used:
            lease.lost, lease.used = why, False
        if start is not None:
            self._closers.submit(start.close)

    def _take_spare(self) -> PendingKernel | None:
        spare, self._spare = self._spare, None
        self._spent = time.monotonic()
        if spare is not None and not spare.alive:
            self._closers.submit(spare.close)
            return None
        return spare

    def _keep_watch(self) -> None:
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="kernel-pool", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for lease in self._leases:
                    if lease.start is None or lease.busy:
                        continue
                    if not lease.start.alive:
                        self._take(lease, "died")
                    elif self.idle_seconds is not None and now - lease.since > self.idle_seconds:
                        self._take(lease, "idle")
                self._refill(now)
                self._changed.wait(POLL_INTERVAL_S)

    def _refill(self, now: float) -> None:
        if self._spare is not None and not self._spare.alive:
            log.error("A kernel that was started ahead is gone.", exc_info=self._spare.failure)
            self._closers.submit(self._spare.close)
            self._spare, self._retry = None, now + RETRY
        calm = now - self._called > CALM or now - self._spent > START_TIMEOUT_S
        if self._wants_spare and self._spare is None and calm and now > self._retry:
            assert self.spares is not None
            folder = self.spares / f"spare-{secrets.token_hex(8)}"
            self._spare = PendingKernel(self.host.start, folder, ahead=True)


class Lease:
    """One session's claim on a pool: at most one kernel, taken back when it is not used.

    `lost` says why the variables of earlier calls are gone; whoever tells it sets it to None.
    """

    def __init__(self, pool: KernelPool, workspace: Path) -> None:
        self._pool = pool
        self.workspace = workspace
        # Of the call that runs, and of its thread.
        self._owner = ""
        self._begun: float | None = None
        # The pool's, under its lock.
        self.start: PendingKernel | None = None
        self.busy = self.used = self.closed = False
        self.since = 0.0
        self.lost: Loss | None = None

    def warm(self) -> None:
        """Start a kernel in the background: the pool's spare one, or else the session's own."""
        if self._pool.spares is not None:
            self._pool.warm()
        else:
            self._pool.start_ahead(self)

    def begin(self, context: ToolContext) -> Kernel | None:
        """The kernel for a call, or None when the user stopped the turn meanwhile.

        `end` follows in any case. Raises `ToolError` where there is none to be had.
        """
        self._owner = context.owner
        self._pool.allowance.check(self._owner)
        told = False
        while not context.cancel.is_set():
            start = self._pool.claim(self, self._owner)
            if start is None:
                if not told:
                    context.progress(WAITING)
                told = True
                self._pool.await_change()
                continue
            try:
                kernel = start.wait(STOP_POLL_INTERVAL_S)
                if kernel is None:
                    continue
                start.use_workspace(self.workspace)
            except OSError:
                log.info("A kernel could not take over a workspace.", exc_info=True)
                self._pool.replace(self)
            except KernelFailed as error:
                log.exception("The Python kernel did not start.")
                raise ToolError(error.told) from error
            else:
                if kernel.begin():
                    self.used = True
                    self._begun = time.monotonic()
                    return kernel
        return None

    def end(self) -> None:
        """The call is over."""
        begun, self._begun = self._begun, None
        if begun is not None:
            self._pool.allowance.spend(self._owner, time.monotonic() - begun)
        self._pool.release(self)

    def close(self) -> None:
        """End the kernel, and return when it is gone. May be called twice, and during a call."""
        self._pool.forget(self)
