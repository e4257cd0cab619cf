"""Decoding at desks: the same greedy tokens as plain `generate`, whoever sits where.

The step is run as it is, but for one test: compiling takes long, and is for
`tests/bench/transformers_speed`.
"""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from backends.events import ModelEvent, TextDelta
from backends.transformers import compiled_decoding
from backends.transformers.backend import Transformers
from backends.transformers.config import WeightsConfig
from backends.transformers.loading import load
from tests.support.tiny_models import save_glm, save_glm4v
from tests.unit.backends.transformers import test_models as seeing
from tests.unit.backends.transformers.test_text import (
    LONG,
    answer_to,
    ask,
    end,
    plainly,
    stream,
    told,
    user,
)

LENGTHS = (100, 250, 500)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("models")
    saved = {kind: save_glm(root / kind, kind) for kind in ("glm", "glm4")}
    return saved | {"glm4v": save_glm4v(root / "glm4v")}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The desk's length of each step that is run, on the one thread that runs them."""
    lengths: list[int] = []
    threads: set[int] = set()

    def watched(step: Callable[..., Any], _: Any) -> Callable[..., Any]:
        def run(tokens: Any, places: Any, states: Any) -> Any:
            lengths.append(states.get_max_length())
            threads.add(threading.get_ident())
            assert len(threads) == 1
            return step(tokens, places, states)

        return run

    monkeypatch.setattr(compiled_decoding, "compiled", watched)
    monkeypatch.setattr(compiled_decoding, "LENGTHS", LENGTHS)
    return lengths


def opened(folder: Path, chunk: int = 50, **config: Any) -> Transformers:
    settings = WeightsConfig(compile=True, **config)
    return Transformers(load(str(folder), settings), settings, chunk)


@pytest.fixture(params=["glm", "glm4"])
def model(
    request: pytest.FixtureRequest, folders: dict[str, Path], steps: list[int]
) -> Iterator[Transformers]:
    model = opened(folders[request.param])
    steps.clear()  # those of making it
    yield model
    model.close()


@pytest.fixture
def glm(folders: dict[str, Path], steps: list[int]) -> Iterator[Transformers]:
    model = opened(folders["glm"])
    steps.clear()
    yield model
    model.close()


def test_a_conversation_goes_from_desk_to_desk_and_beyond(
    model: Transformers, steps: list[int]
) -> None:
    messages, kept = [user(LONG[:40])], 0
    for question in (LONG, LONG * 2, LONG * 4, "And?"):
        events = ask(model, messages, max_tokens=40)
        assert told(events) == plainly(model, messages, 40)
        assert end(events).usage.cached_tokens >= kept
        kept = end(events).usage.prompt_tokens
        messages = [*answer_to(messages, events), user(question)]
    assert kept > LENGTHS[-1] and set(steps) == set(LENGTHS)
    assert steps == sorted(steps)


def test_an_answer_moves_to_a_longer_desk(glm: Transformers, steps: list[int]) -> None:
    text = "a" * (LENGTHS[0] - 20)
    assert told(ask(glm, text, max_tokens=60)) == plainly(glm, text, 60)
    assert set(steps) == set(LENGTHS[:2])


def test_answers_in_turns_at_desks_of_their_own(model: Transformers, steps: list[int]) -> None:
    texts = [LONG + "One", LONG + "Other, and more", LONG + "One, too"]
    wanted = [plainly(model, text) for text in texts]
    for _ in range(2):  # at desks that were left, too
        streams = [stream(model, text) for text in texts]
        heard: list[list[ModelEvent]] = [[] for _ in texts]
        for events in zip_longest(*streams):
            for each, event in zip(heard, events, strict=True):
                each += [event] if event is not None else []
        assert [told(each) for each in heard] == wanted
    assert len(steps) > 2 * len(texts)


def test_threads_that_copy_what_sits_at_a_desk(glm: Transformers) -> None:
    texts = [LONG * 2 + "x" * number for number in range(4)]
    wanted = [plainly(glm, text, 30) for text in texts]
    got: dict[int, object] = {}

    def visit(number: int) -> None:
        got[number] = told(ask(glm, texts[number], max_tokens=30))

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [got.get(number) for number in range(4)] == wanted


def test_edits_retries_and_stops(glm: Transformers, steps: list[int]) -> None:
    wanted = plainly(glm, LONG, 30)
    cancel = threading.Event()
    answer = stream(glm, LONG, (), cancel, max_tokens=30)
    while not isinstance(next(answer), TextDelta):
        pass
    before = len(steps)
    cancel.set()
    assert end(list(answer)).finish == "cancelled"
    assert len(steps) == before
    closed = stream(glm, LONG, max_tokens=30)
    while not isinstance(next(closed), TextDelta):
        pass
    closed.close()  # type: ignore[attr-defined]
    again = ask(glm, LONG, max_tokens=30)
    assert told(again) == wanted
    assert end(again).usage.cached_tokens == end(again).usage.prompt_tokens - 1
    edited = LONG + "Or is it?"
    assert told(ask(glm, edited)) == plainly(glm, edited)


