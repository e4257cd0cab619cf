"""Progress of loading a model, from the code that does the work to the code that shows it.

The caller that loads a model installs a listener (`heard`); the code that downloads, loads or
compiles reports to it (`tell`), from any depth of a library. Without a listener a report is
dropped.
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
    """The current step as a text for the user, and its finished share from 0 to 1."""

    text: str
    share: float


Listener = Callable[[Progress], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Within the block, `listener` receives the progress that this context reports. The calls may
    come from any thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(doing: str, done: int, total: int) -> None:
    """Reports that `done` of `total` steps are finished; `doing` names the work for the user."""
    if (listener := _listener.get()) is not None and total > 0:
        share = min(done / total, 1.0)
        listener(Progress(f"{doing}: {share:.0%}", share))


def downloads(total: int = 0) -> Any:
    """The `tqdm_class` for huggingface_hub: its bars draw nothing and report the downloaded bytes.

    `total` is the size of the download in bytes; with 0 each bar uses its own total.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    listener = _listener.get()  # the library updates the bars on threads of its own

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **(options | {"disable": True}))
            # Other bars count files, or bytes on the network before they are in a file.
            self._counts = options.get("unit") == "B" and options.get("desc") != "Downloading bytes"

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            size = total or self.total or 0
            if listener is not None and self._counts and size > 0:
                done = min(int(self.n), int(size))
                text = f"Downloading: {file_size(done)} of {file_size(int(size))}"
                listener(Progress(text, done / size))

    return Bar


def listen_to_transformers() -> None:
    """Makes transformers report the number of loaded tensors, for the rest of the process."""
    from transformers.utils import logging

    def counted(items: Any) -> Iterator[Any]:
        for index, item in enumerate(items):
            yield item
            tell("Loading weights", index + 1, len(items))

    def hook(bar: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if options.get("desc") == "Loading weights" and args:
            return counted(args[0])
        return bar(*args, **options)

    logging.set_tqdm_hook(hook)
