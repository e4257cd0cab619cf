"""Each conversation has its own model, of those that settings, a folder and endpoints offer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.agent.loop import TurnConfig
from app.core.history.history import person_key
from app.core.models.endpoints import Abilities, endpoint
from app.core.models.offers import DEFAULT
from app.core.service import Service
from app.core.settings import Loaded, Settings
from backends import bundled
from backends.errors import BackendError
from backends.messages import user
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Text
from tests.unit.core.test_session import at_rest


@pytest.fixture
def servers() -> Iterator[tuple[ScriptedServer, ScriptedServer]]:
    with ScriptedServer([Text("from one")]) as one, ScriptedServer([Text("from two")]) as two:
        yield one, two


@pytest.fixture
def service(tmp_path: Path, servers: tuple[ScriptedServer, ScriptedServer]) -> Iterator[Service]:
    settings = Settings(
        model=f"{servers[0].url}#scripted", data=str(tmp_path), api_key="sk-default"
    )
    service = Service(Loaded(settings, {}), history=True)
    service.endpoints.put(endpoint("Two", servers[1].url, "sk-two", ("scripted", "other")))
    yield service
    service.close()


TWO = "endpoint:Two#scripted"


def say(service: Service, visitor: str, id: str | None = None) -> str:
    session = service.sessions.open(visitor, "chat")
    if id is not None:
        session.choose_model(id)
    session.start_turn(user("hi"), TurnConfig())
    at_rest(session)
    return session.view().conversation.messages[-1].text


def test_each_visitor_has_their_own_model(
    service: Service, servers: tuple[ScriptedServer, ScriptedServer]
) -> None:
    assert say(service, "ann", TWO) == "from two"
    assert say(service, "bob") == "from one"
    assert say(service, "ann", DEFAULT) == "from one"
    assert servers[1].requests[0].headers["authorization"] == "Bearer sk-two"
    assert {each.headers["authorization"] for each in servers[0].requests} == {"Bearer sk-default"}


def test_the_model_is_kept_with_its_conversation_and_goes_on_to_the_next(
    service: Service, tmp_path: Path
) -> None:
    assert say(service, "ann", TWO) == "from two"
    old = service.sessions.open("ann", "chat").id
    assert service.sessions.renew("ann", "chat").chosen_model == TWO
    service.close()
    again = Service(service.loaded, history=True)
    assert again.sessions.open("ann", "chat", old).chosen_model == TWO
    assert again.sessions.open("bob", "chat").chosen_model == DEFAULT
    again.close()


def test_a_model_that_is_gone_gives_way_to_the_default(service: Service) -> None:
    assert say(service, "ann", TWO) == "from two"
    service.endpoints.remove("Two")
    assert say(service, "ann") == "from one"
    for unknown in ("endpoint:Two#nothing", "file:../../etc/passwd", "http://example.org/v1", "x"):
        assert service.models.host(unknown, "chat") is service.model


def test_a_changed_endpoint_is_opened_anew(service: Service) -> None:
    before = service.models.host(TWO, "chat")
    assert service.models.host(TWO, "tools") is before
    two = service.endpoints.get("Two")
    assert two is not None
    service.endpoints.put(replace(two, abilities={"scripted": Abilities(pictures=True)}))
    after = service.models.host(TWO, "vision")
    assert after is not before
    backend = after.wait()
    assert backend is not None and backend.capabilities.images == "several"


def test_files_of_the_folder_are_on_offer(service: Service, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    (folder / "small").mkdir()
    for name in (
        "b.gguf",
        "a.GGUF",
        "mmproj-b.gguf",
        "c-00001-of-00002.gguf",
        "c-00002-of-00002.gguf",
        "notes.txt",
        "small/config.json",
        "small/model.safetensors",
    ):
        (folder / name).write_bytes(b"GGUF")
    files = [offer for offer in service.models.offers.all() if offer.id.startswith("file:")]
    assert [each.name for each in files] == ["a.GGUF", "b.gguf", "c-00001-of-00002.gguf", "small"]
    assert [each.kind for each in files] == ["gguf", "gguf", "gguf", "weights"]
    service.models.admit("file:b.gguf")
    host = service.models.host("file:b.gguf", "chat")
    with pytest.raises(Exception, match=r"b\.gguf") as caught:
        host.wait()
    assert str(tmp_path) not in str(caught.value)
    service.models.unload("file:b.gguf")
    assert service.models.loaded("file:b.gguf") is None


def test_a_conversation_alone_loads_no_model_here(service: Service, tmp_path: Path) -> None:
    """Its choices may be imported; who may load a model says so."""
    (tmp_path / "models" / "big.gguf").write_bytes(b"GGUF")
    session = service.sessions.open("stranger", "chat")
    for id in ("file:big.gguf", "bundled"):
        session.choose_model(id)
        assert session.model is service.model
        assert service.models.settings(id).model == service.settings.model
        assert service.models.loaded(id) is None
    service.models.admit("file:big.gguf")
    assert session.choices["model"] == "bundled" and session.model is service.model
    session.choose_model("file:big.gguf")
    assert session.model is service.models.loaded("file:big.gguf")
    service.models.unload("file:big.gguf")
    assert session.model is service.model


def test_a_file_cut_short_is_told_in_a_sentence_and_the_conversation_goes_on(
    service: Service, tmp_path: Path
) -> None:
    whole = bundled.model_file().read_bytes()
    (tmp_path / "models" / "cut.gguf").write_bytes(whole[:500_000])
    service.models.admit("file:cut.gguf")
    session = service.sessions.open("ann", "chat")
    session.choose_model("file:cut.gguf")
    with pytest.raises(BackendError, match=r"cut\.gguf") as caught:
        session.model.wait()
    assert str(tmp_path) not in str(caught.value)
    assert say(service, "ann", DEFAULT) == "from one"


@pytest.mark.parametrize(
    ("config", "base"),
    [
        ('{"base_model_name_or_path": "zai-org/GLM-4-9B-0414"}', "zai-org/GLM-4-9B-0414"),
        ('{"base_model_name_or_path": "http://169.254.169.254/v1"}', None),
        ('{"base_model_name_or_path": "bundled"}', None),
        ('{"base_model_name_or_path": 7}', None),
        ("[]", None),
        ("{", None),
        ("[" * 99_999, None),
    ],
)
def test_adapters_are_on_offer_with_the_model_that_they_were_trained_on(
    service: Service, tmp_path: Path, config: str, base: str | None
) -> None:
    folder = tmp_path / "models" / "tuned"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(config)
    found = service.models.offers.find("file:tuned")
    assert (found and found.where) == base
    if found is not None:
        settings = service.models.offers.settings(found)
        assert (settings.model, settings.adapter) == (base, str(folder))
        assert str(tmp_path) not in found.source + found.name


def test_a_gguf_adapter_is_no_model(service: Service, tmp_path: Path) -> None:
    adapter = bundled.adapter_file()
    assert adapter is not None
    shutil.copy(adapter, tmp_path / "models" / "tools.gguf")
    (tmp_path / "models" / "model.gguf").symlink_to(bundled.model_file())
    files = [each.id for each in service.models.offers.all() if each.id.startswith("file:")]
    assert files == ["file:model.gguf"]


def test_what_a_connected_server_lacks_is_told_without_the_settings(
    service: Service, servers: tuple[ScriptedServer, ScriptedServer]
) -> None:
    servers[1].stop()
    assert say(service, "ann", TWO) == ""
    error = service.sessions.open("ann", "chat").view().conversation.messages[-1].error or ""
    assert "does not answer" in error and "Check its address on the page Models" in error
    assert "GLM_" not in error and "GLM_" not in (service.models.host(TWO, "chat").error or "GLM_")


def test_the_folder_is_not_read_with_every_run_of_a_page(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names() -> list[str]:
        return [each.id for each in service.models.offers.all() if each.id.startswith("file:")]

    monkeypatch.setattr("app.core.models.offers.LISTED_S", 3600.0)
    assert names() == []
    (tmp_path / "models" / "new.gguf").write_bytes(b"GGUF")
    assert names() == []
    monkeypatch.setattr("app.core.models.offers.LISTED_S", -1.0)
    assert names() == ["file:new.gguf"]


def test_a_choice_alone_puts_no_conversation_into_the_list(service: Service) -> None:
    session = service.sessions.open("ann", "chat")
    session.choose_model(TWO)
    history = service.history
    assert history is not None
    assert history.catalog.listed(person_key("ann")) == []
    assert say(service, "ann") == "from two"
    assert len(history.catalog.listed(person_key("ann"))) == 1
