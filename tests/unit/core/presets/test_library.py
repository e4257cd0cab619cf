"""Presets and prompts in both databases: each person's own, until they are deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.history.history import History, person_key
from app.core.people.accounts import of_header
from app.core.presets.library import MAX_SAVED, Library
from app.core.presets.saved import NotTaken, Preset, SavedPrompt
from app.core.service import Service
from app.core.settings import Loaded, Settings
from tests.unit.core.history.conftest import Open

LETTER = SavedPrompt("Letter", "Write to {{who}} about {{ what }}. Dear {{who}}!")
SHORT = Preset("Short", "Be brief.", {"temperature": 0.1, "thinking": "off"}, ("python",))


def test_what_is_saved_is_there_for_its_person_in_every_process(opened: Open) -> None:
    one, other = Library(opened().database), Library(opened().database)
    one.save("ann", SHORT)
    one.save("ann", LETTER)
    one.save("ann", Preset("another"))
    assert other.presets("ann") == [Preset("another"), SHORT]
    assert other.prompts("ann") == [LETTER]
    assert other.presets("bob") == [] and other.prompts("bob") == []
    other.save("ann", Preset("Short", "At length."))
    assert one.presets("ann")[1] == Preset("Short", "At length.")
    one.delete("bob", "preset", "Short")
    one.delete("ann", "preset", "another")
    assert [each.name for each in other.presets("ann")] == ["Short"]
    other.forget("ann")
    assert one.presets("ann") == [] and one.prompts("ann") == []


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (Preset("  "), "Give it a name."),
        (Preset("x" * 61), "A name has at most 60 characters."),
        (SavedPrompt("empty", " \n"), "Write the text of the prompt."),
        (SavedPrompt("long", "x" * 100_001), "A saved text has at most 100,000 characters."),
    ],
)
def test_what_can_not_be_saved_is_one_sentence(
    history: History,
    item: Preset | SavedPrompt,
    sentence: str,
) -> None:
    with pytest.raises(NotTaken) as caught:
        Library(history.database).save("ann", item)
    assert str(caught.value) == sentence


def test_odd_characters_are_kept_as_a_database_takes_them(history: History) -> None:
    library = Library(history.database)
    library.save("ann", SavedPrompt(" a\0\n\ud800b 中 ", "x\0\ud800y 😀"))
    (prompt,) = library.prompts("ann")
    assert "\0" not in prompt.name + prompt.text and prompt.text.endswith("y 😀")


def test_no_more_than_so_many(tmp_path: Path) -> None:
    library = Library(History.in_memory(tmp_path).database)
    for at in range(MAX_SAVED):
        library.save("ann", Preset(str(at)))
    with pytest.raises(NotTaken, match="Delete one first"):
        library.save("ann", Preset("one more"))
    library.save("ann", Preset("7", "changed"))
    library.save("bob", Preset("one more"))


def test_fields_are_filled() -> None:
    assert LETTER.fields == ("who", "what")
    assert LETTER.filled({"who": "{{what}} & Bob", "what": "tea"}) == (
        "Write to {{what}} & Bob about tea. Dear {{what}} & Bob!"
    )
    assert SavedPrompt("", "{{}} {{a\nb}} {x} {{{{y}}}}").fields == ("y",)


def test_a_stored_preset_of_another_version_does_no_harm() -> None:
    body = {"system": 5, "values": {"temperature": "hot", "seed": 3}, "off": ["a", 7], "x": 1}
    assert Preset.from_json("p", body) == Preset("p", None, {"seed": 3}, ("a",))


def test_an_account_takes_over_what_the_browser_has_and_all_of_it_can_be_deleted(
    tmp_path: Path,
) -> None:
    service = Service(Loaded(Settings(data=str(tmp_path)), {}), history=True)
    try:
        library, linking, ann = service.library, service.linking, of_header("ann")
        assert library is not None and linking is not None
        library.save(person_key("browser"), SHORT)
        library.save(person_key("browser"), LETTER)
        library.save(person_key(ann.id), Preset("Short", "Ann's"))
        linking.meet(ann, "browser")
        assert library.presets(person_key(ann.id)) == [Preset("Short", "Ann's")]
        assert library.prompts(person_key(ann.id)) == [LETTER]
        assert library.presets(person_key("browser")) == []
        library.save(person_key("bob"), SHORT)
        service.forget(ann.id)
        assert library.presets(person_key(ann.id)) == library.prompts(person_key(ann.id)) == []
        assert library.presets(person_key("bob")) == [SHORT]
    finally:
        service.close()
