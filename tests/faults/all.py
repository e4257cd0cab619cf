"""Every fault, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.answers import drawing, endpoint, kernel
from tests.faults.outcome import Fault
from tests.faults.server import fairness, floods, gone, leftovers, uploads
from tests.faults.strangers import cookies, headers, origins, paths

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
