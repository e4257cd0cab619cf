"""What llama.cpp says of a request while it answers: progress, tokens counted, refusals."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from backends.base import (
    AnswerBroken,
    BackendError,
    ContextExceeded,
    Notice,
    RequestRefused,
    Usage,
)
from backends.llama_engine import READ_BATCH

log = logging.getLogger(__name__)

# The least room for an answer: a prompt that leaves fewer tokens than this does not fit.
ANSWER_ROOM = 64
ENGINE_FAULT = "The model stopped with a fault of its engine. Retry, or clear the chat."
UNREADABLE = "The model can't read a picture of this conversation. Clear it, or give another one."


class Counted:
    """Tokens of one answer, from what llama.cpp says at its end, else from the pieces so far."""

    def __init__(self, prompt: int) -> None:
        self._prompt, self._cached, self._written = prompt, 0, 0

    def see(self, piece: Mapping[str, Any]) -> None:
        timings = piece.get("timings")
        if timings:
            self._cached = int(timings["cache_n"])
            self._prompt = self._cached + int(timings["prompt_n"])
            self._written = int(timings["predicted_n"])
        elif piece.get("choices") and "prompt_progress" not in piece:
            self._written += 1

    def usage(self) -> Usage:
        return Usage(self._prompt, self._cached, self._written)


def reading(progress: Mapping[str, Any]) -> Notice:
    """How far the prompt is read."""
    done = int(progress["processed"])
    total = int(progress["total"])
    cached = int(progress.get("cache", 0))
    # A short prompt is read before anyone could read the notice.
    if done >= total or total - cached < 4 * READ_BATCH:
        return Notice("")
    return Notice(f"Reading: {done:,} of {total:,} tokens")


def refusal(error: Mapping[str, Any], window: int) -> BackendError:
    """What the user is told of an error."""
    if error.get("type") == "exceed_context_size_error":
        asked = int(error.get("n_prompt_tokens", window))
        return ContextExceeded(asked + ANSWER_ROOM - window, window)
    log.error("llama.cpp refused: %s", error)
    if "load image" in str(error.get("message", "")):
        return RequestRefused(UNREADABLE)
    return AnswerBroken(ENGINE_FAULT)
