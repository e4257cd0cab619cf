"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tools.text import encodable

# A core has a file of tests to itself: more threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half characters, which some tests log on purpose, can't be sent from one process of the
    tests to another."""
    report = yield
    report.sections = [(name, encodable(text)) for name, text in report.sections]
    return report
