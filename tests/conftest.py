"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from tools.text import encodable

ROOT = Path(__file__).resolve().parents[1]
# A core has a file of tests to itself: more threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test fails for being slow.
settings.register_profile("patient", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=20)
settings.load_profile("patient")

SLOW = (
    "tests/unit/backends/llama_cpp",
    "tests/unit/backends/openai_api/test_long.py",
    "tests/unit/backends/test_load_progress.py",
    "tests/unit/backends/transformers",
    "tests/unit/cli",
    "tests/unit/core/document_qa/test_session_documents.py",
    "tests/unit/core/document_qa/test_store.py",
    "tests/unit/core/exchange/test_importing.py",
    "tests/unit/core/sessions/test_cells.py",
    "tests/unit/core/people/test_linking.py",
    "tests/unit/core/history/test_opening.py",
    "tests/unit/core/history/test_postgres.py",
    "tests/unit/core/sessions/test_kills.py",
    "tests/unit/core/sessions/test_shared_turns.py",
    "tests/unit/core/test_bundled_bad_input.py",
    "tests/unit/core/test_context_window.py",
    "tests/unit/core/test_doctor.py",
    "tests/unit/core/test_load_progress.py",
    "tests/unit/core/models",
    "tests/unit/core/test_notebook_export.py",
    "tests/unit/core/test_process_folder.py",
    "tests/unit/core/test_toolset_browser.py",
    "tests/unit/core/test_toolset_python.py",
    "tests/unit/core/test_vision.py",
    "tests/unit/core/test_web_documents.py",
    "tests/unit/finetune",
    "tests/unit/tools/browser/test_chromium.py",
    "tests/unit/tools/browser/test_closing.py",
    "tests/unit/tools/browser/test_fetch.py",
    "tests/unit/tools/browser/test_hostile.py",
    "tests/unit/tools/browser/test_html_worker.py",
    "tests/unit/tools/browser/test_tool.py",
    "tests/unit/tools/documents/test_encryption.py",
    "tests/unit/tools/documents/test_highlight.py",
    "tests/unit/tools/documents/test_hostile.py",
    "tests/unit/tools/documents/test_odd.py",
    "tests/unit/tools/documents/test_pdf.py",
    "tests/unit/tools/documents/test_reading.py",
    "tests/unit/tools/documents/test_scanned_pages.py",
    "tests/unit/tools/python",
    "tests/unit/tools/test_image_tool.py",
    "tests/unit/ui/test_address_limits_served.py",
    "tests/unit/ui/test_limits_served.py",
    "tests/unit/ui/test_metrics.py",
    "tests/unit/ui/test_people_served.py",
    "tests/unit/ui/test_replicas.py",
    "tests/unit/ui/test_visitors.py",
)
"""Folders and files whose tests start browsers, models, kernels or other processes, or take long:
`make test-fast` leaves them out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of `SLOW`. Those that are neither in `SLOW` nor in `e2e` come last: the
    shortest files are what several processes come to their end with at the same time."""

    @cache
    def is_in(path: Path, places: tuple[str, ...]) -> bool:
        return any(path.is_relative_to(ROOT / place) for place in places)

    for item in items:
        if is_in(item.path, SLOW):
            item.add_marker("slow")
    items.sort(key=lambda item: not is_in(item.path, ("tests/e2e", *SLOW)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half characters, which some tests log on purpose, can't be sent from one process of the
    tests to another."""
    report = yield
    report.sections = [(name, encodable(text)) for name, text in report.sections]
    return report
