"""Every fault, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults import cookies, endpoint, kernel, page, requests
from tests.faults.outcome import Fault

FAULTS: Sequence[Fault] = (
    *requests.FAULTS,
    *cookies.FAULTS,
    *endpoint.FAULTS,
    *kernel.FAULTS,
    *page.FAULTS,
)
