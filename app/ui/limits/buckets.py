"""Token buckets: how much of something one visitor, or one address, may have in a time."""

from __future__ import annotations

import asyncio
import heapq
import time
from dataclasses import dataclass, field
from itertools import count


@dataclass
class Bucket:
    """Holds up to `burst` tokens, and gains `rate` a second. It begins full."""

    rate: float
    burst: float
    _tokens: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens, self._at = self.burst, time.monotonic()

    def take(self) -> bool:
        """Takes a token, if there is one."""
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
        """Whether nothing was taken of late."""
        self._fill()
        return self._tokens >= self.burst

    def _fill(self) -> None:
        now = time.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now


class Buckets:
    """A bucket a name, of one rate; those that nobody has used of late are forgotten."""

    KEPT = 1000  # buckets, before the full ones are looked for

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: dict[str, Bucket] = {}

    def __getitem__(self, name: str) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= self.KEPT:
                self._buckets = {n: each for n, each in self._buckets.items() if not each.full}
            bucket = self._buckets[name] = Bucket(self._rate, self._burst)
        return bucket


class Queue:
    """Where those who share one bucket wait for its tokens, on one event loop. The next token goes
    to who got one the longest ago, so that a newcomer does not wait behind another's flood."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._waiting: list[tuple[int, int, asyncio.Future[None], str]] = []
        self._served: dict[str, int] = {}
        self._number = count(1)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody waits, and nobody took a token of late."""
        return not self._waiting and self._bucket.full

    async def take(self, who: str) -> None:
        """Waits for a token."""
        if not self._waiting and self._bucket.take():
            self._serve(who)
            return
        turn = asyncio.get_running_loop().create_future()
        entry = (self._served.get(who, 0), next(self._number), turn, who)
        heapq.heappush(self._waiting, entry)
        self._later()
        await turn

    def _later(self) -> None:
        if self._timer is None and self._waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._bucket.wait, self._hand_out)

    def _hand_out(self) -> None:
        self._timer = None
        while self._waiting:
            *_, turn, who = self._waiting[0]
            if turn.done():  # whoever waited is gone
                heapq.heappop(self._waiting)
            elif self._bucket.take():
                heapq.heappop(self._waiting)
                self._serve(who)
                turn.set_result(None)
            else:
                break
        self._later()

    def _serve(self, who: str) -> None:
        if len(self._served) >= Buckets.KEPT:
            newest = sorted(self._served.items(), key=lambda item: item[1])
            self._served = dict(newest[len(newest) // 2 :])
        self._served[who] = next(self._number)
