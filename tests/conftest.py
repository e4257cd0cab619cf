"""What all tests share."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tools.text import encodable


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half characters, which some tests log on purpose, can't be sent from one process of the
    tests to another."""
    report = yield
    report.sections = [(name, encodable(text)) for name, text in report.sections]
    return report
