"""The JSON Schema of a function's parameters, and the validation of a model's arguments.

pydantic makes the schema and validates. This module simplifies the schema (no titles, definitions
inlined) and turns pydantic's errors into short sentences with the argument's path as the model
wrote it: `items[2].price`.
"""

from __future__ import annotations

import json
import typing
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from tools.base import ToolError
from tools.functions.parameters import Parameter, ToolDefinitionError
from tools.text import one_line

MAX_ERRORS = 6
"""Errors that one message lists; a model corrects only a few at a time."""

_CONFIG = ConfigDict(coerce_numbers_to_str=True)


class Arguments:
    """The parameters of one function: `schema` describes them, `check` validates arguments."""

    def __init__(self, function: str, parameters: Sequence[Parameter]) -> None:
        """Raises `ToolDefinitionError` for a type that no JSON Schema describes."""
        self._function = function
        self._parameters = {parameter.name: parameter for parameter in parameters}
        self._adapters = {parameter.name: _adapter(function, parameter) for parameter in parameters}
        self.schema: Mapping[str, Any] = _schema(function, self._parameters, self._adapters)

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The validated values, with the defaults of omitted optional parameters.

        Raises `ToolError` with all errors, each with the argument's path.
        """
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for name, parameter in self._parameters.items():
            if name in arguments:
                try:
                    values[name] = _validated(self._adapters[name], arguments[name])
                except _Invalid as invalid:
                    # Models often send null for an argument that they mean to omit.
                    if parameter.required or arguments[name] is not None:
                        wrong += invalid.sentences(name)
                        continue
                    values[name] = parameter.default
            elif parameter.required:
                wrong.append(f"{name} is missing")
            else:
                values[name] = parameter.default
        wrong += self._unknown(arguments)
        if wrong:
            raise ToolError(_listed(self._function, wrong))
        return values

    def _unknown(self, arguments: Mapping[str, Any]) -> Iterator[str]:
        known = ", ".join(self._parameters)
        has = f"it has {known}" if known else "it has none"
        for name in arguments:
            if name not in self._parameters:
                yield f"there is no argument {_shown(name)} ({has})"


class _Invalid(Exception):
    """A value that failed validation, with pydantic's error."""

    def __init__(self, error: ValidationError, value: Any) -> None:
        self.error, self.value = error, value

    def sentences(self, name: str) -> list[str]:
        """One clause for each path; the branches of a union share one."""
        expected: dict[str, list[str]] = {}
        found: dict[str, str] = {}
        for error in self.error.errors(include_url=False, include_context=False):
            path = name + _path(self.value, error["loc"], error["type"] == "missing")
            text = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            if error["type"] == "missing":
                text = ""
            elif text.startswith("Input should "):
                text = text.removeprefix("Input should ").partition(", ")[0]
                found[path] = _shown(error["input"])
            if text not in expected.setdefault(path, []):
                expected[path].append(text)
        return [_clause(path, texts, found.get(path)) for path, texts in expected.items()]


def _clause(path: str, messages: list[str], found: str | None) -> str:
    if messages == [""]:
        return f"{path} is missing"
    if found is None:
        return f"{path}: {'; '.join(filter(None, messages))}"
    first, *others = filter(None, messages)
    wanted = " or ".join([first, *(other.removeprefix("be ") for other in others)])
    return f"{path} should {wanted}, but is {found}"


def _path(value: Any, location: Iterable[int | str], missing: bool) -> str:
    """An error's location as a path in the arguments, without the names of union branches."""
    steps = list(location)
    path = ""
    for index, step in enumerate(steps):
        last = missing and index == len(steps) - 1
        if isinstance(value, Mapping) and (step in value or last):
            path += f".{step}"
            value = value.get(step)
        elif isinstance(value, list | tuple) and isinstance(step, int):
            path += f"[{step}]"
            value = value[step] if step < len(value) else None
    return path


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _listed(function: str, wrong: Sequence[str]) -> str:
    head = f"The arguments of {function} are wrong: "
    if len(wrong) == 1:
        return f"{head}{one_line(wrong[0])}."
    lines = [f"- {one_line(clause)}" for clause in wrong[:MAX_ERRORS]]
    if len(wrong) > MAX_ERRORS:
        lines.append(f"- and {len(wrong) - MAX_ERRORS} more")
    return "\n".join([head.rstrip(), *lines])


