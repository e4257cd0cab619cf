"""The contract between a model, the agent loop and a tool.

A tool offers one or more functions (`ToolSpec`), gets a `ToolCall` with a `ToolContext`,
and answers with a `ToolResult`. Nothing in here knows a model, a page or a session.

A spec has one of two faces. With `raw=None` the model sends JSON arguments. With
`raw="code"` (the GLM-4 native face of a built-in tool) the text after the tool's name is the
input itself, and fills that one parameter.

Exceptions:

    ToolError           a failure whose text the model reads as the result; never a traceback
     └ ToolCancelled    the user pressed Stop while the tool ran
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tools.citations import CitationSource


class ToolError(Exception):
    """A failure whose message, one short plain text, the model reads and may correct."""


class ToolCancelled(ToolError):
    """The user stopped the turn while the tool was running."""


@dataclass(frozen=True)
class ToolSpec:
    """The description of one function that the model receives.

    `parameters` is a JSON Schema of type object. `raw` is the name of the one parameter that
    takes the whole input when the model writes no JSON (see the module's docstring).
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    raw: str | None = None


@dataclass(frozen=True)
class ToolCall:
    """A call as the model wrote it: `input` is not re-encoded, `id` never changed. Where it had to
    be repaired first (`tools.repair`), `note` says so in one sentence."""

    id: str
    name: str
    input: str
    raw: str | None = None
    note: str = ""

    def arguments(self) -> dict[str, Any]:
        """The arguments by name. Raises `ToolError` when the input is not a JSON object."""
        if self.raw is not None:
            return {self.raw: self.input}
        if not self.input.strip():
            return {}
        try:
            value = json.loads(self.input)
        except ValueError as error:
            raise ToolError(
                f"The arguments of {self.name} are not valid JSON ({error}). "
                "Send one JSON object with the arguments by name."
            ) from None
        except RecursionError:
            raise ToolError(f"The arguments of {self.name} are nested too deeply.") from None
        if not isinstance(value, dict):
            raise ToolError(
                f"The arguments of {self.name} must be one JSON object, not {type(value).__name__}."
            )
        return value


@dataclass(frozen=True)
class Attachment:
    """A file that a tool made for the user. `path` stays on the server and is never shown.

    `inline` attachments are drawn in the transcript where the page supports their type; all
    others are offered as downloads. `offered` adds a download to an inline attachment.
    """

    name: str
    mime: str
    path: Path
    inline: bool = True
    offered: bool = False


@dataclass(frozen=True)
class ToolResult:
    """The result of one call.

    `text` is what the model reads. `error` is None after a success, else the failure in one line
    for the page. `seconds` is the duration of the call.
    """

    call_id: str
    name: str
    text: str
    error: str | None = None
    attachments: tuple[Attachment, ...] = ()
    seconds: float = 0.0


PAGE_ONLY = ".browser"
"""The folder of a workspace for attachments that only the page draws and nobody downloads."""


def for_user(result: ToolResult) -> tuple[Attachment, ...]:
    """The attachments of a result that the user may download."""
    return tuple(each for each in result.attachments if each.path.parent.name != PAGE_ONLY)


def file_size(size: int) -> str:
    """`size` in bytes as text with a decimal unit (1 KB = 1,000 bytes), such as "1.5 MB"."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    amount, units = size / 1000, iter(("KB", "MB", "GB"))
    unit = next(units)
    while amount >= 999.5 and unit != "GB":
        amount, unit = amount / 1000, next(units)
    return f"{amount:,.0f} {unit}" if amount >= 9.95 else f"{amount:.1f} {unit}"


def _ignore(_: str) -> None:
    return None


@dataclass(frozen=True)
class ToolContext:
    """What a running call may use.

    `workspace` is the session's folder, `cancel` is set when the user presses Stop, `progress`
    shows one line of text to the user. `owner` is the opaque key of the visitor, by which shared
    resources are divided fairly.
    """

    workspace: Path
    cancel: threading.Event = field(default_factory=threading.Event)
    progress: Callable[[str], None] = _ignore
    owner: str = ""


@runtime_checkable
class Tool(Protocol):
    """A tool of one session.

    `name` is the name under which the page switches the tool on and off. Calls of a `stateful`
    tool never run at the same time. A tool that `taints` reads text from untrusted sources:
    after its first call, calls with side effects need the user's approval. `citations` looks up
    numbered sources, and is None where nothing can be cited. `run` may raise any exception: the
    registry turns it into a `ToolResult`.
    """

    @property
    def name(self) -> str: ...

    @property
    def stateful(self) -> bool: ...

    @property
    def taints(self) -> bool: ...

    @property
    def citations(self) -> CitationSource | None: ...

    def specs(self, native: bool) -> Sequence[ToolSpec]:
        """The functions on offer; `native` asks for the GLM-4 native face where there is one."""

    def has_side_effects(self, function: str) -> bool:
        """Whether a call of that function changes something outside: sends, buys, deletes."""

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult: ...

    def close(self) -> None:
        """Release the tool's resources. May be called twice."""
