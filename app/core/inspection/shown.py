"""A request as texts to read and to copy: the prompt, tokens, JSON body, shell command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from backends.chat_template import Piece
from backends.errors import BackendError
from backends.sent_request import SentRequest
from tools.text import cut_middle

MAX_SHOWN_CHARS = 60_000
"""Characters of one text on the page; the whole of a longer one is offered for download."""
MAX_TOKEN_ROWS = 2_000
"""Tokens in the table of tokens, from the prompt's beginning."""

GONE = "The model has been closed since, so its prompt can't be rendered again."


@dataclass(frozen=True)
class TokenRow:
    """A piece of the prompt: its text, whether it is the template's own, and its token ids."""

    text: str
    markup: bool
    ids: tuple[int, ...]


def prompt_of(request: SentRequest) -> str:
    """The rendered prompt, with special tokens; empty where the server renders it. Raises
    `BackendError` where it can't be rendered any more."""
    return request.strike("".join(piece.text for piece in _pieces(request)))


def token_rows(request: SentRequest) -> list[TokenRow]:
    """The token ids of the prompt, piece by piece, `MAX_TOKEN_ROWS` of them at most. Raises as
    `prompt_of` does."""
    rows: list[TokenRow] = []
    left = MAX_TOKEN_ROWS
    if request.tokenize is None:
        return rows
    for piece in _pieces(request):
        if left <= 0:
            break
        try:
            ids = tuple(request.tokenize(piece.text, piece.markup))[:left]
        except (RuntimeError, AttributeError):
            raise BackendError(GONE) from None
        left -= len(ids)
        rows.append(TokenRow(piece.text, piece.markup, ids))
    return rows


def body_of(request: SentRequest) -> str:
    """The JSON body as text, without keys."""
    return request.strike(json.dumps(request.body, indent=2, ensure_ascii=False))


def curl_of(request: SentRequest) -> str:
    """A shell command that sends the request again; the key is read from `GLM_API_KEY`. Empty for
    an engine in process."""
    if not request.url:
        return ""
    lines = [f"curl {shlex.quote(request.url)}", "-H 'Content-Type: application/json'"]
    if request.keyed:
        lines.append('-H "Authorization: Bearer $GLM_API_KEY"')
    # ASCII alone: what turns the reading direction round must not hide in a command.
    body = request.strike(json.dumps(request.body))
    lines.append(f"-d {shlex.quote(body)}")
    return " \\\n  ".join(lines)


def shortened(text: str) -> str:
    """A text for the page: cut in the middle where it is too long to draw."""
    return cut_middle(text, MAX_SHOWN_CHARS)


def _pieces(request: SentRequest) -> Sequence[Piece]:
    try:
        return request.pieces()
    except (RuntimeError, AttributeError):
        raise BackendError(GONE) from None
