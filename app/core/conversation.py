"""A conversation: an immutable list of messages, with retry and edit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backends.messages import Message, identified


@dataclass(frozen=True)
class Conversation:
    """Messages in order. A change returns a new object, so readers need no lock."""

    messages: tuple[Message, ...] = ()

    def append(self, *messages: Message) -> Conversation:
        return replace(self, messages=(*self.messages, *map(identified, messages)))

    def through(self, id: str) -> Conversation | None:
        """The conversation up to a message, None where that is no part of it."""
        for index, message in enumerate(self.messages):
            if message.id == id:
                return replace(self, messages=self.messages[: index + 1])
        return None

    def for_retry(self) -> Conversation:
        """The conversation without the messages that a retry generates again.

        Of a last answer that broke off or was stopped only that answer is removed: the results of
        the tools before it stay. Otherwise everything after the last user message is removed.
        """
        if self.messages and self.messages[-1].role == "assistant":
            last = self.messages[-1]
            if last.finish in ("cancelled", "error", "interrupted") and not last.calls:
                return replace(self, messages=self.messages[:-1])
        index = self.last_user
        return self if index is None else replace(self, messages=self.messages[: index + 1])

    def for_continue(self) -> Conversation:
        """The conversation as an answer goes on from it: without a last answer that broke off
        before its first word."""
        last = self.messages[-1] if self.messages else None
        if last is None or last.role != "assistant" or last.finish == "stop":
            return self
        return self if last.text or last.calls else replace(self, messages=self.messages[:-1])

    def before_last_user(self) -> Conversation:
        """The conversation before its last user message, for an edit of that message."""
        index = self.last_user
        return self if index is None else replace(self, messages=self.messages[:index])

    @property
    def last_user(self) -> int | None:
        """The index of the last user message, None without one."""
        for index in range(len(self.messages) - 1, -1, -1):
            if self.messages[index].role == "user":
                return index
        return None

    @property
    def awaits_answer(self) -> bool:
        """Whether the model answers next: after a user message or a tool's result."""
        return bool(self.messages) and self.messages[-1].role in ("user", "tool")
