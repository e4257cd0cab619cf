"""Time to first token of a question after a switch of models, over that without one.

Two models are loaded: the bundled one, and the same file without its adapter. A conversation asks a
model, and asks it again: that is timed without a switch, and with one, where it went to the other
model and back in between. Choosing counts: a session's model is chosen as the picker does it, and
its host asked for the backend. Before each timed question the model has read one that is alike in
both cases, so that the same share of the prompt is known to it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from app.core.models.offers import DEFAULT
from app.core.service import Service
from app.core.sessions.session import Session
from app.core.settings import Loaded, Settings
from backends import bundled
from backends.base import GenerationConfig
from backends.events import TextDelta
from backends.messages import Message, Text, user
from tests.bench.figures import Figure, at_most, spread

RUNS = 15
LIMIT = 1.1
SYSTEM = Message("system", (Text("You are a helpful assistant. " * 20),))
SECOND = "file:second.gguf"
MODELS = (DEFAULT, SECOND)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder, "models")
        models.mkdir()
        os.symlink(bundled.model_file(), models / "second.gguf")
        service = Service(Loaded(Settings(data=folder, models=str(models)), {}))
        service.models.admit(SECOND)
        try:
            return _figures(service)
        finally:
            service.close()


def _figures(service: Service) -> list[Figure]:
    session = service.sessions.open("visitor", "chat")
    for id in MODELS:
        session.choose_model(id)
        _first_token(session, id, "Hello")
    kept: list[float] = []
    switched: list[float] = []
    for run in range(RUNS):
        for id, other in (MODELS, MODELS[::-1]):
            cases = (False, True) if run % 2 else (True, False)
            for switch in cases:
                case = "b" if switch else "a"
                _first_token(session, id, f"Before {run:02} {case}?")
                if switch:
                    _first_token(session, other, f"Elsewhere {run:02}?")
                took = _first_token(session, id, f"What is {run:02} and {case}?")
                (switched if switch else kept).append(took)
    share = statistics.median(switched) / statistics.median(kept)
    return [
        at_most("first token after a switch, over that without", share, LIMIT, "", 3),
        Figure("  with a switch", spread(switched, "s", 3)),
        Figure("  without", spread(kept, "s", 3)),
    ]


def _first_token(session: Session, id: str, question: str) -> float:
    """Seconds from the choice of a model to its first text, once it is loaded."""
    began = time.monotonic()
    if session.chosen_model != id:
        session.choose_model(id)
    backend = session.model.wait()
    assert backend is not None
    config = GenerationConfig(temperature=0.0, max_tokens=4)
    took = 0.0
    for event in backend.generate((SYSTEM, user(question)), (), config, threading.Event()):
        if isinstance(event, TextDelta) and not took:
            took = time.monotonic() - began
    return took or time.monotonic() - began
