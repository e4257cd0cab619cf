"""How a backend fails: each error is one sentence for the user, with what to do.

BackendError            shown to the user; the conversation stays, Retry is ready
 ├ ModelUnavailable     no such model, file, package or server
 │  └ ServerUnreachable the server does not answer
 ├ RequestRefused       the server rejected the request (401, 400, ...)
 │  └ PromptTooLong     the prompt does not fit; the excess is unknown
 ├ ContextExceeded      the prompt does not fit; found before the model is asked
 └ AnswerBroken         the answer broke off: connection lost, idle too long, no finish
"""

from __future__ import annotations


class BackendError(Exception):
    """Base of all; its text is one sentence for the user, without paths, keys or tracebacks."""


class ModelUnavailable(BackendError):
    """The model can't be reached or loaded."""


class ServerUnreachable(ModelUnavailable):
    """The model's server does not answer at all."""


class RequestRefused(BackendError):
    """The server rejected the request and would reject a retry."""


class ContextExceeded(BackendError):
    """The prompt is `excess` tokens longer than the context window allows."""

    def __init__(self, excess: int, window: int) -> None:
        self.excess, self.window = excess, window
        super().__init__(
            f"This conversation is {excess:,} tokens too long for the model's window of "
            f"{window:,} tokens. Shorten the message, or clear the conversation."
        )


class AnswerBroken(BackendError):
    """The answer broke off. The events until then stand."""


class PromptTooLong(RequestRefused):
    """The server rejected the prompt as too long without its length in tokens."""
