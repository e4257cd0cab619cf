"""What one turn brought, collected from its events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.agent.events import Event, MessageFinished, TurnFinished, TurnReason
from app.core.rendering.citations import CitationCache, Cited, in_brackets
from backends.messages import Message, Usage
from tools.base import Attachment, ToolCall, ToolResult, for_user
from tools.citations import CitationSource


@dataclass(frozen=True)
class FinishedCall:
    """A tool call that the model made, and what came of it."""

    call: ToolCall
    result: ToolResult

    @property
    def name(self) -> str:
        """The function's name."""
        return self.call.name

    @property
    def text(self) -> str:
        """What the model read."""
        return self.result.text

    @property
    def error(self) -> str | None:
        """Why the call failed, in one line; None when it went well."""
        return self.result.error


@dataclass(frozen=True)
class Answer:
    """What one turn brought.

    `text` is all that the model said, a blank line between its messages; a citation stands in it as
    its source's number in brackets, and in `citations` with the words and whether they stand in
    what was read. `reasoning` is its thinking, where it shows any. `calls` stand in the order in
    which they were made. `files` are what the tools made for the user; the paths hold until the
    agent is closed. `reason` says how the turn ended: "stop", "length" (the longest answer was
    reached), "tool_limit" (the most rounds were), "cancelled", or "error" with `error` saying why
    in one sentence.
    """

    text: str
    reasoning: str
    calls: tuple[FinishedCall, ...]
    files: tuple[Attachment, ...]
    citations: tuple[Cited, ...]
    usage: Usage
    reason: TurnReason
    error: str | None = None


class AgentError(Exception):
    """A turn that failed: its text is one sentence for a person, without paths or keys.

    `answer` is what came before the failure. The conversation is kept; where the prompt has become
    part of it (`Agent.messages`), `Agent.retry` asks again.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.error or "The answer broke off.")
        self.answer = answer


def finished(events: Iterable[Event], sources: Sequence[CitationSource]) -> Answer:
    """Hears a turn to its end. `sources` know what was read under the numbers of citations.

    Raises `AgentError` where it ends in an error."""
    messages: list[Message] = []
    end = TurnFinished("error", Usage())
    for event in events:
        if isinstance(event, MessageFinished):
            messages.append(event.message)
        elif isinstance(event, TurnFinished):
            end = event
    answer = _answer(messages, end, sources)
    if answer.reason == "error":
        raise AgentError(answer)
    return answer


def _answer(
    messages: Sequence[Message], end: TurnFinished, sources: Sequence[CitationSource]
) -> Answer:
    texts = [each.text for each in messages if each.role == "assistant" and each.text]
    said = in_brackets(texts, CitationCache(*sources) if sources else None)
    calls = [call for each in messages for call in each.calls]
    results = [each.result for each in messages if each.result is not None]
    return Answer(
        said.text,
        "\n\n".join(each.reasoning for each in messages if each.reasoning),
        # Every call has its result, and these stand in the order of the calls.
        tuple(map(FinishedCall, calls, results)),
        tuple(file for result in results for file in for_user(result)),
        said.citations,
        end.usage,
        end.reason,
        end.error,
    )
