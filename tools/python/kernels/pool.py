"""A pool of kernels for all sessions: limited in number, started ahead, closed when idle.

An `Allowance` limits how long one visitor's code may run within an hour.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Protocol

from tools.base import ToolContext, ToolError
from tools.fair_queue import FairOrder
from tools.python.kernels.kernel import STOP_POLL_INTERVAL_S, Kernel, KernelFailed
from tools.python.kernels.pending import PendingKernel
from tools.python.kernels.quota import Allowance, Quota, no_quota

log = logging.getLogger(__name__)

Loss = Literal["died", "idle", "room"]
"""Why a session lost its kernel between two calls."""

POLL_INTERVAL_S = 0.5  # between two searches for idle or dead kernels
SPARE_DELAY_S = (
    1.0  # from the begin of a call to the start of a spare kernel, which takes CPU time from it
)
MAX_SPARE_DELAY_S = (
    15.0  # from the use of a spare kernel to the start of the next, despite further calls
)
RETRY_DELAY_S = 30.0  # after a failed start of a spare kernel
WAITING = "Waiting for a free Python…"
QUOTA = (
    "Python was not run: as many conversations of this visitor, or of this network address, run "
    "code now as may at a time ({count}). When one of them is done, it runs again."
)


class KernelHost(Protocol):
    """Starts kernels on this machine, or behind a gateway."""

    @property
    def network(self) -> bool:
        """Whether the code can reach the network."""

    @property
    def here(self) -> bool:
        """Whether kernels run on this machine, and work in the session's own folder."""

    @property
    def confined(self) -> bool:
        """Whether the code can write only to its own folder and to file systems in memory."""

    @property
    def folder(self) -> str:
        """The name of the working folder in the tool's description."""

    def start(self, workspace: Path) -> Kernel:
        """A kernel that is starting in `workspace`. Raises `KernelFailed`."""


class KernelPool:
    """Starts kernels on `host`, and leases them to sessions.

    When a session needs a kernel and `most` are leased, the pool closes the one that has been
    idle for the longest. When all are busy, calls wait in a queue that serves visitors in turn;
    while others wait, the next call of a session with a kernel queues too.

    Arguments:
        host: starts the kernels.
        most: kernels that sessions hold at a time.
        idle_seconds: a kernel that is idle for longer is closed; None: never.
        spares: a folder in the sessions' file system. With it, one more kernel than `most` is
            kept ready for the next session, from the first `warm` on.
        allowance: limits how long a visitor's calls run within an hour.
        quota: how many kernels an owner may hold. Whoever has as many and needs another one gives
            up the one that has been idle for the longest; where none is idle, the call fails.
    """

    def __init__(
        self,
        host: KernelHost,
        most: int = 8,
        idle_seconds: float | None = None,
        spares: Path | None = None,
        allowance: Allowance | None = None,
        quota: Quota = no_quota,
    ) -> None:
        self.host = host
        self.idle_seconds = idle_seconds
        self.spares = spares
        self.allowance = allowance or Allowance()
        self._quota = quota
        self._most = most
        self._changed = threading.Condition()
        self._leases: set[Lease] = set()
        self._waiting: FairOrder[Lease] = FairOrder()
        self._spare: PendingKernel | None = None
        self._wants_spare = False
        self._closed = False
        self._keeper: threading.Thread | None = None
        self._closers = ThreadPoolExecutor(4, thread_name_prefix="kernel-close")
        self._last_call_at = self._spare_taken_at = self._retry_at = float(
            "-inf"
        )  # monotonic seconds

    def lease(self, workspace: Path) -> Lease:
        """A lease for a session with this workspace; it holds no kernel yet."""
        lease = Lease(self, workspace)
        with self._changed:
            self._leases.add(lease)
        return lease

    def warm(self) -> None:
        """Keep a spare kernel ready from now on. Does nothing without a folder for spares."""
        with self._changed:
            if self.spares is not None and not self._closed:
                self._wants_spare = True
                self._ensure_keeper()

    @property
    def ready(self) -> bool:
        """Whether a spare kernel is ready."""
        with self._changed:
            spare = self._spare
            return spare is not None and not spare.pending and spare.alive

    @property
    def held(self) -> int:
        """Kernels that sessions hold."""
        with self._changed:
            return len(self._held)

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

    # -- called by leases -------------------------------------------------------------------------

    def claim(self, lease: Lease, owner: str) -> PendingKernel | None:
        """The lease's kernel, marked as busy; None when the call has to wait for its turn."""
        with self._changed:
            if self._closed or lease.closed:
                raise ToolError("The Python session is closed.")
            if lease.start is not None and not lease.start.alive:
                self._remove_kernel(lease, "died")
            if lease.start is None:
                self._keep_quota(lease, owner)
            due = lease.busy or not (self._waiting and self._full)  # others wait in the queue
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
            self._last_call_at = time.monotonic()
            if self.idle_seconds is not None:
                self._ensure_keeper()
            return lease.start

    def await_change(self) -> None:
        """Return when a kernel may be available, after `STOP_POLL_INTERVAL_S` at most."""
        with self._changed:
            self._changed.wait(STOP_POLL_INTERVAL_S)

    def start_ahead(self, lease: Lease) -> None:
        """Start the lease's kernel before its first call."""
        with self._changed:
            if not self._closed and not lease.closed and lease.start is None:
                lease.start = PendingKernel(self.host.start, lease.workspace)

    def replace(self, lease: Lease) -> None:
        """Replace a kernel that can't take over the workspace by one that is started there."""
        with self._changed:
            if not self._closed and not lease.closed:
                self._remove_kernel(lease, None)
                lease.start = PendingKernel(self.host.start, lease.workspace)

    def release(self, lease: Lease) -> None:
        """Mark the lease as idle: its call ended, or was stopped while it waited."""
        with self._changed:
            lease.busy, lease.since = False, time.monotonic()
            self._waiting.leave(lease)
            if lease.start is not None and not lease.start.alive:
                self._remove_kernel(lease, None)
            self._changed.notify_all()

    def forget(self, lease: Lease) -> None:
        """Remove the lease of a closed session. Returns when its kernel has ended."""
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
        return not self._full or self._close_idle(self._held)

    def _close_idle(self, leases: Iterable[Lease]) -> bool:
        """Closes the longest idle kernel; False where all are busy."""
        idle = [lease for lease in leases if not lease.busy]
        if idle:
            self._remove_kernel(min(idle, key=lambda lease: lease.since), "room")
        return bool(idle)

    def _keep_quota(self, lease: Lease, owner: str) -> None:
        """Makes room for a kernel within its owner's shares. Raises `ToolError`."""
        shares = self._quota(owner)
        lease.groups = frozenset(share.group for share in shares)
        for share in shares:
            held = [each for each in self._held if share.group in each.groups]
            if share.most and len(held) >= share.most and not self._close_idle(held):
                self._waiting.leave(lease)
                raise ToolError(QUOTA.format(count=len(held)))

    def _remove_kernel(self, lease: Lease, why: Loss | None) -> None:
        start, lease.start = lease.start, None
        if lease.used:
            lease.lost, lease.used = why, False
        if start is not None:
            self._closers.submit(start.close)

    def _take_spare(self) -> PendingKernel | None:
        spare, self._spare = self._spare, None
        self._spare_taken_at = time.monotonic()
        if spare is not None and not spare.alive:
            self._closers.submit(spare.close)
            return None
        return spare

    def _ensure_keeper(self) -> None:
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
                        self._remove_kernel(lease, "died")
                    elif self.idle_seconds is not None and now - lease.since > self.idle_seconds:
                        self._remove_kernel(lease, "idle")
                self._refill(now)
                self._changed.wait(POLL_INTERVAL_S)

    def _refill(self, now: float) -> None:
        if self._spare is not None and not self._spare.alive:
            log.error("A kernel that was started ahead is gone.", exc_info=self._spare.failure)
            self._closers.submit(self._spare.close)
            self._spare, self._retry_at = None, now + RETRY_DELAY_S
        calm = (
            now - self._last_call_at > SPARE_DELAY_S
            or now - self._spare_taken_at > MAX_SPARE_DELAY_S
        )
        if self._wants_spare and self._spare is None and calm and now > self._retry_at:
            assert self.spares is not None
            folder = self.spares / f"spare-{secrets.token_hex(8)}"
            self._spare = PendingKernel(self.host.start, folder, ahead=True)


