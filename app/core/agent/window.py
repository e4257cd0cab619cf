"""What of a request fits the model's window: counted, and long results of tools shortened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.base import Backend
from backends.errors import ContextExceeded
from backends.messages import Message
from tools.base import ToolSpec
from tools.text import cut_middle

MIN_RESULT_CHARS = 512
"""Characters of a tool's result that are kept in any case."""

_BYTES_PER_TOKEN = 3
"""A low estimate for backends that can't count tokens: English has four to five bytes a token,
Chinese about three."""


def fit_to_window(
    messages: Sequence[Message], tools: Sequence[ToolSpec], backend: Backend, answer: int
) -> Sequence[Message]:
    """`messages` with results cut in the middle, and a word on it, until an answer fits. What is
    too long without them, the backend refuses.

    `answer` is its length in tokens; a quarter of the window is enough in any case. Results are
    cut to a power of two of characters, so that a later prompt mostly begins like this one and
    what the model has read of it is not read again.
    """
    max_tokens = prompt_tokens(backend, answer)
    longest = max((len(m.result.text) for m in messages if m.result is not None), default=0)
    if max_tokens is None or longest <= MIN_RESULT_CHARS:
        return messages
    limit = 1 << (longest - 1).bit_length()
    shortened = messages
    while not _fits(shortened, tools, backend, max_tokens) and limit > MIN_RESULT_CHARS:
        limit //= 2
        shortened = [_shortened(message, limit) for message in messages]
    return shortened


def _shortened(message: Message, limit: int) -> Message:
    if message.result is None or len(message.result.text) <= limit:
        return message
    return replace(
        message, result=replace(message.result, text=cut_middle(message.result.text, limit))
    )


def prompt_tokens(backend: Backend, answer: int) -> int | None:
    """The most tokens of a prompt that leaves room for an answer of `answer` tokens; None for an
    unknown window."""
    window = backend.capabilities.context
    return None if window is None else window - min(answer, window // 4)


def _fits(
    messages: Sequence[Message], tools: Sequence[ToolSpec], backend: Backend, max_tokens: int
) -> bool:
    count = count_tokens(messages, tools, backend)
    return count is not None and count <= max_tokens


def count_tokens(
    messages: Sequence[Message], tools: Sequence[ToolSpec], backend: Backend
) -> int | None:
    """The tokens of a prompt, estimated from its bytes where the backend can't count; None for more
    than the whole window."""
    try:
        count = backend.count_tokens(messages, tools)
    except ContextExceeded:
        return None
    if count is None:
        texts = (m.text if m.result is None else m.result.text for m in messages)
        count = sum(len(text.encode("utf-8", "replace")) for text in texts) // _BYTES_PER_TOKEN
    return count
