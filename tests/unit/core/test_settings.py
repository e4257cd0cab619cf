"""Settings: where a value comes from, and what becomes of bad ones."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from app.core.rendering.settings_table import shown
from app.core.settings import Settings, load

SECRET = "sk-0123456789-secret"


def toml(folder: Path, text: str | bytes) -> Path:
    path = folder / "glm.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_without_anything_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load({})
    assert loaded.settings == Settings() and loaded.problems == ()
    assert set(loaded.sources.values()) == {"default"}
    assert set(loaded.sources) == {item.name for item in fields(Settings)}


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    tmp_path: Path,
) -> None:
    file = toml(tmp_path, "slots = 2\nretries = 5\nmax_rounds = 7\n")
    environment = {"GLM_SLOTS": "3", "GLM_RETRIES": "6"}
    loaded = load(environment, file, {"slots": 9, "retries": None})
    got = {name: (getattr(loaded.settings, name), loaded.sources[name]) for name in loaded.sources}
    assert got["slots"] == (9, "command line")
    assert got["retries"] == (6, "environment")
    assert got["max_rounds"] == (7, "file")
    assert got["threads"] == (0, "default")


def test_the_file_is_found_where_the_app_starts_or_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(tmp_path, 'model = "a.gguf"')
    other = tmp_path / "other.toml"
    other.write_text('model = "b.gguf"')
    monkeypatch.chdir(tmp_path)
    assert load({}).settings.model == "a.gguf"
    assert load({"GLM_SETTINGS": str(other)}).settings.model == "b.gguf"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("GLM_SLOTS", "many", "should be a whole number"),
        ("GLM_SLOTS", "2.5", "should be a whole number"),
        ("GLM_SLOTS", "9" * 5000, "should be a whole number"),
        ("GLM_SLOTS", "0", "should be greater than or equal to 1"),
        ("GLM_SLOTS", "1000", "should be less than or equal to 64"),
        ("GLM_IDLE_SECONDS", "soon", "should be a number"),
        ("GLM_IDLE_SECONDS", "nan", "should be less than or equal to 86400"),
        ("GLM_IDLE_SECONDS", "inf", "should be less than or equal to 86400"),
        ("GLM_IDLE_SECONDS", "-1", "should be greater than 0"),
        ("GLM_PROTOCOL", "GLM5", "should be 'auto', 'openai' or 'glm4'"),
    ],
)
def test_a_bad_value_is_one_sentence_and_the_default_holds(
    name: str, value: str, wanted: str, tmp_path: Path
) -> None:
    loaded = load({name: value}, toml(tmp_path, ""))
    assert loaded.settings == Settings()
    (problem,) = loaded.problems
    assert problem.startswith(name) and wanted in problem and problem.endswith("It is not used.")
    assert "\n" not in problem and len(problem) < 200
    problem.encode()


def test_where_a_bad_value_is_skipped_the_next_place_counts(tmp_path: Path) -> None:
    loaded = load({"GLM_SLOTS": "many"}, toml(tmp_path, "slots = 2"))
    assert (loaded.settings.slots, loaded.sources["slots"]) == (2, "file")
    assert len(loaded.problems) == 1


def test_empty_and_padded_values(tmp_path: Path) -> None:
    loaded = load({"GLM_SLOTS": "", "GLM_RETRIES": " 5 "}, toml(tmp_path, ""))
    assert loaded.settings.slots == 4 and loaded.sources["slots"] == "default"
    assert loaded.settings.retries == 5
    assert loaded.problems == ()


@pytest.mark.parametrize("text", ["api_key = 5", "api_key = ['" + SECRET + "']"])
def test_a_key_is_never_shown_even_when_it_is_wrong(text: str, tmp_path: Path) -> None:
    loaded = load({}, toml(tmp_path, text))
    assert loaded.settings.api_key == ""
    assert loaded.problems == ("api_key should be text. It is not used.",)


def test_a_key_is_hidden_on_the_page(tmp_path: Path) -> None:
    loaded = load({"GLM_API_KEY": SECRET}, toml(tmp_path, ""))
    assert loaded.settings.api_key == SECRET
    assert SECRET not in str(shown(loaded))
    row = next(row for row in shown(loaded) if row["Setting"] == "GLM_API_KEY")
    assert row["Value"] and row["From"] == "environment"


def test_a_file_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    loaded = load({"GLM_MODEL": "\udcff.gguf"}, toml(tmp_path, ""))
    assert loaded.settings.model == "\udcff.gguf"
    assert shown(loaded)[0]["Value"] == "?.gguf"


def test_every_setting_is_shown_with_value_source_and_meaning(tmp_path: Path) -> None:
    rows = shown(load({"GLM_SLOTS": "2"}, toml(tmp_path, "")))
    assert len(rows) == len(fields(Settings))
    assert all(row["Setting"].startswith("GLM_") and row["Meaning"] for row in rows)
    slots = next(row for row in rows if row["Setting"] == "GLM_SLOTS")
    assert (slots["Value"], slots["From"]) == ("2", "environment")


def test_unknown_names_in_the_file_are_told(tmp_path: Path) -> None:
    loaded = load({}, toml(tmp_path, "slot = 2\nslots = 3\n[model]\nname = 'x'\n"))
    assert loaded.settings.slots == 3
    assert "glm.toml has an unknown setting: slot." in loaded.problems
    assert any(problem.startswith("model ") for problem in loaded.problems)


@pytest.mark.parametrize(
    "text", ["slots = ", "slots = 1\nslots = 2", "\x00", b"\xff\xfe\x00", "= 3"]
)
def test_a_broken_file_is_one_sentence_without_its_folder(
    text: str | bytes, tmp_path: Path
) -> None:
    loaded = load({}, toml(tmp_path, text))
    (problem,) = loaded.problems
    assert loaded.settings == Settings()
    assert problem.startswith("The settings file glm.toml can't be read")
    assert str(tmp_path) not in problem and "\n" not in problem


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    for loaded in (
        load({}, tmp_path / "no.toml"),
        load({"GLM_SETTINGS": str(tmp_path / "no.toml")}),
    ):
        assert loaded.problems == ("The settings file no.toml is not there.",)
    assert len(load({}, tmp_path).problems) == 1  # a folder