class Lease:
    """One session's lease of a kernel, which the pool closes when it is idle for too long.

    `lost`: the reason why the variables of earlier calls are lost; the code that reports it
    resets it to None.
    """

    def __init__(self, pool: KernelPool, workspace: Path) -> None:
        self._pool = pool
        self.workspace = workspace
        # Used by the thread of the running call only.
        self._owner = ""
        self._begun: float | None = None
        # Used by the pool, under its lock.
        self.start: PendingKernel | None = None
        self.busy = self.used = self.closed = False
        self.since = 0.0
        self.groups: frozenset[str] = frozenset()
        self.lost: Loss | None = None

    def warm(self) -> None:
        """Start a kernel in the background: the pool's spare one, or else the session's own."""
        if self._pool.spares is not None:
            self._pool.warm()
        else:
            self._pool.start_ahead(self)

    def begin(self, context: ToolContext) -> Kernel | None:
        """The kernel for a call; None when the user stopped the turn while the call waited.

        The caller calls `end` in any case. Raises `ToolError` where no kernel can be provided.
        """
        self._owner = context.owner
        self._pool.allowance.check(self._owner)
        notified = False
        while not context.cancel.is_set():
            start = self._pool.claim(self, self._owner)
            if start is None:
                if not notified:
                    context.progress(WAITING)
                notified = True
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
                raise ToolError(error.user_message) from error
            else:
                if kernel.begin():
                    self.used = True
                    self._begun = time.monotonic()
                    return kernel
        return None

    def end(self) -> None:
        """Mark the end of the call, and charge its time to the visitor."""
        begun, self._begun = self._begun, None
        if begun is not None:
            self._pool.allowance.spend(self._owner, time.monotonic() - begun)
        self._pool.release(self)

    def close(self) -> None:
        """End the kernel, and return when it has ended. May be called twice, and during a call."""
        self._pool.forget(self)
