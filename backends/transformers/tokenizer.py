"""A tokenizer of transformers for many threads, and tokens to text as they come."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from backends.chat_completions.request import whole_text

# Texts whose tokens are remembered: a conversation is worded anew with each turn.
REMEMBERED = 1024
# Tokens that are held back at most while they may be parts of one character.
MAX_CHARACTER_TOKENS = 8


class Tokens:
    """Text to tokens and back. Safe from all threads: a tokenizer of transformers is not, since
    how it reads special tokens is set before each text."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self.encode = lru_cache(maxsize=REMEMBERED)(self._encode)

    def _encode(self, text: str, markup: bool) -> Sequence[int]:
        """Token ids; special tokens in `text` count as such only in markup."""
        with self._lock:
            ids = self._tokenizer(
                whole_text(text), add_special_tokens=False, split_special_tokens=not markup
            )["input_ids"]
        return array("q", ids)

    def decode(self, tokens: Sequence[int], special: bool) -> str:
        """The text of tokens, with their special tokens or without."""
        with self._lock:
            return str(
                self._tokenizer.decode(
                    tokens, skip_special_tokens=not special, clean_up_tokenization_spaces=False
                )
            )


class Detokenizer:
    """The text of one answer, held back until its characters are whole."""

    def __init__(self, tokens: Tokens, special: bool) -> None:
        self._tokens, self._special = tokens, special
        # Decoders look at the token before (a leading space, say), so that the last ones stay.
        self._said: list[int] = []
        self._held: list[int] = []

    def add(self, token: int) -> str:
        """The text that this token makes certain."""
        self._held.append(token)
        text = self._text()
        if text.endswith("\ufffd") and len(self._held) < MAX_CHARACTER_TOKENS:
            return ""
        self._said, self._held = self._held, []
        return text

    def rest(self) -> str:
        """What was held back, at the end of an answer."""
        text, self._held = self._text(), []
        return text

    def _text(self) -> str:
        before = self._tokens.decode(self._said, self._special)
        return self._tokens.decode(self._said + self._held, self._special)[len(before) :]
