"""How many tokens a text has: counted by the model's backend where it can, else estimated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from backends.base import Backend
from backends.errors import ContextExceeded
from backends.messages import Message, user
from tools.base import ToolSpec
from tools.citations import WIDE

DEFAULT_WINDOW_TOKENS = 32_768
"""The window that is assumed for a model whose backend does not report one."""
MAX_COUNTED_WINDOWS = 1.5
"""A text whose estimate is above so many windows is not counted: it does not fit in any case."""

_LETTERS = re.compile("[A-Za-z ]+")
_WIDE = re.compile(f"[{WIDE}]+")
_ASCII = re.compile(r"[!-@\[-`{-~\n]+")
# Characters of a token, by kind, as tokenizers with 100,000 words and more have them.
_LETTERS_A_TOKEN, _ASCII_A_TOKEN, _WIDE_A_TOKEN, _OTHER_A_TOKEN = 4.0, 1.8, 1.3, 2.2
_MESSAGE_TOKENS = 6  # tokens of a message beside its text
_SAMPLES, _SAMPLE_CHARS = 8, 1_000
_MAX_REMEMBERED = 50_000  # entries of each cache; about 10 MB


@dataclass(frozen=True)
class Tokens:
    """A number of tokens; where it is not `exact`, an estimate."""

    count: int
    exact: bool = True


class TokenCounter:
    """Counts tokens for one model and caches the counts, by the hash of each text. `window` is the
    model's in tokens, `DEFAULT_WINDOW_TOKENS` where it is not `known`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known = _COUNTS.setdefault(backend, {})
        self.profile = backend.capabilities.profile
        known = window_of(backend)
        self.window, self.known = known or DEFAULT_WINDOW_TOKENS, known is not None

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> Tokens:
        """The tokens of a whole prompt: messages, and the descriptions of tools."""
        estimated = sum(_estimated(_text(message)) + _MESSAGE_TOKENS for message in messages)
        estimated += sum(estimate_tokens(f"{spec.description}{spec.parameters}") for spec in tools)
        counted = (
            self._counted(messages, tools)
            if estimated <= MAX_COUNTED_WINDOWS * self.window
            else None
        )
        return Tokens(estimated, exact=False) if counted is None else Tokens(counted)

    def text(self, text: str) -> Tokens:
        """The tokens of a text by itself; for a text far too long for the window, an estimate that
        is scaled by samples."""
        key = len(text), hash(text)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._text(text)
        return known

    def scale(self, text: str) -> float:
        """The factor from `estimate_tokens` to the model's count, measured on samples of this
        text; 1.0 where the backend can't count."""
        step = max(len(text) // _SAMPLES, _SAMPLE_CHARS)
        sample = "\n".join(
            text[start : start + _SAMPLE_CHARS] for start in range(0, len(text), step)
        )
        counted = self.text(sample)
        return counted.count / estimate_tokens(sample) if counted.exact and sample else 1.0

    def _text(self, text: str) -> Tokens:
        estimated = estimate_tokens(text)
        if (
            estimated > MAX_COUNTED_WINDOWS * self.window
            and len(text) > 2 * _SAMPLES * _SAMPLE_CHARS
        ):
            return Tokens(int(estimated * self.scale(text)), exact=False)
        empty = self._counted([user("")])
        whole = None if empty is None else self._counted([user(text)])
        if whole is None or empty is None:
            return Tokens(estimated, exact=False)
        return Tokens(max(whole - empty, 0))

    def _counted(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> int | None:
        try:
            return self._backend.count_tokens(messages, tools)
        except ContextExceeded as error:
            return error.window + error.excess


def window_of(backend: Backend) -> int | None:
    """The model's window in tokens: the smaller of the one that its backend reports and the one
    that it named when it rejected a prompt; None while neither is known."""
    return min(
        filter(None, (backend.capabilities.context, _REPORTED_WINDOWS.get(backend))), default=None
    )


def learn(backend: Backend, error: ContextExceeded) -> None:
    """Records the window that a model named when it rejected a prompt."""
    _REPORTED_WINDOWS[backend] = error.window


def estimate_tokens(text: str) -> int:
    """An estimate of a text's tokens by its kinds of characters, rather too high than too low."""
    letters, wide, ascii = (sum(map(len, kind.findall(text))) for kind in (_LETTERS, _WIDE, _ASCII))
    other = len(text) - letters - wide - ascii
    return 1 + int(
        letters / _LETTERS_A_TOKEN
        + ascii / _ASCII_A_TOKEN
        + wide / _WIDE_A_TOKEN
        + other / _OTHER_A_TOKEN
    )


def _text(message: Message) -> str:
    """All that a model reads of a message."""
    if message.result is not None:
        return message.result.text
    return "".join([message.text, *(call.input for call in message.calls)])


def _estimated(text: str) -> int:
    """`estimate_tokens`, cached: a long conversation's texts are estimated at each rerun."""
    key = len(text), hash(text)
    if key not in _ESTIMATES:
        if len(_ESTIMATES) >= _MAX_REMEMBERED:
            _ESTIMATES.clear()
        _ESTIMATES[key] = estimate_tokens(text)
    return _ESTIMATES[key]


_ESTIMATES: dict[tuple[int, int], int] = {}
_COUNTS: WeakKeyDictionary[Backend, dict[tuple[int, int], Tokens]] = WeakKeyDictionary()
_REPORTED_WINDOWS: WeakKeyDictionary[Backend, int] = WeakKeyDictionary()
