"""Users' tools from files: what is found, and what is said of what can't be loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.functions.loading import load_tools

GOOD = '''"""A tool."""
from __future__ import annotations
from dataclasses import dataclass
from tools import tool

@dataclass
class Place:
    city: str

@tool
def zebra(place: Place) -> str:
    """Comes first, as it is defined first."""
    return place.city

@tool
def apple() -> str:
    return "apple"

alias = zebra
'''


def write(folder, name, text):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_tools_come_in_the_order_of_definition_each_once(tmp_path):
    loaded = load_tools([write(tmp_path, "good.py", GOOD)])
    assert [t.name for t in loaded.tools] == ["zebra", "apple"] and loaded.problems == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ndef (:\n", "bad.py, line 2: SyntaxError: invalid syntax."),
        ("import tools\n\n1 / 0\n", "bad.py, line 3: ZeroDivisionError: division by zero."),
        ("def f():\n    raise KeyError\nf()\n", "bad.py, line 2: KeyError."),
        ("import no_such_module\n", "bad.py, line 1: ModuleNotFoundError: No module named"),
        ("open('/no/such/place/a.csv')", "bad.py, line 1: FileNotFoundError: [Errno 2] No such"),
        ("import sys\nsys.exit('bye')\n", "bad.py, line 2: SystemExit: bye."),
        ("raise ValueError('a\\nb' * 1000)", "bad.py, line 1: ValueError: a ba b"),
        (
            "from tools import tool\n\n@tool\ndef f(a): ...\n",
            "bad.py, line 3: The parameter a of f",
        ),
        (b"x = '\xff\xfe'", "bad.py, line 1: SyntaxError"),
        (b"x = 1\x00", "bad.py: SyntaxError: source code string cannot contain null bytes."),
        ("x = 1\n", "bad.py has no function with @tool."),
        ("", "bad.py has no function with @tool."),
    ],
)
def test_a_bad_file_is_reported_and_the_good_one_loads(tmp_path, caplog, text, said):
    bad, good = write(tmp_path, "bad.py", text), write(tmp_path, "good.py", GOOD)
    modules = set(sys.modules)
    loaded = load_tools([bad, good])
    assert [t.name for t in loaded.tools] == ["zebra", "apple"]
    (problem,) = loaded.problems
    assert problem.file == "bad.py" and problem.sentence.startswith(said)
    assert str(tmp_path) not in problem.sentence and "/no/" not in problem.sentence
    assert "\n" not in problem.sentence and len(problem.sentence) < 400
    if "no function" not in said:
        assert "Traceback" in caplog.text
        assert not [m for m in set(sys.modules) - modules if "bad" in m]


def test_a_relative_path_names_the_line_too(tmp_path, monkeypatch):
    write(tmp_path, "bad.py", "\n\nx = y")
    monkeypatch.chdir(tmp_path)
    (problem,) = load_tools([Path("bad.py")]).problems
    assert problem.sentence == "bad.py, line 3: NameError: name 'y' is not defined."


def test_a_folder_gives_its_files_but_no_private_ones(tmp_path):
    write(tmp_path, "b.py", GOOD)
    write(tmp_path, "_shared.py", "1 / 0")
    write(tmp_path, "nothing.py", "x = 1")
    write(tmp_path, "read.me", "no Python")
    (tmp_path / "folder.py").mkdir()
    write(tmp_path, "a.py", "from tools import tool\n@tool\ndef first() -> str: ...")
    loaded = load_tools([tmp_path])
    assert [t.name for t in loaded.tools] == ["first", "zebra", "apple"]
    assert loaded.problems == ()


def test_missing_and_odd_paths_are_problems(tmp_path):
    text = write(tmp_path, "notes.txt", "hello")
    loaded = load_tools([tmp_path / "gone.py", text, tmp_path / "no" / "folder", Path("a\0b.py")])
    assert [p.sentence for p in loaded.problems[:3]] == [
        "gone.py is not there.",
        "notes.txt is not a Python file.",
        "folder is not there.",
    ]
    assert len(loaded.problems) == 4 and loaded.tools == ()


def test_the_same_file_twice_is_one_and_the_same_name_twice_is_a_problem(tmp_path):
    (tmp_path / "in").mkdir()
    one = write(tmp_path / "in", "one.py", GOOD)
    same_stem = write(tmp_path, "one.py", GOOD.replace("def apple", "def pear"))
    loaded = load_tools([one, tmp_path / "in", same_stem])
    assert [t.name for t in loaded.tools] == ["zebra", "apple", "pear"]
    assert [p.sentence for p in loaded.problems] == [
        "The tool zebra in one.py is not offered: there already is one of that name."
    ]


def test_what_a_file_imports_is_not_its_own(tmp_path):
    write(tmp_path, "b.py", "from tools import tool\nfrom tools.user.dates import days_between\n"
          "@tool\ndef mine() -> str: ...")  # fmt: skip
    assert [t.name for t in load_tools([tmp_path]).tools] == ["mine"]


def test_a_changed_file_is_loaded_anew(tmp_path):
    path = write(tmp_path, "a.py", "from tools import tool\n@tool\ndef one() -> str: ...")
    assert [t.name for t in load_tools([path]).tools] == ["one"]
    write(tmp_path, "a.py", "from tools import tool\n@tool\ndef number_two() -> str: ...")
    assert [t.name for t in load_tools([path]).tools] == ["number_two"]


def test_importing_tools_is_light():
    code = "import sys, tools; print({'streamlit', 'torch', 'pandas', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
