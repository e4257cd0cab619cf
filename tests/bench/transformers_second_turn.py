"""Time to first token of a second turn over 4,000 tokens, over that without the kept prefix.

On a random GLM of 6 million weights in float32 on the CPU, through `backends.transformers`. The
first turn reads a message; the second asks on, and is timed from the call of `generate` to its
first token. Then the same second turn is asked of the model with nothing kept. Every run has
another text.
"""

from __future__ import annotations

import os
import random
import statistics
import string
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from backends.base import GenerationConfig
from backends.messages import Message, Text, user
from backends.transformers.backend import Transformers
from backends.transformers.config import WeightsConfig
from backends.transformers.loading import load
from tests.bench.figures import Figure, at_most, spread
from tests.support.tiny_models import save_glm

RUNS = 3
TOKENS = 4000
SHARE = 0.05
SIZES = {
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "head_dim": 64,
    "max_position_embeddings": 8192,
}


def measure() -> list[Figure]:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as `load` does, before torch is loaded
    config = WeightsConfig(device_map="cpu")
    with tempfile.TemporaryDirectory(prefix="glm-bench-") as folder:
        model = Transformers(load(str(save_glm(Path(folder), **SIZES)), config), config)
    _first_token(model, [user("Hello")])
    runs = [_two_turns(model, random.Random(run)) for run in range(RUNS)]
    kept, anew = zip(*runs, strict=True)
    shares = [with_it / without for with_it, without in runs]
    model.close()
    return [
        at_most("second turn's wait, as a share", statistics.median(shares), SHARE, "", 3),
        Figure("  shares of the runs", spread(shares, "", 3)),
        Figure("  with the kept prefix", spread(kept, "s", 3)),
        Figure("  without it", spread(anew, "s", 3)),
    ]


def _two_turns(model: Transformers, chance: random.Random) -> tuple[float, float]:
    """Seconds to the second turn's first token, with the prefix kept and without."""
    text = "".join(chance.choices(string.ascii_letters + " ", k=TOKENS))
    conversation = [user(text)]
    _first_token(model, conversation)
    conversation += [Message("assistant", (Text("So it is."),)), user("And what else?")]
    kept = _first_token(model, conversation)
    model.forget()
    return kept, _first_token(model, conversation)


def _first_token(model: Transformers, messages: Sequence[Message]) -> float:
    began = time.monotonic()
    config = GenerationConfig(temperature=0.0, max_tokens=1)
    for _ in model.generate(messages, (), config, threading.Event()):
        pass
    return time.monotonic() - began