def _validated(adapter: TypeAdapter[Any], value: Any) -> Any:
    """The validated value, also of JSON that is written as a string. Raises `_Invalid`."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        invalid = _Invalid(error, value)
    if isinstance(value, str):
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            raise invalid from None
        try:
            return adapter.validate_python(inner)
        except ValidationError as error:
            if isinstance(inner, dict | list):
                invalid = _Invalid(error, inner)
    raise invalid


def _adapter(function: str, parameter: Parameter) -> TypeAdapter[Any]:
    try:
        try:
            return TypeAdapter(parameter.annotation, config=_CONFIG)
        except PydanticUserError as error:
            # Models, dataclasses and typed dictionaries have their own configuration.
            if error.code != "type-adapter-config-unused":
                raise
            return TypeAdapter(parameter.annotation)
    except (PydanticUserError, NameError, TypeError, RecursionError) as error:
        raise _no_schema(function, parameter) from error


def _no_schema(function: str, parameter: Parameter) -> ToolDefinitionError:
    kind = getattr(parameter.annotation, "__name__", None) or str(parameter.annotation)
    return ToolDefinitionError(
        f"The type of {parameter.name} in {function}, {kind}, can't be described to a model."
    )


def _schema(
    function: str, parameters: Mapping[str, Parameter], adapters: Mapping[str, TypeAdapter[Any]]
) -> dict[str, Any]:
    for name, adapter in adapters.items():
        try:
            adapter.json_schema()
        except (PydanticUserError, TypeError) as error:
            raise _no_schema(function, parameters[name]) from error
    with warnings.catch_warnings():
        # A default that is not JSON is omitted from the schema, and the function still gets it.
        warnings.simplefilter("ignore")
        each, shared = TypeAdapter.json_schemas(
            [(name, "validation", adapter) for name, adapter in adapters.items()]
        )
    definitions: dict[str, Any] = shared.get("$defs", {})
    properties = {}
    for name, parameter in parameters.items():
        node = _plain(each[name, "validation"], definitions)
        properties[name] = _with_notes(node, parameter, adapters[name])
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [name for name, parameter in parameters.items() if parameter.required],
        "additionalProperties": False,
    }
    if kept := {name for name in definitions if name in _reached(definitions[name], definitions)}:
        schema["$defs"] = {name: _plain(definitions[name], definitions) for name in sorted(kept)}
    return schema


def _with_notes(
    node: dict[str, Any], parameter: Parameter, adapter: TypeAdapter[Any]
) -> dict[str, Any]:
    """The property with description and default; an optional one loses its "or null" branch."""
    if not parameter.required and parameter.default is None:
        branches = [branch for branch in node.get("anyOf", ()) if branch != {"type": "null"}]
        if len(branches) == 1:
            node = {key: value for key, value in node.items() if key != "anyOf"} | branches[0]
        elif branches:
            node = node | {"anyOf": branches}
    if parameter.description:
        node = node | {"description": parameter.description}
    if not parameter.required and parameter.default is not None:
        try:
            default = adapter.dump_python(parameter.default, mode="json", warnings=False)
            json.dumps(default, allow_nan=False)
        except (ValueError, TypeError):
            return node
        node = node | {"default": default}
    return node


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema without titles, and with all definitions inlined that don't contain themselves."""
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = _name(node)
        if name in _reached(definitions[name], definitions):
            return dict(node)
        node = definitions[name] | {key: value for key, value in node.items() if key != "$ref"}
    plain: dict[str, Any] = {}
    for key, value in node.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in ("default", "const", "enum", "examples", "required", "discriminator"):
            plain[key] = value
        elif key in ("properties", "patternProperties"):
            plain[key] = {name: _plain(item, definitions) for name, item in value.items()}
        else:
            plain[key] = _plain(value, definitions)
    # A discriminator's mapping refers to definitions that are inlined now.
    plain.pop("discriminator", None)
    return plain


def _reached(node: Any, definitions: Mapping[str, Any]) -> set[str]:
    """The names of all definitions that a schema refers to, directly or indirectly."""
    reached: set[str] = set()
    open_nodes = [node]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, list):
            open_nodes += node
        elif isinstance(node, dict):
            open_nodes += node.values()
            if isinstance(node.get("$ref"), str) and (name := _name(node)) not in reached:
                reached.add(name)
                open_nodes.append(definitions[name])
    return reached


def _name(node: Mapping[str, Any]) -> str:
    return typing.cast(str, node["$ref"]).removeprefix("#/$defs/")
