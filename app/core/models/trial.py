"""Finds out about model servers by asking them: which models they have, and what these can do."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.core.models.endpoints import MAX_MODELS, PRESETS, Abilities, Endpoint, Preset
from backends.base import GenerationConfig, Thinking
from backends.errors import BackendError, RequestRefused
from backends.events import AnswerFinished, ReasoningDelta, TextDelta, ToolCallReady
from backends.messages import Message, Picture, Text, user
from backends.openai_api.backend import OpenAIBackend
from backends.openai_api.listing import listed
from tools.base import ToolSpec

LIST_TIMEOUT_S = 5.0
"""Seconds that a server may take for its list of models."""
TRIAL_TIMEOUT_S = 60.0
"""Seconds of silence after which a trial is given up: a server may load the model first."""
LOCAL_TIMEOUT_S = 0.7
"""The same at this machine's ports, where nothing is far away."""
TRIAL_TOKENS = 600
"""The longest answer of a trial in tokens; models that think need some hundreds."""

SWITCHES: tuple[Thinking, Thinking] = ("on", "off")

_PICTURE = Path(__file__).resolve().parents[3] / "assets" / "trial-picture.png"
_WORD = "Answer with the single word: ready"
_TOOL = ToolSpec(
    "lookup_code",
    "Looks up the code of a box.",
    {
        "type": "object",
        "properties": {"box": {"type": "string", "description": "the box"}},
        "required": ["box"],
    },
)
_TOOL_QUESTION = "Look up the code of box A7 with the tool lookup_code."
_PICTURE_QUESTION = "Which one colour fills this picture? Answer with its English name alone."


@dataclass(frozen=True)
class Finding:
    """What a trial found out: what holds, and a sentence for each of them that failed."""

    abilities: Abilities
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundServer:
    """A model server at one of this machine's usual ports, and its models."""

    preset: Preset
    models: tuple[str, ...]


def list_models(address: str, key: str = "", seconds: float = LIST_TIMEOUT_S) -> tuple[str, ...]:
    """The names of a server's models. Raises `BackendError` with a sentence for the user."""
    return tuple(listed(address, key or None, seconds))[:MAX_MODELS]


def local_servers(
    presets: Sequence[Preset] = PRESETS, seconds: float = LOCAL_TIMEOUT_S
) -> tuple[FoundServer, ...]:
    """The servers that run on this machine at their usual ports, and have a model; each has so many
    `seconds` to answer."""

    def look(preset: Preset) -> FoundServer | None:
        try:
            models = list_models(preset.address, seconds=seconds)
        except BackendError:
            return None
        return FoundServer(preset, models) if models else None

    near = [each for each in presets if each.address.startswith("http://127.0.0.1:")]
    with ThreadPoolExecutor(max_workers=max(1, len(near))) as workers:
        return tuple(found for found in workers.map(look, near) if found is not None)


def try_model(
    endpoint: Endpoint,
    model: str,
    progress: Callable[[str], None] = lambda _: None,
    cancel: threading.Event | None = None,
) -> Finding:
    """Tries one model of a server: a word, a tool call, a picture, thinking on and off.

    Args:
        endpoint: the server.
        model: the model's name there.
        progress: is told what is tried, before each trial.
        cancel: ends the trials when it is set.
    """
    cancel = cancel or threading.Event()
    backend = OpenAIBackend(
        endpoint.address, model, endpoint.key or None, idle_timeout=TRIAL_TIMEOUT_S, retries=0,
        sees=True,
    )  # fmt: skip
    problems: list[str] = []
    try:
        progress("a word")
        word = _asked(backend, user(_WORD), (), cancel, problems)
        if not isinstance(word, _Reply):
            # Nothing came, or nothing that can be read; a stopped trial says nothing of the model.
            return Finding(Abilities(answers=None if cancel.is_set() else False), tuple(problems))
        progress("a tool call")
        call = _asked(backend, user(_TOOL_QUESTION), (_TOOL,), cancel, problems)
        progress("a picture")
        seen = _asked(backend, _picture_message(), (), cancel, problems)
        progress("thinking on and off")
        on, off = (
            _asked(backend, user(_WORD), (), cancel, problems, thinking) for thinking in SWITCHES
        )
        replies = [each for each in (word, call, seen, on) if isinstance(each, _Reply)]
        return Finding(
            Abilities(
                answers=bool(word.text.strip() or word.reasoning),
                tools=_held(call, lambda reply: _TOOL.name in reply.calls),
                pictures=_held(seen, lambda reply: bool(re.search(r"\bred\b", reply.text, re.I))),
                thinking=any(each.reasoning for each in replies),
                switch=_both(
                    _held(on, lambda reply: reply.reasoning),
                    _held(off, lambda reply: not reply.reasoning),
                ),
            ),
            tuple(dict.fromkeys(problems)),
        )
    finally:
        backend.close()


@dataclass(frozen=True)
class _Reply:
    text: str
    reasoning: bool
    calls: tuple[str, ...]


class _Refused:
    """What was asked is what the server rejects: a tool, a picture."""


def _held(reply: _Reply | _Refused | None, holds: Callable[[_Reply], bool]) -> bool | None:
    """Whether an answer shows an ability; None where a fault of the server left it open."""
    if isinstance(reply, _Reply):
        return holds(reply)
    return None if reply is None else False


def _both(one: bool | None, other: bool | None) -> bool | None:
    """Whether both hold; None where that is open."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _asked(
    backend: OpenAIBackend,
    message: Message,
    tools: Sequence[ToolSpec],
    cancel: threading.Event,
    problems: list[str],
    thinking: Thinking = "auto",
) -> _Reply | _Refused | None:
    """One answer; None where there is none, with a sentence in `problems` where it failed."""
    text, reasoning, calls = "", False, []
    config = GenerationConfig(temperature=0.0, max_tokens=TRIAL_TOKENS, thinking=thinking)
    try:
        for event in backend.generate((message,), tools, config, cancel):
            match event:
                case TextDelta(piece):
                    text += piece
                case ReasoningDelta():
                    reasoning = True
                case ToolCallReady(call):
                    calls.append(call.name)
                case AnswerFinished(finish="cancelled"):
                    return None
    except BackendError as error:
        problems.append(str(error))
        return _Refused() if isinstance(error, RequestRefused) else None
    return _Reply(text, reasoning, tuple(calls))


def _picture_message() -> Message:
    return Message("user", (Picture(_PICTURE, "image/png"), Text(_PICTURE_QUESTION)))
