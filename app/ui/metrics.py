"""`/metrics`, in Prometheus' text format: turns, tokens, queue, times, kernels, sessions, errors.

It has numbers alone: no names, no addresses, no words. Streamlit's own are at `/_stcore/metrics`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.core.people.meter import Finished
from app.ui.service import service

FIRST_TOKEN_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)
TURN_BUCKETS_S = (0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800)
REFUSED = "The metrics need the bearer token of GLM_METRICS_KEY."


class _Now(Collector):
    """What is so at the moment of asking."""

    def collect(self) -> Iterable[Metric]:
        built = service()
        running = built.meter.running if built.meter is not None else 0
        for name, what, value in (
            ("turns_running", "Turns that have begun and not ended", running),
            ("queue_length", "Turns that wait in a queue", built.sessions.waiting),
            ("sessions", "Open conversations", len(built.sessions)),
            ("kernels", "Python kernels of conversations", built.kernels),
        ):
            yield GaugeMetricFamily(f"glm_{name}", what, value)


_registry = CollectorRegistry()
_registry.register(_Now())
_turns = Counter("glm_turns", "Turns that have ended, by how", ["reason"], registry=_registry)
_tokens = Counter("glm_tokens", "Tokens that models read and wrote", ["kind"], registry=_registry)
_faults = Counter("glm_errors", "Errors, of turns and of pages", ["where"], registry=_registry)
_first = Histogram(
    "glm_first_token_seconds",
    "From the begin of a turn's first request to its first token",
    buckets=FIRST_TOKEN_BUCKETS_S,
    registry=_registry,
)
_seconds = Histogram(
    "glm_turn_seconds",
    "From the begin of a turn to its end",
    buckets=TURN_BUCKETS_S,
    registry=_registry,
)


def watch_turns() -> None:
    """Counts the turns of this process from now on."""
    for where in ("turn", "page"):
        _faults.labels(where)
    for kind in ("read", "written"):
        _tokens.labels(kind)
    if (meter := service().meter) is not None and _count not in meter.finished:
        meter.finished.append(_count)


def count_fault() -> None:
    """Counts an exception in a page."""
    _faults.labels("page").inc()


def _count(turn: Finished) -> None:
    _turns.labels(turn.ended.reason).inc()
    if turn.ended.reason == "error":
        _faults.labels("turn").inc()
    _tokens.labels("read").inc(turn.usage.prompt_tokens)
    _tokens.labels("written").inc(turn.usage.completion_tokens)
    _seconds.observe(turn.seconds)
    if turn.ended.usage.first_token is not None:
        _first.observe(turn.ended.usage.first_token)


async def send_metrics(request: Request) -> Response:
    """Sends the metrics on loopback, else to who has the key."""
    if not (service().local or _has_key(request)):
        return PlainTextResponse(REFUSED, 401, {"WWW-Authenticate": "Bearer"})
    return Response(generate_latest(_registry), media_type=CONTENT_TYPE_LATEST)


def _has_key(request: Request) -> bool:
    key = service().settings.metrics_key
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(sent.strip().encode(), key.encode("utf-8", "replace"))
    return bool(key) and scheme.lower() == "bearer" and same


METRICS = Route("/metrics", send_metrics)
