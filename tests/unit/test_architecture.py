"""The architecture, read from the imports.

Floors, from the ground up: tools <- backends <- app.core <- app.api <- app.cli and app.ui <-
app.views <- app.main; finetune stands on backends, tools and app.core, and nothing stands on it.
Modules and folders are small, and nothing imports in a circle. Each rule is a function from modules
to sentences about what breaks it; beside the test that holds it over the tree, another shows it
modules that break it.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 400
MAX_MODULES = 12  # of a folder, its `__init__` and its subfolders not counted

FOLDERS = ("app", "backends", "tools", "finetune")
PROJECT = (*FOLDERS, "tests")
LIBRARY_FLOORS = ("tools", "backends", "app.core")
# What each floor may import of the project. The longest name that fits a module is its floor.
MAY_IMPORT = {
    "tools": ("tools",),
    # A library of its own: it takes two of its neighbours.
    "tools.documents": (
        "tools.documents",
        "tools.citations",
        "tools.safe_files",
        "tools.fair_queue",
    ),
    "backends": (
        "backends",
        "tools.base",
        "tools.fair_queue",
        "tools.repair",
        "tools.service_error",
    ),
    "app": (),
    "app.core": LIBRARY_FLOORS,
    "app.api": (*LIBRARY_FLOORS, "app.api"),
    "app.cli": (*LIBRARY_FLOORS, "app.api", "app.cli"),
    "app.ui": (*LIBRARY_FLOORS, "app.api", "app.ui"),
    "app.views": (*LIBRARY_FLOORS, "app.api", "app.ui", "app.views"),
    "app.main": (*LIBRARY_FLOORS, "app.api", "app.ui", "app.views", "app.main"),
    "finetune": (*LIBRARY_FLOORS, "finetune"),
}
DRAWS = ("app.main", "app.views", "app.ui")
HEAVY = ("torch", "transformers")


@dataclass(frozen=True)
class Module:
    """One source file; `name` is dotted, a package's own name for its `__init__`."""

    name: str
    source: str
    package: bool = False


@dataclass(frozen=True)
class Import:
    """One imported name, in full: `from a import b` is `a.b`. `lazy` ones wait for a call."""

    name: str
    line: int
    lazy: bool


def modules_under(root: Path) -> list[Module]:
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if package else parts)
            found.append(Module(name, path.read_text(encoding="utf-8"), package))
    return found


@cache
def imports(module: Module) -> tuple[Import, ...]:
    return tuple(_imports(module, ast.parse(module.source), lazy=False))


def _imports(module: Module, node: ast.AST, lazy: bool) -> Iterator[Import]:
    if isinstance(node, ast.stmt | ast.expr):
        for name in _names(module, node):
            yield Import(name, node.lineno, lazy)
    for field, value in ast.iter_fields(node):
        # A function's body waits for a call; its decorators and defaults do not.
        inside = lazy or (
            field == "body"
            and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        )
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _imports(module, child, inside)


