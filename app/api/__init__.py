"""The agent from Python: the same models, tools and documents as on the pages, without a page.

    from app.api import Agent

    with Agent(mode="tools") as agent:
        answer = agent.run("Plot sin(x) from 0 to 10")
        print(answer.text)
        for file in answer.files:
            shutil.copy(file.path, file.name)

An agent is one conversation. Each turn runs on the thread that asks for it, and one thread at a
time may use an agent. Several agents may run on several threads; where they are given the same
`Service`, they share one model, one browser and one pool of Python kernels. Streamlit is not
imported.
"""

from app.api.agent import Agent
from app.api.answer import AgentError, Answer, FinishedCall
from app.core.agent.events import (
    Event,
    MessageFinished,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnFinished,
)
from backends.events import Notice, ReasoningDelta, TextDelta
from tools.base import Attachment, ToolCall, ToolError, ToolResult

__all__ = [
    "Agent",
    "AgentError",
    "Answer",
    "Attachment",
    "Event",
    "FinishedCall",
    "MessageFinished",
    "Notice",
    "ReasoningDelta",
    "TextDelta",
    "ToolCall",
    "ToolError",
    "ToolFinished",
    "ToolProgress",
    "ToolResult",
    "ToolStarted",
    "TurnFinished",
]
