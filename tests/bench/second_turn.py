"""Time to first token of a second turn over a long conversation, over that of the first.

On the bundled model through `backends.llama_cpp`, with the app's own engine settings. The first
turn reads a message of 5,000 tokens and answers; the second one asks on. Both are timed from the
call of `generate` to the first piece of text. Every run has another text, so that nothing of it
is known from the run before.
"""

from __future__ import annotations

import random
import statistics
import threading
import time

from backends import bundled
from backends.base import GenerationConfig
from backends.events import TextDelta
from backends.llama_cpp.backend import LlamaCpp
from backends.messages import Message, Text, user
from tests.bench.figures import Figure, at_most, spread

RUNS = 3
TOKENS = 5000
SHARE = 0.05
WORDS = """
the river house light wind stone harbour winter garden letter morning road silver train mountain
window music paper island forest kitchen market bridge story colour evening
"""


def measure() -> list[Figure]:
    engine = bundled.open_model()
    try:
        _first_token(engine, [user("Hello")])
        runs = [_two_turns(engine, run) for run in range(RUNS)]
    finally:
        engine.close()
    first, second = zip(*runs, strict=True)
    shares = [two / one for one, two in runs]
    return [
        at_most("second turn's wait, as a share", statistics.median(shares), SHARE, "", 3),
        Figure("  shares of the runs", spread(shares, "", 3)),
        Figure("  first turn", spread(first, "s")),
        Figure("  second turn", spread(second, "s")),
    ]


def _two_turns(engine: LlamaCpp, run: int) -> tuple[float, float]:
    conversation = [_long_message(engine, run)]
    first, said = _first_token(engine, conversation)
    conversation += [
        Message("assistant", (Text(said),)),
        user("And what else can be said about it?"),
    ]
    second, _ = _first_token(engine, conversation)
    return first, second


def _long_message(engine: LlamaCpp, run: int) -> Message:
    """A message with which the prompt is `TOKENS` long, give or take a sentence."""
    chance, words = random.Random(run), WORDS.split()
    sentences = ["What is this about?"]
    while True:
        message = user(" ".join(sentences))
        missing = TOKENS - engine.count_tokens([message], ())
        if missing <= 0:
            return message
        # A sentence of ten words is eleven tokens or more: never too many at a time.
        for _ in range(max(1, missing // 15)):
            sentences.insert(0, " ".join(chance.choices(words, k=10)).capitalize() + ".")


def _first_token(engine: LlamaCpp, messages: list[Message]) -> tuple[float, str]:
    """Seconds to the first text, and all of the answer."""
    began = time.monotonic()
    first, said = 0.0, ""
    config = GenerationConfig(temperature=0.0, max_tokens=32)
    for event in engine.generate(messages, (), config, threading.Event()):
        if isinstance(event, TextDelta):
            first = first or time.monotonic() - began
            said += event.text
    return first, said
