"""`@tool`: a typed Python function becomes a tool that a model can call.

    @tool
    def convert(amount: Annotated[float, "how much"], to: Literal["EUR", "GBP"] = "EUR") -> str:
        \"\"\"Convert an amount of US dollars.\"\"\"

The docstring is the tool's description, the types become a JSON Schema, and the model's
arguments are validated against it before the function runs. The decorated function can still be
called as before. A parameter of type `ToolContext` is not part of the schema: it receives the
session's folder, the Stop flag and the callback for progress.

The model reads the return value: text unchanged; None as "Done."; dictionaries, lists,
dataclasses and pydantic models as JSON; an `Attachment`, or a list of them, as files for the
user; a `ToolResult` unchanged; any other value as `str` formats it. To report a failure to the
model, raise `ToolError`.

A running Python function can't be stopped from outside. When the user presses Stop, or the
timeout expires, the registry stops waiting and discards the result, but the function may continue
in the background; a long one should check `context.cancel` regularly.
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
"""Longest result that the model reads, about 5,000 tokens of English."""


class FunctionTool(Generic[P, R]):
    """A function and the `ToolSpec` made from it. Shared by all sessions.

    `acts` marks a function with side effects (it sends, buys, deletes): a call may need the
    user's approval. Calls of a `stateful` function never run at the same time, across all
    sessions. `seconds` is the timeout of a call, None for the registry's setting. `longest_text`
    is the limit of a result's text in characters; longer text is cut in the middle.
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
        self._call_lock = threading.Lock() if stateful else contextlib.nullcontext()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    def specs(self, native: bool) -> tuple[ToolSpec, ...]:
        """The one function; both faces are the same."""
        return (self._spec,)

    def has_side_effects(self, function: str) -> bool:
        """Whether the function was marked with `acts`."""
        return self.acts

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Checks the arguments and calls the function, in this thread, until it returns.

        Raises `ToolError` for wrong arguments, and whatever the function raises.
        """
        # A lone surrogate, left by a cut stream, breaks functions that write or send the text.
        encoded = encodable(json.dumps(call.arguments(), ensure_ascii=False))
        values = self._arguments.check(json.loads(encoded))
        values |= dict.fromkeys(self._contexts, context)
        bound = self._signature.bind_partial()
        bound.arguments.update(
            {name: values[name] for name in self._signature.parameters if name in values}
        )
        with self._call_lock:
            if context.cancel.is_set():
                raise ToolCancelled(f"{self.name} was stopped by the user.")
            value: Any = self.function(*bound.args, **bound.kwargs)
            if inspect.iscoroutine(value):
                value = asyncio.run(value)
        result = _result(call, value)
        return dataclasses.replace(result, text=cut_middle(result.text, self._longest_text))

    def close(self) -> None:
        """Does nothing: a function holds no resources."""


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
    items = value if isinstance(value, list | tuple) else (value,)
    if items and all(isinstance(item, Attachment) for item in items):
        names = ", ".join(item.name for item in items)
        return ToolResult(call.id, call.name, f"Made for the user: {names}.", None, tuple(items))
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
            return json.dumps(to_jsonable_python(value, fallback=_fallback), ensure_ascii=False)
        except (ValueError, TypeError, RecursionError):
            return str(value)  # a value that contains itself, or keys that are not text
    return str(value)


def _fallback(value: Any) -> Any:
    """NumPy arrays and numbers as lists and numbers, all other values as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
