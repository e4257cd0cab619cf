"""README and its like tell the truth about the settings, the commands and the files they name."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

from app.core.settings import Settings
from tests.conftest import SLOW

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SETTINGS = (ROOT / "assets" / "handbook" / "settings.md").read_text("utf-8")
FRONT = {
    name: (ROOT / name).read_text("utf-8")
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
}


@pytest.mark.parametrize("item", fields(Settings), ids=lambda item: item.name)
def test_settings_table_has_every_setting_with_its_default(item):
    default = f"`{item.default}`" if item.default != "" else ""
    assert f"| `{item.metadata['env']}` | {default} | {item.metadata['help']} |" in SETTINGS


def test_settings_table_has_no_other_setting():
    named = set(re.findall(r"^\| `(GLM_\w+)`", SETTINGS, re.MULTILINE))
    assert named == {item.metadata["env"] for item in fields(Settings)}


@pytest.mark.parametrize("name", FRONT)
def test_make_targets_exist(name):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"make (\w[\w-]*)", FRONT[name]):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_make_alone_lists_every_target_with_what_it_does():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    makefile = (ROOT / "Makefile").read_text("utf-8")
    inner = {"environment", "system"}
    targets = set(re.findall(r"^([a-z][\w-]*):(?!=)", makefile, re.MULTILINE)) - inner
    assert set(re.findall(r"^  make ([\w-]+) +\S", shown, re.MULTILINE)) == targets


@pytest.mark.parametrize("path", SLOW)
def test_what_the_fast_lane_leaves_out_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", FRONT)
def test_pictures_links_and_files_exist(name):
    text = FRONT[name]
    for path in re.findall(r"\]\((?!https?://)([^)#]+)", text):
        assert (ROOT / path).is_file(), path
    folders = "app|assets|backends|finetune|scripts|tests|tools"
    named = re.findall(rf"`((?:{folders})/[\w./*-]*)", text)
    named += re.findall(rf"^((?:{folders})/\S*)", text, re.MULTILINE)
    assert len(named) > 5
    for path in named:
        assert list(ROOT.glob(path.rstrip("/"))), path


@pytest.mark.parametrize("name", FRONT)
def test_settings_and_names_of_code_exist(name):
    """A name beside its file, as `path.py` (`name`) or `path.py:name`, is defined there."""
    known = {item.metadata["env"] for item in fields(Settings)} | {"GLM_SETTINGS"}
    assert set(re.findall(r"\bGLM_[A-Z_]*[A-Z]\b", FRONT[name])) <= known
    for path, names in re.findall(r"`([\w/]+\.py)` \(((?:`\w+`(?:, )?)+)\)", FRONT[name]):
        code = (ROOT / path).read_text("utf-8")
        for each in re.findall(r"`(\w+)`", names):
            assert re.search(rf"\b{each}\b", code), (path, each)


def test_the_example_of_a_tool_works():
    from tools.base import Tool

    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    scope: dict[str, object] = {"__name__": "readme"}
    exec(code[1].replace("from __future__", ""), scope)
    convert = scope["convert"]
    assert isinstance(convert, Tool)
    assert convert.specs(False)[0].parameters["properties"]["to"]["enum"] == ["EUR", "JPY"]


def test_the_example_of_the_api_draws_a_plot_with_the_bundled_model(tmp_path):
    code = re.search(r"```python\n(.*?)```", README[README.index("## Python\n") :], re.DOTALL)
    assert code is not None and "from app.api import Agent" in code[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GLM_")}
    ran = subprocess.run(
        [sys.executable, "-c", code[1]],
        cwd=tmp_path,
        env=kept | {"PYTHONPATH": str(ROOT), "GLM_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()
    (figure,) = tmp_path.glob("*.png")
    with Image.open(figure) as image:
        assert image.format == "PNG" and min(image.size) > 300
