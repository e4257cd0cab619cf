"""The page shows how far a model that loads has come."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.core.models.host import ModelHost
from backends import bundled, load_progress
from backends.errors import ModelUnavailable
from backends.llama_cpp.engine import EngineConfig
from tools.base import file_size


def page(host):
    """A script of its own, which knows nothing of this module."""
    from app.ui.sidebar import draw_model

    draw_model(host)


def test_the_page_shows_how_far_it_is() -> None:
    reached, go = threading.Event(), threading.Event()

    def opener() -> Any:
        load_progress.tell("Loading weights", 3, 4)
        reached.set()
        go.wait(30)
        raise ModelUnavailable("No such model.")

    host = ModelHost(opener)
    assert host.progress is None
    host.start()
    assert reached.wait(30)
    shown = AppTest.from_function(page, args=(host,)).run()
    (bar,) = shown.get("progress")
    assert (bar.proto.value, bar.proto.text) == (75, "Loading weights: 75%")
    go.set()
    with pytest.raises(ModelUnavailable):
        host.wait()
    shown.run()
    assert not shown.get("progress") and shown.error[0].value == "No such model."
    assert host.progress is None


def test_the_page_shows_what_the_model_takes() -> None:
    host = ModelHost(lambda: bundled.open_model(EngineConfig(window=256)))
    host.start()
    host.wait()
    try:
        shown = AppTest.from_function(page, args=(host,)).run()
        (state,) = shown.caption
        size = file_size(bundled.model_file().stat().st_size)
        assert state.value.endswith(f"Ready · window 256 tokens · {size}")
    finally:
        host.close()
