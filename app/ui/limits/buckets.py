"""Token buckets that limit the rate of one visitor or one address."""

from __future__ import annotations

import asyncio
import heapq
import time
from dataclasses import dataclass, field
from itertools import count


@dataclass
class Bucket:
    """A bucket of at most `burst` tokens that gains `rate` tokens per second; full at first."""

    rate: float
    burst: float
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens, self._filled_at = self.burst, time.monotonic()

    def take(self) -> bool:
        """Takes a token; returns False where there is none."""
        self._fill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    @property
    def wait(self) -> float:
        """Seconds until there is a token."""
        self._fill()
        return max(0.0, (1 - self._tokens) / self.rate)

    @property
    def full(self) -> bool:
        """Whether all tokens taken have been regained."""
        self._fill()
        return self._tokens >= self.burst

    def _fill(self) -> None:
        now = time.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now


class Buckets:
    """A bucket for each name, all of one rate; full buckets are dropped."""

    MAX_KEPT = 1000  # from this number on, full buckets are dropped

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: dict[str, Bucket] = {}

    def __getitem__(self, name: str) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= self.MAX_KEPT:
                self._buckets = {n: each for n, each in self._buckets.items() if not each.full}
            bucket = self._buckets[name] = Bucket(self._rate, self._burst)
        return bucket


class Queue:
    """A fair queue for the tokens of one bucket, on one event loop.

    The next token goes to the name that was served least recently, so that one sender's flood
    doesn't delay the others.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._waiting: list[tuple[int, int, asyncio.Future[None], str]] = []
        self._served: dict[str, int] = {}
        self._number = count(1)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether no one waits and the bucket is full."""
        return not self._waiting and self._bucket.full

    async def take(self, name: str) -> None:
        """Waits for a token."""
        if not self._waiting and self._bucket.take():
            self._serve(name)
            return
        turn = asyncio.get_running_loop().create_future()
        entry = (self._served.get(name, 0), next(self._number), turn, name)
        heapq.heappush(self._waiting, entry)
        self._schedule()
        await turn

    def _schedule(self) -> None:
        if self._timer is None and self._waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._bucket.wait, self._hand_out)

    def _hand_out(self) -> None:
        self._timer = None
        while self._waiting:
            *_, turn, name = self._waiting[0]
            if turn.done():  # its waiter was cancelled
                heapq.heappop(self._waiting)
            elif self._bucket.take():
                heapq.heappop(self._waiting)
                self._serve(name)
                turn.set_result(None)
            else:
                break
        self._schedule()

    def _serve(self, name: str) -> None:
        if len(self._served) >= Buckets.MAX_KEPT:
            newest = sorted(self._served.items(), key=lambda item: item[1])
            self._served = dict(newest[len(newest) // 2 :])
        self._served[name] = next(self._number)
