"""A function's signature as a list of parameters: name, type, description, required or optional.

Annotated[T, "text"]           describes the parameter
Annotated[T, "text", False]    the older form: the third part says whether it is required
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace, UnionType
from typing import Annotated, Any, NotRequired, Required, Union

import typing_extensions
from pydantic.fields import FieldInfo

from tools.base import ToolContext
from tools.functions import docstring


class ToolDefinitionError(Exception):
    """A function that can't become a tool; the text says what to change, in one sentence."""


@dataclass(frozen=True)
class Parameter:
    """One parameter that the model fills.

    `default` is the value when the model omits an optional parameter; it has no meaning where
    `required` is True.
    """

    name: str
    annotation: Any
    description: str
    required: bool
    default: Any = None


@dataclass(frozen=True)
class Description:
    """A function's documentation and signature.

    `context_names` are the parameters that receive the `ToolContext`.
    """

    text: str
    parameters: tuple[Parameter, ...]
    context_names: tuple[str, ...]
    signature: inspect.Signature


def describe(function: Callable[..., Any]) -> Description:
    """Reads signature and docstring.

    Raises `ToolDefinitionError` for a parameter that no model can fill.
    """
    name = getattr(function, "__name__", "the function")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise ToolDefinitionError(f"{name} has no signature that can be read.") from None
    hints = _hints(function, name)
    doc = docstring.read(function.__doc__)
    parameters, contexts = [], []
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ToolDefinitionError(
                f"{name} takes *{parameter.name}; a tool names each of its parameters."
            )
        if parameter.name not in hints:
            raise ToolDefinitionError(
                f"The parameter {parameter.name} of {name} has no type; "
                f"write for example {parameter.name}: str."
            )
        hint = hints[parameter.name]
        if _takes_context(hint):
            contexts.append(parameter.name)
        else:
            parameters.append(_parameter(name, parameter, hint, doc.parameters))
    return Description(doc.description, tuple(parameters), tuple(contexts), signature)


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    """The types of the parameters, with strings resolved. The return type is not read."""
    inner = inspect.unwrap(function)
    written = {
        key: value
        for key, value in getattr(inner, "__annotations__", {}).items()
        if key != "return"
    }
    try:
        return typing.get_type_hints(
            SimpleNamespace(__annotations__=written),
            globalns=getattr(inner, "__globals__", {}),
            include_extras=True,
        )
    except Exception as error:
        raise ToolDefinitionError(f"The types of {name} can't be read: {error}.") from error


def _takes_context(hint: Any) -> bool:
    if typing.get_origin(hint) in (Annotated, Union, UnionType):
        return any(_takes_context(part) for part in typing.get_args(hint))
    return hint is ToolContext


def _parameter(
    function: str, parameter: inspect.Parameter, hint: Any, documented: dict[str, str]
) -> Parameter:
    text, flag, annotation = _unfold(hint)
    if isinstance(parameter.default, FieldInfo):
        raise ToolDefinitionError(
            f"The parameter {parameter.name} of {function} has a Field as its default; "
            f"put it into the type: Annotated[..., Field(...)]."
        )
    default = None if parameter.default is parameter.empty else parameter.default
    required = parameter.default is parameter.empty if flag is None else flag
    if not required and default is None:
        annotation = typing.cast(Any, Union)[annotation, None]
    return Parameter(
        parameter.name,
        annotation,
        documented.get(parameter.name, "") if text is None else text,
        required,
        default,
    )


def _unfold(hint: Any) -> tuple[str | None, bool | None, Any]:
    """Description, required flag and type of an annotation; the type keeps all other metadata."""
    if typing.get_origin(hint) is not Annotated:
        return None, None, modern(hint)
    inner, *notes = typing.get_args(hint)
    text = next((note for note in notes if isinstance(note, str)), None)
    flag = next((note for note in notes if isinstance(note, bool)), None)
    rest = tuple(note for note in notes if not isinstance(note, str | bool))
    inner = modern(inner)
    return text, flag, typing.cast(Any, Annotated)[(inner, *rest)] if rest else inner


def modern(annotation: Any) -> Any:
    """The same type with each `typing.TypedDict` replaced by one of `typing_extensions`.

    Before Python 3.12 pydantic accepts no other.
    """
    if typing.is_typeddict(annotation) and type(annotation).__module__ == "typing":
        hints = typing.get_type_hints(annotation, include_extras=True)
        fields: dict[str, Any] = {}
        for key, hint in hints.items():
            needed = Required if key in annotation.__required_keys__ else NotRequired
            while typing.get_origin(hint) in (Required, NotRequired):
                needed, hint = typing.get_origin(hint), typing.get_args(hint)[0]
            fields[key] = typing.cast(Any, needed)[modern(hint)]
        return typing_extensions.TypedDict(annotation.__name__, fields)  # type: ignore[operator]
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None or origin is typing.Literal or not parts:
        return annotation
    changed = tuple(modern(part) if not isinstance(part, list) else part for part in parts)
    if all(new is old for new, old in zip(changed, parts, strict=True)):
        return annotation
    if origin is UnionType:
        return typing.cast(Any, Union)[changed]
    return annotation.copy_with(changed) if hasattr(annotation, "copy_with") else origin[changed]
