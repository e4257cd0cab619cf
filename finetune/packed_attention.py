"""Attention for packed examples: each branch attends to the shared prefix and itself.

See `examples.packed`. Each branch is computed separately, so that the cost doesn't grow with the
square of the whole length: with a mask over all of it, attention took a third of a training step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

_NAME = "branches"


def positions(branches: Sequence[int], length: int) -> Any:
    """The position of each token in its own conversation: a tensor of shape (length,).

    Arguments:
        branches: see `Example`.
        length: number of tokens, padding included.
    """
    import torch

    first = branches[0] if branches else 0
    found = torch.arange(length)
    for start in branches:
        found[start:] = torch.arange(first, first + length - start)
    return found


@contextmanager
def packed_attention(model: Any) -> Iterator[None]:
    """While the context is open, the model takes an extra input `branches`: those of each example
    of the batch. Padding must be at the end."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(_NAME, _attention)
    AttentionMaskInterface.register(_NAME, _no_mask)
    before = model.config._attn_implementation
    model.set_attn_implementation(_NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def _no_mask(**_: Any) -> None:
    """No mask: `_attention` gets the branches instead."""


def _attention(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    *,
    branches: Sequence[Sequence[int]],
    **settings: Any,
) -> tuple[Any, None]:
    """An attention function for transformers; shapes (batch, heads, length, head size).

    Returns the outputs, of shape (batch, length, heads, head size), and None for the weights.
    """
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    length, rows = query.shape[2], []
    for row, starts in enumerate(branches):
        own = [each[row : row + 1] for each in (query, key, value)]
        edges = [*starts, length] if starts else [length]
        prefix = [each[:, :, : edges[0]] for each in own]
        q, k, v = prefix
        parts = [sdpa_attention_forward(module, q, k, v, None, **settings)[0]]
        for start, end in pairwise(edges):
            q, k, v = (each[:, :, start:end] for each in own)
            k, v = torch.cat((prefix[1], k), 2), torch.cat((prefix[2], v), 2)
            seen = torch.ones(end - start, k.shape[2], dtype=torch.bool, device=q.device)
            mask = seen.tril(edges[0])[None, None]
            parts.append(sdpa_attention_forward(module, q, k, v, mask, **settings)[0])
        rows.append(torch.cat(parts, 1))
    return torch.cat(rows), None
