"""Runs work in a daemon thread, which does not delay the exit of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T], name: str | None = None) -> Future[T]:
    """Starts `work` in a daemon thread named `name`. Returns the future of its result."""
    future: Future[T] = Future()

    def go() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is read
            future.set_exception(error)

    threading.Thread(target=go, name=name, daemon=True).start()
    return future
