"""The settings as fields: all of them, in groups, without a key, and what the file can't change."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from app.core.configuration.fields import form_fields
from app.core.configuration.groups import GROUPS, effect_of
from app.core.service import Service
from app.core.settings import Loaded, Settings, load

KEY = "sk-0123456789-secret"


def test_every_setting_is_in_one_group() -> None:
    grouped = [name for group in GROUPS for name in group.names]
    assert sorted(grouped) == sorted(item.name for item in fields(Settings))


def test_a_field_has_its_source_its_default_and_when_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "glm.toml"
    file.write_text(f'slots = 2\napi_key = "{KEY}"\nmodel = "http://ann:{KEY}@host/v1"\n')
    loaded = load({"GLM_TURNS": "5"}, file)
    rows = form_fields(loaded, loaded)
    slots, turns, rounds = rows["slots"], rows["turns"], rows["max_rounds"]
    assert (slots.text, slots.default, slots.source, slots.fixed) == ("2", "4", "file", False)
    assert (turns.text, turns.source, turns.fixed) == ("5", "environment", True)
    assert (rounds.source, rounds.effect) == ("default", "now")
    assert rows["api_key"].has_value and rows["protocol"].choices == ("auto", "openai", "glm4")
    assert KEY not in str(rows)


def test_settings_hold_at_once_or_after_a_restart(tmp_path: Path) -> None:
    start = Loaded(Settings(data=str(tmp_path)), {})
    service = Service(start, history=True)
    try:
        file = tmp_path / "glm.toml"
        file.write_text(
            'max_rounds = 7\nslots = 9\npages = 9\nlimit_messages_day = 3\nsearch = "brave"\n'
        )
        model = service.model
        session = service.sessions.open("ann", "chat")
        before = service.browsing
        written = load({}, file)
        service.apply(written)
        assert service.settings.max_rounds == 7
        assert service.settings.pages == Settings().pages
        assert service.settings.data == str(tmp_path)
        assert service.meter is not None and service.meter.limits.person.messages_day == 3
        assert service.browsing is not before and service.sessions.open("ann", "chat") is session
        rows = form_fields(written, service.loaded)
        assert rows["pages"].waits and not rows["max_rounds"].waits
        assert (effect_of("pages"), effect_of("slots")) == ("restart", "model")
        assert service.model is not model and session.model is service.model
        assert service.vision is service.model
    finally:
        service.close()
