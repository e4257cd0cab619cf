"""`@tool`: a typed Python function becomes a tool that a model can call.

    @tool
    def convert(amount: Annotated[float, "how much"], to: Literal["EUR", "GBP"] = "EUR") -> str:
        \"\"\"Convert an amount of US dollars.\"\"\"

The docstring says what the tool is for, the types become a JSON Schema, and what the model
sends is checked against them before the function runs. The decorated function can still be
called as before. A parameter of type `ToolContext` is not shown to the model: it gets the
session's folder, the Stop flag and a line of progress.

What is returned is what the model reads: text as it is; nothing as "Done."; dictionaries,
lists, dataclasses and pydantic models as JSON; an `Attachment`, or a list of them, as files
for the user; a `ToolResult` as it is; anything else as `str` shows it. To tell the model what
went wrong, raise `ToolError`.

A running Python function can't be stopped from outside. When the user presses Stop, or its
time is over, the registry stops waiting and its result is thrown away, but the function may go
on in the background; a long one should look at `context.cancel` now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import inspect
import json
import threading
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Generic, ParamSpec, TypeVar, overload

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from tools.base import Attachment, ToolCall, ToolCancelled, ToolContext, ToolResult, ToolSpec
from tools.functions.json_schema import Arguments
from tools.functions.parameters import ToolDefinitionError, describe
from tools.text import cut_middle, encodable

P = ParamSpec("P")
R = TypeVar("R")

MAX_TEXT_CHARS = 20_000
"""Characters of a result that the model reads, about 5,000 tokens of English."""


class FunctionTool(Generic[P, R]):
    """A function and the one `ToolSpec` made of it. Shared by all sessions.

    `acts` says that a call changes something outside (sends, buys, deletes), so that a user's
    word may be asked for first. `stateful` functions never run twice at the same time, in no
    session. `seconds` is how long a call may take, None for the registry's setting.
    """

    taints = False
    citations = None

    def __init__(
        self,
        function: Callable[P, R],
        name: str | None = None,
        *,
        acts: bool = False,
        stateful: bool = False,
        seconds: float | None = None,
        longest_text: int = MAX_TEXT_CHARS,
    ) -> None:
        """Raises `ToolDefinitionError` for a function that no model could call."""
        if not inspect.isroutine(function):
            raise ToolDefinitionError("Only a function can be a tool, not a class or a value.")
        description = describe(function)
        self.name = function.__name__ if name is None else name
        if not self.name.strip() or not self.name.isprintable():
            raise ToolDefinitionError(f"{self.name!r} can't be the name of a tool.")
        functools.update_wrapper(self, function)
        self.function: Callable[P, R] = function
        self.acts, self.stateful, self.seconds = acts, stateful, seconds
        self._longest_text = longest_text
        self._contexts = description.context_names
        self._signature = description.signature
        self._arguments = Arguments(self.name, description.parameters)
        self._spec = ToolSpec(self.name, description.text, self._arguments.schema)
        self._turn = threading.Lock() if stateful else contextlib.nullcontext()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    def specs(self, native: bool) -> tuple[ToolSpec, ...]:
        """The one function, the same for every model."""
        return (self._spec,)

    def has_side_effects(self, function: str) -> bool:
        """Whether the function was marked with `acts`."""
        return self.acts

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Checks the arguments and calls the function, in this thread, until it returns.

        Raises `ToolError` for wrong arguments, and whatever the function raises.
        """
        # Half a character, left by a cut stream, would break a function that writes or sends it.
        sound = encodable(json.dumps(call.arguments(), ensure_ascii=False))
        values = self._arguments.check(json.loads(sound))
        values |= dict.fromkeys(self._contexts, context)
        bound = self._signature.bind_partial()
        bound.arguments.update(
            {name: values[name] for name in self._signature.parameters if name in values}
        )
        with self._turn:
            if context.cancel.is_set():
                raise ToolCancelled(f"{self.name} was stopped by the user.")
            value: Any = self.function(*bound.args, **bound.kwargs)
            if inspect.iscoroutine(value):
                value = asyncio.run(value)
        result = _result(call, value)
        return dataclasses.replace(result, text=cut_middle(result.text, self._longest_text))

    def close(self) -> None:
        """A function holds nothing."""


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    acts: bool = False,
    stateful: bool = False,
    seconds: float | None = None,
    longest_text: int = MAX_TEXT_CHARS,
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a tool of a function: `@tool`, or `@tool(name="...", acts=True)`.

    `name` is what the model calls, the function's own name if not given. `acts`, `stateful`,
    `seconds` and `longest_text` (characters of a result) are explained at `FunctionTool`.
    Raises `ToolDefinitionError` for a function that no model could call.
    """
    if function is None:
        return lambda wrapped: FunctionTool(wrapped, **options)
    return FunctionTool(function)


def _result(call: ToolCall, value: Any) -> ToolResult:
    if isinstance(value, ToolResult):
        return value
    made = value if isinstance(value, list | tuple) else (value,)
    if made and all(isinstance(item, Attachment) for item in made):
        names = ", ".join(item.name for item in made)
        return ToolResult(call.id, call.name, f"Made for the user: {names}.", None, tuple(made))
    return ToolResult(call.id, call.name, _text(value))


def _text(value: Any) -> str:
    if value is None:
        return "Done."
    if isinstance(value, Enum):
        return _text(value.value)
    if isinstance(value, Mapping | list | tuple | set | frozenset | BaseModel) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    ):
        try:
            return json.dumps(to_jsonable_python(value, fallback=_simple), ensure_ascii=False)
        except (ValueError, TypeError, RecursionError):
            return str(value)  # what contains itself, or keys that are no text
    return str(value)


def _simple(value: Any) -> Any:
    """NumPy's arrays and numbers as lists and numbers, all else as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