def _names(module: Module, node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=source, names=names, level=level):
            base = [source] if source else []
            if level:
                here = module.name.split(".")
                base = here[: len(here) - level + module.package] + base
            return [".".join([*base, alias.name]) for alias in names]
        case ast.Call(
            func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return [name]
    return []


def within(name: str, floors: Iterable[str]) -> bool:
    return any(name == floor or name.startswith(floor + ".") for floor in floors)


def floor_of(module: Module) -> str:
    fitting = [floor for floor in MAY_IMPORT if within(module.name, [floor])]
    return max(fitting, key=len)


# The rules


def climbing(modules: Iterable[Module]) -> list[str]:
    """Imports of the project from a floor that does not stand on them."""
    return [
        f"{module.name}:{found.line} imports {found.name}"
        for module in modules
        for found in imports(module)
        if within(found.name, PROJECT) and not within(found.name, MAY_IMPORT[floor_of(module)])
    ]


def homeless(modules: Iterable[Module]) -> list[str]:
    """Modules of `app` that are on no floor."""
    return [
        f"{module.name} is on no floor"
        for module in modules
        if floor_of(module) == "app" and module.name != "app"
    ]


def drawing(modules: Iterable[Module]) -> list[str]:
    """Imports of Streamlit outside the page."""
    return [
        f"{module.name}:{found.line} imports {found.name}"
        for module in modules
        for found in imports(module)
        if within(found.name, ["streamlit"]) and not within(module.name, DRAWS)
    ]


def hasty(modules: Iterable[Module]) -> list[str]:
    """Imports of torch or transformers that the first page would wait for."""
    return [
        f"{module.name}:{found.line} imports {found.name} at module level"
        for module in modules
        for found in imports(module)
        if within(found.name, HEAVY) and not found.lazy
    ]


def long(modules: Iterable[Module]) -> list[str]:
    """Modules that are more than one idea."""
    return [
        f"{module.name} has {lines} lines"
        for module in modules
        if (lines := module.source.count("\n")) > MAX_LINES
    ]


def crowded(modules: Iterable[Module]) -> list[str]:
    """Folders that hold more modules than one looks through."""
    sizes = Counter(folder_of(module.name) for module in modules if not module.package)
    return [
        f"{folder} has {count} modules" for folder, count in sizes.items() if count > MAX_MODULES
    ]


def training(modules: Iterable[Module]) -> list[str]:
    """Imports of the training at run time."""
    return [
        f"{module.name}:{found.line} imports {found.name}"
        for module in modules
        for found in imports(module)
        if within(found.name, ["finetune"]) and not within(module.name, ["finetune"])
    ]


def circles_of_modules(modules: Iterable[Module]) -> list[str]:
    """A circle of modules that import each other: at once, in a function or for types alone."""
    circle = circle_in(imported_modules(modules))
    return [" imports ".join(circle)] if circle else []


def circles_of_packages(modules: Iterable[Module]) -> list[str]:
    """In each folder, a circle of its modules and packages that import from each other."""
    folders: dict[str, dict[str, set[str]]] = {}
    for importing, imported in imported_modules(modules).items():
        for other in imported:
            # Where the two names part: there lie two neighbours, of which one needs the other.
            ours, theirs = importing.split("."), other.split(".")
            common = sum(1 for _ in _alike(ours, theirs))
            if common < min(len(ours), len(theirs)):
                folder, name = ".".join(ours[:common]), ".".join(ours[: common + 1])
                folders.setdefault(folder, {}).setdefault(name, set()).add(
                    ".".join(theirs[: common + 1])
                )
    circles = (circle_in(neighbours) for neighbours in folders.values())
    return [" imports from ".join(circle) for circle in circles if circle]


def _alike(ours: list[str], theirs: list[str]) -> Iterator[str]:
    for a, b in zip(ours, theirs, strict=False):
        if a != b:
            return
        yield a


def folder_of(name: str) -> str:
    return name.rpartition(".")[0]


def imported_modules(modules: Iterable[Module]) -> Mapping[str, set[str]]:
    """For each module those of the others that it imports, wherever in it."""
    modules = list(modules)
    known = {module.name for module in modules}

    def module_of(name: str) -> str:
        return name if name in known or "." not in name else module_of(folder_of(name))

    return {
        module.name: {module_of(found.name) for found in imports(module)} & known - {module.name}
        for module in modules
    }


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """Names of which each leads to the next, and the last is the first; none where there is no
    circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # It tells them in the order in which they are needed.
        circle: list[str] = error.args[1][::-1]
        assert all(b in graph[a] for a, b in pairwise(circle))
        return circle
    return []


def shadowing(app: Path) -> list[str]:
    """What lies in app/ and hides a standard module: `streamlit run` puts app/ on sys.path."""
    return [entry.name for entry in app.iterdir() if entry.stem in sys.stdlib_module_names]


def old_pages(app: Path) -> list[str]:
    """Streamlit makes pages of its own from a folder of this name beside main.py."""
    return [entry.name for entry in app.iterdir() if entry.name == "pages"]


# The tree

TREE = modules_under(ROOT)


def test_the_tree_is_read() -> None:
    names = {module.name for module in TREE}
    assert {"tools.base", "backends.base", "app", "app.core", "finetune"} <= names


def test_each_floor_stands_on_those_below() -> None:
    assert climbing(TREE) == []


def test_every_module_is_on_a_floor() -> None:
    assert homeless(TREE) == []


def test_only_the_page_imports_streamlit() -> None:
    assert drawing(TREE) == []


def test_heavy_libraries_are_imported_inside_functions() -> None:
    assert hasty(TREE) == []


def test_modules_are_short() -> None:
    assert long(TREE) == []


def test_folders_are_small() -> None:
    assert crowded(TREE) == []


def test_nothing_imports_the_training() -> None:
    assert training(TREE) == []


def test_modules_do_not_import_in_a_circle() -> None:
    assert circles_of_modules(TREE) == []


def test_packages_do_not_import_in_a_circle() -> None:
    assert circles_of_packages(TREE) == []


def test_nothing_in_app_hides_the_standard_library() -> None:
    assert shadowing(ROOT / "app") == []


def test_there_is_no_pages_folder() -> None:
    assert old_pages(ROOT / "app") == []


# The rules themselves

Rule = Callable[[Iterable[Module]], list[str]]


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (climbing, "tools.browser", "import backends.base"),
        (climbing, "tools.browser", "from app.core import settings"),
        (climbing, "tools.browser", "def run():\n    import app"),
        (climbing, "tools.browser", "class A:\n    from backends import base"),
        (climbing, "tools.browser", "import importlib\nimportlib.import_module('app.core')"),
        (climbing, "tools.browser", "__import__('backends')"),
        (climbing, "tools.browser", "try:\n    pass\nexcept ImportError:\n    import app.core"),
        (climbing, "tools.browser", "from tests import unit"),
        (climbing, "tools.browser", "import finetune.loop"),
        (climbing, "tools.documents.loader", "from tools.base import Tool"),
        (climbing, "tools.documents.readers.pdf", "from tools.browser.html import charset"),
        (climbing, "backends.glm4", "from tools import tool"),
        (climbing, "backends.glm4", "from tools import *"),
        (climbing, "backends.glm4", "from tools.registry import Registry"),
        (climbing, "backends.glm4", "from tools.base_other import x"),
        (climbing, "backends.glm4", "from ..app import core"),
        (climbing, "app.core.agent.loop", "from app.ui import transcript"),
        (climbing, "app.core.agent.loop", "from ... import ui"),
        (climbing, "app.core.document_qa.store", "from ...views import chat"),
        (climbing, "app.core.service", "from app.api import Agent"),
        (climbing, "app.api", "from app.cli import options"),
        (climbing, "app.cli.options", "from app.ui import keys"),
        (climbing, "finetune.loop", "from app.ui import keys"),
        (climbing, "finetune.loop", "from tests import support"),
        (climbing, "app.ui.composer", "from app.views import chat"),
        (climbing, "app.views.chat", "from app import main"),
        (climbing, "app.cli", "from app.ui import transcript"),
        (climbing, "app.main", "from app import cli"),
        (homeless, "app.helpers", ""),
        (homeless, "app.other.thing", ""),
        (drawing, "app.core.sessions.session", "import streamlit as st"),
        (drawing, "app.core.sessions.session", "def f():\n    from streamlit.runtime import x"),
        (drawing, "app.cli", "from streamlit import runtime"),
        (drawing, "tools.user.weather", "import streamlit"),
        (hasty, "backends.transformers", "import torch"),
        (hasty, "backends.transformers", "from transformers import AutoModel"),
        (hasty, "backends.transformers", "try:\n    import torch.nn\nexcept ImportError: pass"),
        (hasty, "backends.transformers", "class A:\n    import torch"),
        (hasty, "backends.transformers", "def f(x=__import__('torch')): pass"),
        (long, "tools.long", "x = 1\n" * (MAX_LINES + 1)),
        (training, "app.core.models.selection", "from finetune import examples"),
        (training, "backends.bundled", "def f():\n    import finetune.bundled"),
    ],
)
def test_a_rule_finds_what_breaks_it(rule: Rule, name: str, source: str) -> None:
    assert len(rule([Module(name, source)])) == 1


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (
            climbing,
            "tools.registry",
            "import json\nfrom tools.base import ToolSpec\nimport toolset",
        ),
        (climbing, "backends.glm4", "from tools.base import ToolCall\nfrom . import base"),
        (
            climbing,
            "app.core.agent.loop",
            "from backends.base import Backend\nfrom tools import registry",
        ),
        (climbing, "app.core.agent.loop", "from ..conversation import Conversation"),
        (climbing, "tools.documents.loader", "from tools.citations import find"),
        (climbing, "app.api", "from app.core.service import Service"),
        (climbing, "app.cli.__main__", "from app.api import Agent"),
        (climbing, "finetune.loop", "from app.core.modes import CHAT_SYSTEM"),
        (climbing, "app.views.chat", "from app.ui import composer\nfrom app.core import session"),
        (climbing, "app.main", "from app.views import chat"),
        (climbing, "app.cli", "from app.core.agent.loop import run_turn"),
        (homeless, "app.core.document_qa.store", ""),
        (drawing, "app.ui.sidebar", "import streamlit as st"),
        (hasty, "backends.transformers", "def load():\n    import torch, transformers"),
        (hasty, "app.core.models.selection", "from backends import transformers"),
        (long, "tools.short", "x = 1\n" * MAX_LINES),
        (training, "finetune.bundled.train", "from finetune import loop"),
        (training, "tools.browser", "import finetuned"),
    ],
)
def test_a_rule_lets_pass_what_keeps_it(rule: Rule, name: str, source: str) -> None:
    assert rule([Module(name, source)]) == []


def tree_of(**sources: str) -> list[Module]:
    """Modules by their names, with `__` for a dot."""
    return [Module(name.replace("__", "."), source) for name, source in sources.items()]


def test_a_crowded_folder_is_told() -> None:
    full = [Module(f"tools.many.m{number}", "") for number in range(MAX_MODULES)]
    around = [Module("tools.many", "", package=True), Module("tools.many.more.m", "")]
    assert crowded([*full, *around]) == []
    assert len(crowded([*full, *around, Module("tools.many.last", "")])) == 1


@pytest.mark.parametrize(
    "back",
    [
        "from tools.a import x",
        "from tools import a",
        "import tools.a",
        "from . import a",
        "def f():\n    from tools.a import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tools.a import x",
    ],
)
def test_a_circle_of_modules_is_told(back: str) -> None:
    tree = tree_of(tools__a="from tools.b import y", tools__b="import tools.c", tools__c=back)
    assert circles_of_modules(tree) == ["tools.a imports tools.b imports tools.c imports tools.a"]
    assert circles_of_modules(tree[:2]) == []


def test_a_circle_of_packages_is_told() -> None:
    there = tree_of(tools__a__one="from tools.b.one import x", tools__b__one="", tools__a__two="")
    assert circles_of_packages(there) == []
    back = Module("tools.b.two", "from tools.a.two import y")
    assert circles_of_modules([*there, back]) == []
    assert circles_of_packages([*there, back]) == [
        "tools.a imports from tools.b imports from tools.a"
    ]


def test_a_package_may_hand_on_what_lies_in_it() -> None:
    package = Module("tools.a", "from tools.a.one import x", package=True)
    inside = Module("tools.a.one", "from tools.a.two import y")
    assert circles_of_packages([package, inside, Module("tools.a.two", "")]) == []


def test_a_relative_import_in_a_package_is_read_from_that_package() -> None:
    source = "from .base import Tool\nfrom ..app import core"
    names = [found.name for found in imports(Module("tools.python", source, package=True))]
    assert names == ["tools.python.base.Tool", "tools.app.core"]


def test_files_and_folders_in_app_are_told(tmp_path: Path) -> None:
    (tmp_path / "queue.py").touch()
    (tmp_path / "main.py").touch()
    (tmp_path / "platform").mkdir()
    (tmp_path / "pages").mkdir()
    assert sorted(shadowing(tmp_path)) == ["platform", "queue.py"]
    assert old_pages(tmp_path) == ["pages"]
