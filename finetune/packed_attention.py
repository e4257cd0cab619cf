"""Reads a packed example: each branch sees the shared beginning and itself (`encode.packed`).

Computed branch by branch, so that its cost grows with what is seen and not with the square of
all that is packed: a mask over the whole took a third of a training step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

_NAME = "branches"


def positions(branches: Sequence[int], length: int) -> Any:
    """The place of each token in its own conversation; shape (length,)."""
    import torch

    first = branches[0] if branches else 0
    found = torch.arange(length)
    for start in branches:
        found[start:] = torch.arange(first, first + length - start)
    return found


@contextmanager
def attending(model: Any) -> Iterator[None]:
    """While this is open, the model takes `branches`, those of each example of a batch, beside
    its other inputs. What is padded stands behind all else."""
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
    """Who sees whom is told by the branches."""


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
    """In the form that transformers asks for; shapes (batch, heads, length, size)."""
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    length, rows = query.shape[2], []
    for row, starts in enumerate(branches):
        own = [each[row : row + 1] for each in (query, key, value)]
        edges = [*starts, length] if starts else [length]
        beginning = [each[:, :, : edges[0]] for each in own]
        q, k, v = beginning
        parts = [sdpa_attention_forward(module, q, k, v, None, **settings)[0]]
        for start, end in pairwise(edges):
            q, k, v = (each[:, :, start:end] for each in own)
            k, v = torch.cat((beginning[1], k), 2), torch.cat((beginning[2], v), 2)
            seen = torch.ones(end - start, k.shape[2], dtype=torch.bool, device=q.device)
            mask = seen.tril(edges[0])[None, None]
            parts.append(sdpa_attention_forward(module, q, k, v, mask, **settings)[0])
        rows.append(torch.cat(parts, 1))
    return torch.cat(rows), None
