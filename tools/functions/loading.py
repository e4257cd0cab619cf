"""Loads users' tools from Python files and folders."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tools.functions.decorator import FunctionTool
from tools.functions.parameters import ToolDefinitionError
from tools.text import one_line, without_paths

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """A file of which a tool could not be loaded; `sentence` gives the reason for the page."""

    file: str
    sentence: str


@dataclass(frozen=True)
class Loaded:
    """The tools in the order of the files and of their definitions, and the problems."""

    tools: tuple[FunctionTool[..., Any], ...] = ()
    problems: tuple[Problem, ...] = ()


def load_tools(paths: Sequence[Path]) -> Loaded:
    """Every function marked with `@tool` in the files, and in the `.py` files of the folders.

    Subfolders are not searched, and files whose name begins with `_` are skipped. A file that
    can't be loaded becomes a `Problem`, and the others are loaded all the same; nothing is raised.
    Each call imports the files again, as separate modules: they can't import each other.
    """
    tools: dict[str, FunctionTool[..., Any]] = {}
    problems: list[Problem] = []
    seen: set[Path] = set()
    for path in map(Path.absolute, paths):  # the form that tracebacks use
        for file in _files(path, problems):
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
            try:
                found = _tools_in(_imported(file))
            except (Exception, SystemExit) as error:
                _logger.exception("The tools in %s could not be loaded.", file)
                problems.append(Problem(file.name, _sentence(file, error)))
                continue
            if not found and path == file:
                problems.append(Problem(file.name, f"{file.name} has no function with @tool."))
            for tool in found:
                if tools.setdefault(tool.name, tool) is not tool:
                    problems.append(
                        Problem(
                            file.name,
                            f"The tool {tool.name} in {file.name} is not offered: "
                            "there already is one of that name.",
                        )
                    )
    return Loaded(tuple(tools.values()), tuple(problems))


def _files(path: Path, problems: list[Problem]) -> Iterator[Path]:
    try:
        if path.is_dir():
            inside = sorted(path.glob("[!_]*.py"))
        elif path.suffix == ".py" and path.is_file():
            inside = [path]
        else:
            what = "is not a Python file" if path.exists() else "is not there"
            problems.append(Problem(path.name, f"{path.name} {what}."))
            return
    except OSError as error:
        _logger.warning("%s can't be read.", path, exc_info=error)
        problems.append(Problem(path.name, f"{path.name} can't be read."))
        return
    yield from (file for file in inside if file.is_file())


def _imported(file: Path) -> ModuleType:
    mark = hashlib.sha256(str(file.resolve()).encode(errors="replace")).hexdigest()[:12]
    name = f"_user_tools_{mark}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.name} is no Python module")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and string annotations look their module up by name while it is imported.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _tools_in(module: ModuleType) -> list[FunctionTool[..., Any]]:
    """The tools that a module defines, in order and each once, without those it only imports."""
    found = {
        id(value): value
        for value in vars(module).values()
        if isinstance(value, FunctionTool) and value.__module__ == module.__name__
    }
    return list(found.values())


def _sentence(file: Path, error: BaseException) -> str:
    line = _line(file, error)
    place = f"{file.name}, line {line}" if line else file.name
    if isinstance(error, ToolDefinitionError):
        return f"{place}: {one_line(str(error))}"
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    message = one_line(without_paths(message or ""))
    kind = type(error).__name__
    return f"{place}: {kind}: {message}." if message else f"{place}: {kind}."


def _line(file: Path, error: BaseException) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((each.lineno for each in reversed(frames) if each.filename == str(file)), None)
