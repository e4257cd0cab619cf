"""A prompt that fits the model's window: long results of tools are shortened for the model.

The conversation keeps them whole. What is too long without them, the backend refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.base import Backend
from backends.errors import ContextExceeded
from backends.messages import Message
from tools.base import ToolSpec
from tools.text import cut_middle

SHORTEST = 512
"""Characters that are always left of a result."""

_BYTES_A_TOKEN = 3
"""A careful guess for backends that can't count: English has four to five, Chinese about three."""


def fitting(
    messages: Sequence[Message], tools: Sequence[ToolSpec], backend: Backend, answer: int
) -> Sequence[Message]:
    """`messages` with results cut in the middle, and a word on it, until an answer fits.

    `answer` is its length in tokens; a quarter of the window is enough in any case. Results are
    cut to a power of two of characters, so that a later prompt mostly begins like this one and
    what the model has read of it is not read again.
    """
    window = backend.capabilities.context
    longest = max((len(m.result.text) for m in messages if m.result is not None), default=0)
    if window is None or longest <= SHORTEST:
        return messages
    most = window - min(answer, window // 4)
    limit = 1 << (longest - 1).bit_length()
    shortened = messages
    while not _fits(shortened, tools, backend, most) and limit > SHORTEST:
        limit //= 2
        shortened = [_shortened(message, limit) for message in messages]
    return shortened


def _shortened(message: Message, limit: int) -> Message:
    if message.result is None or len(message.result.text) <= limit:
        return message
    return replace(
        message, result=replace(message.result, text=cut_middle(message.result.text, limit))
    )


def _fits(
    messages: Sequence[Message], tools: Sequence[ToolSpec], backend: Backend, most: int
) -> bool:
    try:
        count = backend.count_tokens(messages, tools)
    except ContextExceeded:
        return False
    if count is None:
        texts = (m.text if m.result is None else m.result.text for m in messages)
        count = sum(len(text.encode("utf-8", "replace")) for text in texts) // _BYTES_A_TOKEN
    return count <= most
