"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tools.text import encodable

# A core has a file of tests to itself: more threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test fails for being slow.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half characters, which some tests log on purpose, can't be sent from one process of the
    tests to another."""
    report = yield
    report.sections = [(name, encodable(text)) for name, text in report.sections]
    return report
