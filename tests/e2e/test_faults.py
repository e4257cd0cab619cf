"""The faults of `make faults` that take seconds, on the server and the browser of these tests."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.e2e.visitor import Scripted
from tests.faults.__main__ import make
from tests.faults.all import FAULTS
from tests.faults.outcome import Fault, line
from tests.faults.stage import Stage

pytestmark = pytest.mark.e2e

QUICK = [fault for fault in FAULTS if fault.quick]


@pytest.mark.parametrize("fault", QUICK, ids=[fault.name for fault in QUICK])
def test_a_fault_is_held(fault: Fault, scripted: Scripted, browser: Browser) -> None:
    row = make(fault, Stage(lambda: scripted, lambda: browser))
    assert row.outcome.held, line(row)
