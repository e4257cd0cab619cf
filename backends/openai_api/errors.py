"""A model server's errors and timeouts as one sentence for the user. Pure."""

from __future__ import annotations

import email.utils
import math
import random
import re
import time
from collections.abc import Mapping
from typing import Final

from backends.errors import (
    AnswerBroken,
    BackendError,
    ContextExceeded,
    ModelUnavailable,
    PromptTooLong,
    RequestRefused,
    ServerUnreachable,
)
from tools.service_error import message_of, parsed, quoted

MAX_RETRY_WAIT_S: Final = 60.0
"""The longest `Retry-After` to follow, in seconds; hosted APIs send hours for a used-up quota."""

MAX_QUOTE_CHARS: Final = 240
"""Characters of a server's own message in a message for the user."""


class RequestFailure(Exception):
    """A request that failed. `status` is the HTTP status, None when there was no HTTP answer.

    `body` is the response's text, or the client's error message; untrusted, so that only `quoted`
    text of it is shown. `retry_after` is in seconds, None when the server named no time.
    """

    def __init__(
        self, status: int | None, body: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(f"status {status}")
        self.status, self.body, self.retry_after = status, body, retry_after

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        if self.status is None:
            return not _certificate(self.body)
        if context_exceeded(self.body) or "insufficient_quota" in self.body:
            return False
        return self.status in (408, 429) or self.status >= 500


class IdleTimeout(Exception):
    """The server sent no byte for too long."""


def pause(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait before trying again after failure number `attempt`, from 1.

    `retry_after` if the server sent one, else 0.5 s doubled each time up to 8 s. Random jitter
    keeps clients that failed together from retrying together.
    """
    if retry_after is not None:
        return min(retry_after * random.uniform(1, 1.05), MAX_RETRY_WAIT_S)
    return min(0.5 * 2.0 ** (attempt - 1), 8.0) * random.uniform(1, 1.25)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: `retry-after-ms`, or `Retry-After`, number or date."""
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = _seconds(value)
    if seconds is not None or not value:
        return seconds
    try:
        date = email.utils.parsedate_to_datetime(value)
        return max(0.0, date.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def user_message(fault: RequestFailure, host: str, key: str | None = None) -> BackendError:
    """The error for the user. The text shows `host`; `key` is removed from the server's message."""
    status, body = fault.status, fault.body
    message = quoted(message_of(body), key, MAX_QUOTE_CHARS)
    reply = f"{status}: {message}" if message else f"{status}"
    if status is None:
        if _certificate(body):
            return ServerUnreachable(f"The certificate of the model server at {host} is not valid.")
        return ServerUnreachable(
            f"The model server does not answer at {host}. "
            "Check GLM_MODEL, and that the server is running."
        )
    if exceeded := context_exceeded(body):
        return exceeded
    if web_page(body) and status in (200, 404, 405):
        return ModelUnavailable(
            f"{host} answered with a web page rather than the API. "
            "Check GLM_MODEL: does the address end in /v1?"
        )
    match status:
        case 401:
            return RequestRefused(f"The model server refused the key ({reply}). Check GLM_API_KEY.")
        case 403:
            return RequestRefused(
                f"The model server does not allow this ({reply}). Check GLM_API_KEY."
            )
        case 404:
            return RequestRefused(
                f"The model server does not know this address or model ({reply}). "
                "Check GLM_MODEL; the address usually ends in /v1."
            )
        case 429 if not fault.passing:
            return RequestRefused(f"The account at the model server is used up ({reply}).")
        case 408 | 429:
            return ModelUnavailable(f"The model server is busy ({reply}). Retry in a while.")
        case _ if status >= 500:
            return ModelUnavailable(f"The model server failed ({reply}). Retry in a while.")
    return RequestRefused(f"The model server refused the request ({reply}).")


def broken(
    error: Exception, host: str, idle: float, begun: bool, key: str | None = None
) -> BackendError:
    """The error for the user after an answer that broke off with `error`.

    `idle` is the idle timeout in seconds; `begun` says whether a part of the answer arrived.
    """
    match error:
        case BackendError():
            return error
        case IdleTimeout() if not begun:
            return ModelUnavailable(
                f"The model server at {host} was silent for {idle:g} seconds and was given up. "
                "Retry, or set a longer idle time."
            )
        case IdleTimeout():
            reason = f"The model server was silent for {idle:g} seconds"
        case RequestFailure(status=None):
            reason = "The connection to the model server was lost"
        case RequestFailure() if message := quoted(message_of(error.body), key, MAX_QUOTE_CHARS):
            reason = f"The model server failed ({message})"
        case _:
            reason = "The model server sent something unreadable"
    return AnswerBroken(f"{reason} and the answer broke off. Retry to ask again.")


def context_exceeded(body: str) -> BackendError | None:
    """The error for the user if `body` says that the prompt is too long, else None.

    The wordings are those of OpenAI, vLLM, SGLang, llama-server, TGI, LM Studio, Ollama,
    bigmodel.cn, SiliconFlow, DashScope, Kimi and GitHub Models. Some messages have no
    numbers, or numbers that include the tokens for the answer; the result is then
    `PromptTooLong`, else `ContextExceeded`.
    """
    message = message_of(body)
    said = f"{message}\n{body}"
    if _RATE.search(said) or not _TOO_LONG.search(said):
        return None
    error = parsed(body)
    error = error.get("error", error) if isinstance(error, Mapping) else None
    if isinstance(error, Mapping) and isinstance(window := error.get("n_ctx"), int):
        used = error.get("n_prompt_tokens")
    else:
        used, window = _first(_USED, message), _first(_WINDOW, message)
    if isinstance(used, int) and isinstance(window, int) and used > window > 0:
        return ContextExceeded(used - window, window)
    return PromptTooLong(
        "The conversation and the length of its answer do not fit into the model's window. "
        "Shorten the message, lower the answer's length, or clear the conversation."
    )


def web_page(body: str) -> bool:
    """Whether `body` is HTML or XML rather than an API's response."""
    return body.lstrip("\ufeff \t\r\n").startswith("<")


_LIMIT = r"(?:context|token|input|prompt|sequence)s?[ _](?:length|limit|size|window)"
_TOO_LONG = re.compile(
    rf"{_LIMIT}[ _]?(?:\w+ ){{0,3}}(?:exceeded|reached|is only|of only)"
    rf"|exceed\w*\b.{{0,40}}\b(?:context|{_LIMIT})|tokens_limit_reached"
    r"|exceed_context_size|maximum context length|longer than the model's context"
    r"|(?:prompt|input|messages?|context)\b[^.]{0,60}\btoo (?:long|large)"
    r"|prompt exceeds max|input tokens exceed|inputs` tokens .{0,40}must be <="
    r"|length of (?:the )?(?:prompt|input)\w*\b.{0,40}\b(?:must|should) be"
    r"|range of input length|context\b.{0,20}\boverflow|too large for this model\b.{0,40}\btokens"
    # Chinese, and the number of this error at bigmodel.cn and Z.ai.
    r"|超长|过长|超[过出].{0,20}(?:长度|上下文|窗口)|\"code\": ?\"?1261\b",
    re.I | re.S,
)
# A limit on tokens a minute is another matter: the same request fits later.
_RATE = re.compile(r"per[ _-](?:minute|min|hour|day)|rate[ _-]?limit|\bTP[MD]\b|每分钟|速率", re.I)
_USED = [
    re.compile(pattern, re.I)
    for pattern in (
        r"passed ([\d,]+) input tokens and requested ([\d,]+)",
        r"total of ([\d,]+) tokens",
        r"requested ([\d,]+) tokens",
        r"resulted in ([\d,]+) tokens",
        r"\b(?:input|request|prompt) \(([\d,]+) tokens",
        r"request has ([\d,]+) input tokens",
        r"prompt contains (?:at least )?([\d,]+) input tokens",
        r"too long: ([\d,]+) tokens",
        r"given: ([\d,]+) `inputs` tokens and ([\d,]+)",
        r"length of prompt_tokens \(([\d,]+)\)",
        r"total length ([\d,]+)",
    )
]
_WINDOW = [
    re.compile(pattern, re.I)
    for pattern in (
        r"context (?:length|size|window)(?: is| is only| of)? \(?([\d,]+)",
        r"configured limit of ([\d,]+)",
        r"> ([\d,]+) maximum",
        r"must be <= ([\d,]+)",
        r"max_seq_len \(([\d,]+)",
    )
]


def _first(patterns: list[re.Pattern[str]], text: str) -> int | None:
    for pattern in patterns:
        if found := pattern.search(text):
            return sum(int(number.replace(",", "") or 0) for number in found.groups())
    return None


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _certificate(body: str) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in body
