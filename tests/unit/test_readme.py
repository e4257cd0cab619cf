"""README tells the truth about the settings, the commands and the files it names."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

from app.core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("item", fields(Settings), ids=lambda item: item.name)
def test_settings_table_has_every_setting_with_its_default(item):
    default = f"`{item.default}`" if item.default != "" else ""
    assert f"| `{item.metadata['env']}` | {default} | {item.metadata['help']} |" in README


def test_settings_table_has_no_other_setting():
    table = README[README.index("## Settings") : README.index("## Write a tool")]
    named = set(re.findall(r"^\| `(GLM_\w+)`", table, re.MULTILINE))
    assert named == {item.metadata["env"] for item in fields(Settings)}


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"make (\w[\w-]*)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_pictures_and_files_exist():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path
    tree = README[README.index("## How it is built") : README.index("## Licence")]
    for path in re.findall(r"`((?:app|backends|tools)/[\w./]+)`", tree):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"^((?:app|backends|tools)/\S*)", tree, re.MULTILINE):
        assert (ROOT / path).exists(), path


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
