"""What a model was sent, and what came back, for whoever wants to look.

A backend tells the observer in its `GenerationConfig` of each request right before it is sent. A
`SentRequest` holds references, and what costs time (rendering a template, token ids, JSON as text)
is made when somebody looks. Without an observer nothing is made at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.base import ToolSpec

if TYPE_CHECKING:
    from backends.chat_template import Piece
    from backends.messages import Message

Hear = Callable[[str], None]
"""Takes the next piece of the raw answer."""

Observer = Callable[["SentRequest"], Hear]
"""Is told of a request, and returns what takes the raw answer; called on the turn's thread."""

STRUCK_OUT = "[key]"


def _no_prompt() -> Sequence[Piece]:
    return ()


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, eq=False)
class SentRequest:
    """One request, as a backend sent it.

    Arguments:
        model: the model's name, without paths and keys.
        messages, tools: what the backend was asked with.
        body: the JSON object that was sent: the whole request to a server, the options of an engine
            in process. The data of pictures are left out of it.
        url: where a server was asked, without user name, password and query; empty in process.
        keyed: whether a key was sent along.
        pieces: renders the prompt, with the template's special tokens as markup; empty where the
            server renders it. May raise `BackendError`.
        tokenize: token ids of a text, special ones with `True`; None where only the server knows.
        count: tokens of a prompt, see `Backend.count_tokens`.
        strike: leaves keys out of a text.
    """

    model: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec]
    body: Mapping[str, Any]
    url: str = ""
    keyed: bool = False
    pieces: Callable[[], Sequence[Piece]] = field(default=_no_prompt, repr=False)
    tokenize: Callable[[str, bool], Sequence[int]] | None = field(default=None, repr=False)
    count: Callable[[Sequence[Message], Sequence[ToolSpec]], int | None] | None = field(
        default=None, repr=False
    )
    strike: Callable[[str], str] = field(default=_same, repr=False)


def unheard(text: str) -> None:
    """A `Hear` for requests that nobody observes."""


def observed(observer: Observer | None, request: Callable[[], SentRequest]) -> Hear:
    """Tells an observer of a request, which is not even made without one."""
    return unheard if observer is None else observer(request())


def without_pictures(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A request's body with a note in place of the data of each picture; the same object where it
    has none."""
    messages = body.get("messages")
    if not isinstance(messages, list | tuple):
        return body
    if not any(isinstance(message.get("content"), list | tuple) for message in messages):
        return body
    return {**body, "messages": [_noted(message) for message in messages]}


def _noted(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message.get("content")
    if not isinstance(content, list | tuple):
        return message
    return {**message, "content": [_part(part) for part in content]}


def _part(part: Mapping[str, Any]) -> Mapping[str, Any]:
    url = part.get("image_url", {}).get("url", "")
    head, comma, data = str(url).partition(",")
    if not comma:
        return part
    return {**part, "image_url": {"url": f"{head},[{len(data):,} characters of base64]"}}
