"""One setting to one model: what `GLM_MODEL` may say, and what becomes of models that fail."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.models.host import ModelHost
from app.core.models.selection import ModelChoice, find_choice, open_backend, parse_choice
from app.core.modes import defaults
from app.core.settings import Settings
from backends import bundled
from backends.base import Backend, GenerationConfig
from backends.errors import ModelUnavailable, RequestRefused, ServerUnreachable
from backends.events import TextDelta
from backends.messages import user
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_server import Text as Say
from tests.support.scripted_steps import Status


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("", ModelChoice("bundled")),
        (" bundled ", ModelChoice("bundled")),
        ("model.gguf", ModelChoice("gguf", "model.gguf")),
        ("/models/Model.GGUF", ModelChoice("gguf", "/models/Model.GGUF")),
        ("THUDM/glm-edge-1.5b-chat-gguf", ModelChoice("gguf", "THUDM/glm-edge-1.5b-chat-gguf")),
        (
            "owner/name-GGUF/file-Q4_K_M.gguf",
            ModelChoice("gguf", "owner/name-GGUF/file-Q4_K_M.gguf"),
        ),
        ("THUDM/glm-4-9b-chat-hf", ModelChoice("weights", "THUDM/glm-4-9b-chat-hf")),
        ("http://host:8000/v1", ModelChoice("server", "http://host:8000/v1")),
        ("HTTPS://host/v1/#glm-4", ModelChoice("server", "HTTPS://host/v1", "glm-4")),
        ("http://host/v1#", ModelChoice("server", "http://host/v1")),
        ("http://host/v1#org/name.gguf", ModelChoice("server", "http://host/v1", "org/name.gguf")),
    ],
)
def test_the_forms_of_a_model(text: str, choice: ModelChoice) -> None:
    assert parse_choice(text) == choice


@pytest.mark.parametrize("text", ["bundled", "", " bundled "])
def test_the_small_model_is_known_before_it_is_loaded(text: str) -> None:
    assert parse_choice(text).profile == "small"
    assert defaults("documents", Settings(model=text)).generation.temperature == 0.0
    assert defaults("chat", Settings(model=text)).generation.repetition_penalty > 1.0


@pytest.mark.parametrize("text", ["model.gguf", "owner/name", "http://host/v1#bundled", "gpt"])
def test_all_others_are_not_small(text: str) -> None:
    choice = find_choice(text)
    assert choice is None or choice.profile == "standard"
    assert defaults("chat", Settings(model=text)).generation == GenerationConfig()


@pytest.mark.parametrize(
    "text",
    ["gpt", "/no/such/folder", "ftp://host/v1", "a b/c", "a/b/c", "x" * 5000, "\x00", "bundled2"],
)
def test_what_names_no_model(text: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"^GLM_MODEL names no model\. Use bundled"):
        parse_choice(text)


def test_a_folder_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    assert parse_choice(str(tmp_path)).kind == "weights"
    with pytest.raises(ModelUnavailable, match="is a folder without a model") as caught:
        open_backend(Settings(model=str(tmp_path)))
    assert str(tmp_path.parent) not in str(caught.value)


def test_a_folder_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert parse_choice("~/a/b").kind == "weights"


def cut_short(path: Path) -> None:
    with bundled.model_file().open("rb") as whole:
        path.write_bytes(whole.read(3_000_000))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "There is no model file model.gguf"),
        (lambda path: path.mkdir(), "There is no model file model.gguf"),
        (lambda path: path.write_bytes(b""), "model.gguf is not a GGUF file"),
        (lambda path: path.write_bytes(b"PK\x03\x04 a zip"), "model.gguf is not a GGUF file"),
        (
            lambda path: path.write_bytes(b"GGUF"),
            "model.gguf can't be loaded: the file is cut short",
        ),
        (lambda path: path.write_bytes(b"GGUF" + bytes(5000)), "model.gguf can't be loaded"),
        (cut_short, "model.gguf can't be loaded: the file is cut short"),
    ],
)
def test_a_bad_model_file_is_one_sentence(
    make: Callable[[Path], object], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    make(path)
    with pytest.raises(ModelUnavailable) as caught:
        open_backend(Settings(model=str(path)))
    assert str(caught.value).startswith(told)
    assert str(tmp_path) not in str(caught.value) and "\n" not in str(caught.value)


def test_a_path_that_is_too_long_is_missing_like_any_other() -> None:
    with pytest.raises(ModelUnavailable, match="There is no model file"):
        open_backend(Settings(model=f"/{'x' * 5000}.gguf"))


def test_an_address_becomes_a_server_with_its_settings() -> None:
    with ScriptedServer([Say("hello")]) as server:
        settings = Settings(model=f"{server.url}#some-model", api_key="sk-1", context=1234)
        backend = open_backend(settings)
        assert isinstance(backend, OpenAIBackend)
        assert backend.capabilities.context == 1234
        events = list(backend.generate([user("hi")], (), GenerationConfig(), threading.Event()))
        backend.close()
    assert TextDelta("hello") in events
    (request,) = server.requests
    assert request.body["model"] == "some-model"
    assert request.headers["authorization"] == "Bearer sk-1"


def test_an_address_that_is_none() -> None:
    with pytest.raises(ModelUnavailable, match="address is not valid"):
        open_backend(Settings(model="http://"))


class Opener:
    """Gives what it is told to, and holds each opening until it may go on."""

    def __init__(self, *outcomes: Backend | Exception) -> None:
        self.outcomes, self.opened = list(outcomes), 0
        self.go = threading.Event()

    def __call__(self) -> Backend:
        self.opened += 1
        assert self.go.wait(10)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer([[Say("here")]]) as server:
        yield server


@pytest.fixture
def backend(server: ScriptedServer) -> Iterator[Backend]:
    backend = OpenAIBackend(server.url, "m", None, retries=0)
    yield backend
    backend.close()


def answer(backend: Backend) -> str:
    events = backend.generate((user("hi"),), (), GenerationConfig(), threading.Event())
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_a_model_is_loaded_once_for_all_who_wait(backend: Backend) -> None:
    opener = Opener(backend)
    host = ModelHost(opener)
    assert host.state == "idle" and host.backend is None
    got: list[Backend | None] = []
    waiting = [threading.Thread(target=lambda: got.append(host.wait())) for _ in range(5)]
    for thread in waiting:
        thread.start()
    opener.go.set()
    for thread in waiting:
        thread.join(10)
    assert got == [host.backend] * 5 and opener.opened == 1
    assert (host.state, host.error) == ("ready", None)


def test_stop_while_the_model_loads(backend: Backend) -> None:
    opener = Opener(backend)
    host, cancel = ModelHost(opener), threading.Event()
    host.start()
    cancel.set()
    assert host.wait(cancel) is None and host.state == "loading"
    opener.go.set()
    assert host.wait() is host.backend is not None


def test_a_server_is_ready_once_it_has_answered_and_fails_when_it_is_gone(
    server: ScriptedServer, backend: Backend
) -> None:
    opener = Opener(backend)
    opener.go.set()
    host = ModelHost(opener)
    found = host.wait()
    assert found is not None and answer(found) == "here"
    assert (host.state, len(server.others)) == ("ready", 1)
    server.stop()
    with pytest.raises(ServerUnreachable):
        answer(found)
    assert host.state == "failed" and host.backend is None
    assert "does not answer" in (host.error or "")
    with pytest.raises(ServerUnreachable):
        host.wait()
    with ScriptedServer([[Say("again")]], port=server.port):
        found = host.wait()
        assert found is not None and answer(found) == "again"
    assert opener.opened == 1 and host.error is None


def test_a_server_that_stops_turns_the_state_while_somebody_looks_and_back(
    server: ScriptedServer, backend: Backend
) -> None:
    opener = Opener(backend)
    opener.go.set()
    host = ModelHost(opener)
    assert host.wait() is not None and host.remote

    def seen(state: str) -> bool:
        for _ in range(600):
            if host.state == state:
                return True
            host.ask_again(0.05)
            threading.Event().wait(0.05)
        return False

    server.stop()
    assert seen("failed")
    assert "does not answer" in (host.error or "") and host.backend is None
    with ScriptedServer([[Say("again")]], port=server.port):
        assert seen("ready")
        assert host.error is None and host.backend is not None
    assert opener.opened == 1
    host.close()


def test_a_server_is_not_asked_more_often_than_the_interval(
    server: ScriptedServer, backend: Backend
) -> None:
    opener = Opener(backend)
    opener.go.set()
    host = ModelHost(opener)
    host.wait()
    for _ in range(20):
        host.ask_again(3600)
    server.stop()
    assert (host.state, len(server.others)) == ("ready", 1)


def test_a_server_that_refuses_the_key_is_not_ready() -> None:
    with ScriptedServer([], models=Status(401, {"error": {"message": "bad key"}})) as server:
        host = ModelHost(lambda: OpenAIBackend(server.url, "m", "sk-1234567"))
        with pytest.raises(RequestRefused, match="bad key"):
            host.wait()
        assert host.state == "failed"


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_without_a_list_has_answered(status: int) -> None:
    with ScriptedServer([], models=Status(status, {})) as server:
        host = ModelHost(lambda: OpenAIBackend(server.url, "m", None))
        assert host.wait() is not None and host.state == "ready"
        host.close()


def test_a_model_that_failed_is_tried_again_when_asked(backend: Backend) -> None:
    opener = Opener(ModelUnavailable("No such model."), backend)
    opener.go.set()
    host = ModelHost(opener)
    with pytest.raises(ModelUnavailable, match="No such model"):
        host.wait()
    assert (host.state, host.error, host.backend) == ("failed", "No such model.", None)
    assert host.wait() is host.backend is not None
    assert (host.state, host.error) == ("ready", None)


def test_a_fault_of_our_own_while_loading_is_one_sentence(backend: Backend) -> None:
    opener = Opener(OSError("/secret/path is broken"), backend)
    opener.go.set()
    host = ModelHost(opener)
    with pytest.raises(ModelUnavailable) as caught:
        host.wait()
    assert str(caught.value) == "The model could not be loaded; the log says why."
    assert "secret" not in "".join(traceback.format_exception_only(caught.value))
