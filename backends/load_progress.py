"""How far a model that loads has come, told to whoever waits for it.

Whoever loads a model listens (`heard`); what downloads, loads or compiles it tells, from however
deep in a library. Where nobody listens nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from tools.base import file_size


@dataclass(frozen=True)
class Progress:
    """What is being done, in words, and which share of it is done, from 0 to 1."""

    text: str
    share: float


Listener = Callable[[Progress], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Within the block, `listener` is called with what is told in this context; it may be called
    from any thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(doing: str, done: int, total: int) -> None:
    """So many of so many steps of `doing` are done."""
    if (listener := _listener.get()) is not None and total > 0:
        share = min(done / total, 1.0)
        listener(Progress(f"{doing}: {share:.0%}", share))


def downloads(total: int = 0) -> Any:
    """The class of progress bars that huggingface_hub is to use: they draw nothing, and tell how
    many of `total` bytes have come (0: as many as the bar itself knows of)."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    listener = _listener.get()  # bars are moved on by threads of their own

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **(options | {"disable": True}))
            # Others count files, or what came over the network before it is a file.
            self._counts = options.get("unit") == "B" and options.get("desc") != "Downloading bytes"

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            whole = total or self.total or 0
            if listener is not None and self._counts and whole > 0:
                done = min(int(self.n), int(whole))
                text = f"Downloading: {file_size(done)} of {file_size(int(whole))}"
                listener(Progress(text, done / whole))

    return Bar


def listen_to_transformers() -> None:
    """From here on, transformers tells how many of a model's tensors are loaded."""
    from transformers.utils import logging

    def counted(items: Any) -> Iterator[Any]:
        for at, item in enumerate(items):
            yield item
            tell("Loading weights", at + 1, len(items))

    def hook(bar: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if options.get("desc") == "Loading weights" and args:
            return counted(args[0])
        return bar(*args, **options)

    logging.set_tqdm_hook(hook)
