"""A thread-safe tokenizer of transformers, and the text of streamed tokens."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from backends.chat_completions.request import whole_text

# Texts in the cache of token ids: each turn tokenizes the whole conversation again.
CACHED_TEXTS = 1024
# Tokens that are held back at most, as they may be parts of one character.
MAX_CHARACTER_TOKENS = 8


class Tokens:
    """Text to token ids and back. Safe from all threads; a tokenizer of transformers is not, since
    its treatment of special tokens is a state that is set before each text."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self.encode = lru_cache(maxsize=CACHED_TEXTS)(self._encode)

    def _encode(self, text: str, markup: bool) -> Sequence[int]:
        """Token ids; special tokens in `text` are tokenized as such only with `markup`."""
        with self._lock:
            ids = self._tokenizer(
                whole_text(text), add_special_tokens=False, split_special_tokens=not markup
            )["input_ids"]
        return array("q", ids)

    def decode(self, tokens: Sequence[int], special: bool) -> str:
        """The text of `tokens`; `special` includes their special tokens."""
        with self._lock:
            return str(
                self._tokenizer.decode(
                    tokens, skip_special_tokens=not special, clean_up_tokenization_spaces=False
                )
            )


class Detokenizer:
    """The text of one answer, token by token, held back until its characters are complete."""

    def __init__(self, tokens: Tokens, special: bool) -> None:
        self._tokens, self._special = tokens, special
        # A token's text depends on the one before (a leading space, say): the last ones are kept.
        self._emitted: list[int] = []
        self._held: list[int] = []

    def add(self, token: int) -> str:
        """The text that `token` completes, empty if none."""
        self._held.append(token)
        text = self._text()
        if text.endswith("\ufffd") and len(self._held) < MAX_CHARACTER_TOKENS:
            return ""
        self._emitted, self._held = self._held, []
        return text

    def rest(self) -> str:
        """The text that is still held back, at the end of an answer."""
        text, self._held = self._text(), []
        return text

    def _text(self) -> str:
        before = self._tokens.decode(self._emitted, self._special)
        return self._tokens.decode(self._emitted + self._held, self._special)[len(before) :]
