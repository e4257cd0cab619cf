"""Every fault, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults import (
    cookies,
    drawing,
    endpoint,
    fairness,
    floods,
    gone,
    headers,
    kernel,
    leftovers,
    origins,
    paths,
    uploads,
)
from tests.faults.outcome import Fault

FAULTS: Sequence[Fault] = (
    *paths.FAULTS,
    *origins.FAULTS,
    *cookies.FAULTS,
    *headers.FAULTS,
    *endpoint.FAULTS,
    *kernel.FAULTS,
    *drawing.FAULTS,
    *gone.FAULTS,
    *leftovers.FAULTS,
    *floods.FAULTS,
    *uploads.FAULTS,
    *fairness.FAULTS,
)
