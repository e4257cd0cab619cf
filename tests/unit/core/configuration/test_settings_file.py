"""Writing `glm.toml`: what a person wrote there stays, and a bad value changes nothing."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.core.configuration.settings_file import BadValues, NotSaved, save
from app.core.settings import load

OWN = """\
# Ann's machine
model = "a.gguf"  # the small one

slots = 2
# until the new disk comes
upload_mb = 50
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "glm.toml"
    path.write_text(OWN)
    return path


def test_comments_and_order_stay_and_values_are_changed_added_and_taken_out(file: Path) -> None:
    save(file, {"model": "b.gguf", "slots": "", "turns": "7", "compile": "on"})
    assert file.read_text() == (
        "# Ann's machine\n"
        'model = "b.gguf"  # the small one\n\n'
        "# until the new disk comes\n"
        "upload_mb = 50\n"
        "turns = 7\n"
        'compile = "on"\n'
    )
    loaded = load({}, file)
    assert not loaded.problems
    assert (loaded.settings.slots, loaded.sources["slots"]) == (4, "default")
    assert (loaded.settings.turns, loaded.sources["turns"]) == (7, "file")


def test_a_new_setting_goes_before_a_table(tmp_path: Path) -> None:
    file = tmp_path / "glm.toml"
    file.write_text("slots = 2\n[other]\nx = 1\n")
    save(file, {"turns": "7"})
    assert load({}, file).settings.turns == 7


def test_the_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "glm.toml"
    save(file, {"slots": "3"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load({}, file).settings.slots == 3


def test_a_file_keeps_its_rights_until_a_key_comes_into_it(file: Path) -> None:
    file.chmod(0o640)
    save(file, {"slots": "3"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    save(file, {"api_key": "sk-1"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("slots", "many", "This should be a whole number."),
        ("slots", "0", "This should be greater than or equal to 1."),
        ("idle_seconds", "soon", "This should be a number."),
        ("protocol", "GLM5", "This should be 'auto', 'openai' or 'glm4'."),
    ],
)
def test_a_bad_value_is_one_sentence_and_the_file_untouched(
    name: str, value: str, sentence: str, file: Path
) -> None:
    before = file.stat()
    with pytest.raises(BadValues) as caught:
        save(file, {"turns": "7", name: value})
    assert caught.value.problems == {name: sentence}
    assert file.read_text() == OWN and file.stat() == before


def test_a_file_with_a_mistake_is_not_written_over(file: Path) -> None:
    file.write_text("slots = 2\nmodel = \n")
    with pytest.raises(NotSaved, match=r"glm\.toml has a mistake in line 2") as caught:
        save(file, {"turns": "7"})
    assert file.read_text() == "slots = 2\nmodel = \n"
    assert str(file.parent) not in str(caught.value)


def test_a_file_that_is_read_only_stays_as_it_is(file: Path) -> None:
    file.chmod(0o444)
    with pytest.raises(NotSaved, match=r"glm\.toml is read-only\. Nothing was changed\."):
        save(file, {"turns": "7"})
    assert file.read_text() == OWN


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotSaved, match="Nothing was changed") as caught:
        save(tmp_path / "no" / "glm.toml", {"turns": "7"})
    assert str(tmp_path) not in str(caught.value)


def test_a_link_goes_on_pointing_to_the_file(file: Path) -> None:
    link = file.with_name("link.toml")
    link.symlink_to(file)
    save(link, {"slots": "9"})
    assert link.is_symlink() and load({}, file).settings.slots == 9


def test_nobody_who_writes_at_the_same_time_loses_a_value(file: Path) -> None:
    """Threads of one process and another process, each with a setting of its own."""
    names = ["slots", "turns", "retries", "max_rounds", "document_pages", "upload_mb"]

    def write(name: str) -> None:
        for value in range(1, 11):
            save(file, {name: str(value)})

    code = (
        "import sys; from pathlib import Path\n"
        "from app.core.configuration.settings_file import save\n"
        "for value in range(1, 11): save(Path(sys.argv[1]), {'context': str(value)})\n"
    )
    root = Path(__file__).resolve().parents[4]
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], env=os.environ | {"PYTHONPATH": str(root)}
    )
    writers = [threading.Thread(target=write, args=(name,)) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert other.wait() == 0
    settings = load({}, file).settings
    assert [getattr(settings, name) for name in (*names, "context")] == [10] * 7
    assert file.read_text().startswith("# Ann's machine\n")
    assert [each.name for each in file.parent.iterdir()] == ["glm.toml"]
