"""A conversation: an immutable list of messages and what a user can do with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backends.messages import Message


@dataclass(frozen=True)
class Conversation:
    """Messages in order. Every change gives a new conversation, so a reader never sees half."""

    messages: tuple[Message, ...] = ()

    def append(self, *messages: Message) -> Conversation:
        return replace(self, messages=(*self.messages, *messages))

    def for_retry(self) -> Conversation:
        """Without what a retry makes anew.

        A last answer that broke off or was stopped goes alone: the tools that ran before it keep
        their results. Otherwise everything after the last user message goes.
        """
        if self.messages and self.messages[-1].role == "assistant":
            last = self.messages[-1]
            if last.finish in ("cancelled", "error") and not last.calls:
                return replace(self, messages=self.messages[:-1])
        at = self.last_user
        return self if at is None else replace(self, messages=self.messages[: at + 1])

    def before_last_user(self) -> Conversation:
        """Without the last user message and all that followed: what an edit starts from."""
        at = self.last_user
        return self if at is None else replace(self, messages=self.messages[:at])

    @property
    def last_user(self) -> int | None:
        """Where the last user message stands."""
        for at in range(len(self.messages) - 1, -1, -1):
            if self.messages[at].role == "user":
                return at
        return None

    @property
    def awaits_answer(self) -> bool:
        """Whether the model has the next word: after a user message or a tool's result."""
        return bool(self.messages) and self.messages[-1].role in ("user", "tool")