def test_a_model_that_sees(folders: dict[str, Path], steps: list[int], tmp_path: Path) -> None:
    model = opened(folders["glm4v"], chunk=8)
    steps.clear()
    messages = [seeing.asked(seeing.picture(tmp_path, "a.png"), "What is it?")]
    for parts in (("And",), (seeing.picture(tmp_path, "b.png", (40, 100), 1), "?")):
        events = seeing.ask(model, messages)
        assert seeing.told(events) == seeing.plainly(model, messages)
        messages = seeing.then(messages, events, *parts)
    assert steps


def test_closing_gives_the_memory_back(folders: dict[str, Path], steps: list[int]) -> None:
    model = opened(folders["glm"])
    ask(model, LONG)
    assert model._weights is not None
    weights = weakref.ref(model._weights.model)
    model.close()
    gc.collect()
    assert weights() is None


def test_a_step_is_one_graph_whoever_sits_there(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced for the compiler, which is left out: that takes long."""
    import torch
    from torch._dynamo.utils import counters

    def traced(step: Callable[..., Any], _: Any) -> Any:
        return torch.compile(step, backend="eager", dynamic=False, fullgraph=True)

    monkeypatch.setattr(compiled_decoding, "compiled", traced)
    monkeypatch.setattr(compiled_decoding, "LENGTHS", (100,))
    counters.clear()
    model = opened(folders["glm"])
    texts = [LONG[:50], LONG[10:60]]
    wanted = [plainly(model, text) for text in texts]
    streams = [stream(model, text) for text in texts]
    heard = [list(filter(None, each)) for each in zip(*zip_longest(*streams), strict=True)]
    assert [told(each) for each in heard] == wanted
    assert model._compiled is not None and model._compiled.longest == 100
    assert counters["stats"]["unique_graphs"] == 1
    model.close()


# -- where it does not do ------------------------------------------------------------------------


def failing(monkeypatch: pytest.MonkeyPatch, fault: Exception, good: int) -> list[int]:
    """After `good` steps, `fault` is raised once the model has run."""
    runs: list[int] = []

    def compiled(step: Callable[..., Any], _: Any) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            logits = step(*given)
            runs.append(1)
            if len(runs) == good + 1:
                raise fault
            return logits

        return run

    monkeypatch.setattr(compiled_decoding, "compiled", compiled)
    monkeypatch.setattr(compiled_decoding, "LENGTHS", LENGTHS)
    return runs


WARM = len(LENGTHS) * compiled_decoding.WARMING


@pytest.mark.parametrize(
    ("good", "compiles", "logged"),
    [
        (0, 0, "compiling failed; glm is decoded the plain way beyond 0 tokens"),
        (4, LENGTHS[0], "the plain way beyond 100 tokens"),
        (WARM + 2, 0, "a compiled step failed; glm goes on the plain way"),
    ],
)
def test_what_can_not_be_compiled_goes_the_plain_way(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    good: int, compiles: int, logged: str,
) -> None:  # fmt: skip
    failing(monkeypatch, RuntimeError("no such compiler"), good)
    model = opened(folders["glm"])
    for text in (LONG, LONG * 2):
        assert told(ask(model, text, max_tokens=30)) == plainly(model, text, 30)
    assert logged in caplog.text
    assert model._compiled is not None and model._compiled.longest == compiles


def test_memory_that_runs_out_in_a_step(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    runs = failing(monkeypatch, torch.OutOfMemoryError("CUDA out of memory."), WARM + 2)
    model = opened(folders["glm"])
    assert told(ask(model, LONG, max_tokens=30)) == plainly(model, LONG, 30)
    assert len(runs) > WARM + 4
    assert model._compiled is not None and model._compiled.longest == LENGTHS[-1]


def test_a_conversation_that_finds_no_room_of_its_own_is_dropped(
    glm: Transformers, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def lay(kept: Any, memory: Any = None) -> None:
        if memory is None:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        usual(kept, memory)

    usual = glm._caches.lay
    monkeypatch.setattr(glm._caches, "lay", lay)
    for _ in range(2):
        events = ask(glm, LONG)
        assert told(events) == plainly(glm, LONG)
        assert end(events).usage.cached_tokens == 0
    assert glm._caches._caches == []


def test_other_attention_is_not_compiled(
    folders: dict[str, Path], steps: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model = opened(folders["glm"], attention="eager")
    assert "glm is not compiled: its attention is eager, not sdpa" in caplog.text
    assert told(ask(model, LONG)) == plainly(model, LONG)
    assert steps == []
