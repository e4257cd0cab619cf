"""Error messages of web services, as one short line that is safe to show."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

_KEYS_OF_MESSAGES = ("error", "message", "detail", "msg", "error_msg")
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|</?[a-z!][^>]*>", re.I | re.S)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.I | re.S)
_SECRETS = re.compile(r"\b(?:sk|pk|hf|gsk|xai)[-_][\w*.-]{6,}|\bBearer\s+\S+", re.I)


def parsed(body: str) -> Any:
    """The value of `body` as JSON; None for other text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def message_in(value: Any) -> str:
    """The error message in a JSON value, from any of the keys that services use; empty for none."""
    for _ in range(4):  # error -> message, detail -> 0 -> msg
        if isinstance(value, list) and value:
            value = value[0]
        if not isinstance(value, Mapping):
            break
        value = next((value[key] for key in _KEYS_OF_MESSAGES if value.get(key)), "")
    return value if isinstance(value, str) else ""


def message_of(body: str) -> str:
    """The error message in a body: of JSON (OpenAI, vLLM, FastAPI), an HTML title, or the body."""
    value = parsed(body)
    if value is not None:
        return message_in(value)
    title = _TITLE.search(body)
    return title[1] if title else body


def quoted(text: str, key: str | None, limit: int) -> str:
    """A message as one line of at most `limit` characters, without markup, control characters and
    keys."""
    if key:
        text = text.replace(key, "[key]")
    text = _SECRETS.sub("[key]", text)
    text = html.unescape(_TAGS.sub(" ", text))
    text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
