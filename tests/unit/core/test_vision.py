"""Pictures in a conversation: what a model is sent of them, read or unread, seen or not, and the
back door's way in."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from app.core.agent.context import MAX_FIGURES, with_visible_images
from app.core.agent.events import TurnFinished
from app.core.agent.loop import Turn, TurnConfig, run_turn
from app.core.attachments import Upload
from app.core.attachments.image_text import read_pictures, unread
from app.core.attachments.images import keep_pictures, original, pictures_folder
from app.core.attachments.uploads import user_message
from app.core.conversation import Conversation
from app.core.doctor import check_drawing, check_vision
from app.core.models.host import ModelHost
from app.core.models.selection import open_backend, open_vision
from app.core.modes import defaults, model_settings
from app.core.service import Service
from app.core.sessions.session import Session, View
from app.core.settings import Loaded, Settings
from backends.base import Backend, Capabilities, Images
from backends.errors import ModelUnavailable, RequestRefused
from backends.messages import Document, Message, Picture, Text, user
from backends.openai_api.backend import OpenAIBackend
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Script, Status, ToolCall
from tests.support.scripted_steps import Text as Say
from tools.base import Attachment
from tools.base import ToolCall as Call
from tools.base import ToolResult as Result
from tools.registry import Registry

ROOT = Path(__file__).resolve().parents[3]
HANG = 60.0
"""Seconds after which a test gives up; nothing is measured by it."""
RED, BLUE = (255, 0, 0), (0, 0, 255)


def png(color: tuple[int, int, int] = RED, words: str = "") -> bytes:
    image = Image.new("RGB", (900, 200) if words else (60, 40), "white" if words else color)
    if words:
        ImageDraw.Draw(image).text((40, 60), words, "black", ImageFont.load_default(48))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def colour(url: str) -> tuple[int, ...]:
    """The colour of a picture that a server was sent."""
    head, _, data = url.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        pixel = image.convert("RGB").getpixel((5, 5))
    assert isinstance(pixel, tuple)
    return pixel


class Eyes:
    """A backend of which only what it sees is asked."""

    name = "Eyes"

    def __init__(self, images: Images) -> None:
        self.capabilities = Capabilities(images=images)


def seen(messages: list[Message], images: Images, folder: Path) -> list[Message]:
    eyes: Any = Eyes(images)
    return list(with_visible_images(messages, eyes, folder))


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Picture, ...]:
    given = [Upload("red.png", png()), Upload("blue.png", png(BLUE))]
    return keep_pictures(given, tmp_path / "session")


# What goes into the prompt


def test_a_model_that_sees_several_is_sent_all(
    pictures: tuple[Picture, ...], tmp_path: Path
) -> None:
    messages = [user_message("one", pictures[:1]), user("and?"), user_message("two", pictures)]
    assert seen(messages, "several", tmp_path) == messages


def test_a_model_that_sees_one_is_sent_the_last(
    pictures: tuple[Picture, ...], tmp_path: Path
) -> None:
    messages = [user_message("one", pictures), user_message("two", pictures[:1]), user("and?")]
    first, second, third = seen(messages, "one", tmp_path)
    assert first.text == (
        "[picture red.png: not shown to you]\n[picture blue.png: not shown to you]\none"
    )
    assert first.pictures == () and second.pictures == pictures[:1] and third == user("and?")


def test_a_text_model_is_not_asked_about_a_picture(
    pictures: tuple[Picture, ...], tmp_path: Path
) -> None:
    with pytest.raises(RequestRefused) as told:
        seen([user_message("What is it?", pictures[:1])], "none", tmp_path)
    sentence = str(told.value)
    assert sentence.startswith("Eyes can't see pictures. ")
    assert "GLM_VISION_MODEL" in sentence and "GLM_MODEL" in sentence.replace("GLM_VISION", "")


def test_a_picture_in_the_history_is_left_out_of_a_text_models_prompt_with_a_note(
    pictures: tuple[Picture, ...], tmp_path: Path
) -> None:
    asked = user_message("What is it?", pictures[:1])
    messages = [asked, Message("assistant", (Text("Red."),)), user("And the sky?")]
    noted = seen(messages, "none", tmp_path)
    assert noted[0].prompt == "[picture red.png: not shown to you]\nWhat is it?"
    assert noted[1:] == messages[1:] and messages[0] == asked


def test_the_words_that_were_read_are_quoted(pictures: tuple[Picture, ...], tmp_path: Path) -> None:
    one, two = replace(pictures[0], words="Total\n\n12.75"), replace(pictures[1], words=" ")
    (message,) = seen([user_message("How much?", (one, two))], "none", tmp_path)
    assert message.prompt == (
        "[picture red.png: not shown to you. The text in it:]\n> Total\n> \n> 12.75\n\n"
        "[picture blue.png: not shown to you; no text was found in it]\nHow much?"
    )


# Figures that tools drew


def drawn(folder: Path, *names: str) -> Message:
    attachments = []
    for name in names:
        path = folder.resolve() / name
        path.write_bytes(png())
        attachments.append(Attachment(name, "image/png", path))
    return Message("tool", result=Result("1", "python", "[figure]", None, tuple(attachments)))


def test_a_figure_can_be_asked_about(tmp_path: Path) -> None:
    call = Message("assistant", calls=(Call("1", "python", "{}"),))
    talk = [user("plot"), call, drawn(tmp_path, "a.png", "b.png"), Message("assistant")]
    asked = [*talk, user("What does it show?")]
    last = seen(asked, "several", tmp_path)[-1]
    kinds = [part.text if isinstance(part, Text) else part.name for part in last.parts]
    assert kinds == ["[a.png, made above]\n", "a.png", "[b.png, made above]\n", "b.png",
                     "What does it show?"]  # fmt: skip
    # Kept out of reach of the code that made them, once for all questions.
    assert {p.path.parent for p in last.pictures} == {pictures_folder(tmp_path.resolve())}
    again = seen([*asked, Message("assistant"), user("And?")], "several", tmp_path)
    assert again[-2] == Message("assistant") and again[4] == last and again[-1] == user("And?")
    # A model that sees none is sent none, and while a turn runs nothing is put into it.
    assert seen(asked, "none", tmp_path) == asked
    assert seen(talk, "several", tmp_path) == talk


def test_the_newest_figures_alone_and_none_that_is_gone(tmp_path: Path) -> None:
    made = drawn(tmp_path, *(f"{at}.png" for at in range(MAX_FIGURES + 2)))
    (tmp_path / "5.png").unlink()
    (tmp_path / "4.png").unlink()
    (tmp_path / "4.png").symlink_to("/etc/passwd")
    hidden = Attachment("page.png", "image/png", tmp_path / ".browser" / "page.png")
    browsed = Message("tool", result=Result("1", "search", "", None, (hidden,)))
    last = seen([made, browsed, user("?")], "several", tmp_path)[-1]
    assert [picture.name for picture in last.pictures] == ["2.png", "3.png"]


# Over the loop, to a server


class Talk:
    """A scripted server behind a turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._close: list[Callable[[], None]] = []

    def serve(self, script: Script, **options: Any) -> Backend:
        self.server = ScriptedServer(script).start()
        backend = OpenAIBackend(self.server.url, "scripted", None, retries=0, **options)
        self._close += [backend.close, self.server.stop]
        return backend

    def session(self, backend: Backend) -> Session:
        host = ModelHost(lambda: backend)
        host.wait()
        session = Session(self.folder / "session", Registry(()), host)
        self._close.insert(0, session.close)
        return session

    def close(self) -> None:
        for close in self._close:
            close()


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    talk = Talk(tmp_path)
    yield talk
    talk.close()


def ended(session: Session) -> View:
    timer = threading.Event()
    threading.Timer(HANG, timer.set).start()
    while (view := session.view()).live is not None:
        assert not timer.is_set(), f"waited in vain, and saw {view}"
        session.wait(view.version, 1)
    return view


def turn(talk: Talk, backend: Backend, conversation: Conversation) -> TurnFinished:
    events = list(
        run_turn(
            Turn(conversation, Registry(()), TurnConfig(), threading.Event(), talk.folder), backend
        )
    )
    assert isinstance(events[-1], TurnFinished)
    return events[-1]


def test_pictures_go_to_a_server_that_sees(talk: Talk, pictures: tuple[Picture, ...]) -> None:
    backend = talk.serve([Say("Red and blue.")], sees=True)
    assert backend.capabilities.images == "several"
    assert turn(talk, backend, Conversation((user_message("Colours?", pictures),))).reason == "stop"
    first, second, text = talk.server.requests[0].body["messages"][-1]["content"]
    assert colour(first["image_url"]["url"]) == RED and colour(second["image_url"]["url"]) == BLUE
    assert text == {"type": "text", "text": "Colours?"}


def test_a_server_that_refuses_pictures_is_quoted(
    talk: Talk, pictures: tuple[Picture, ...]
) -> None:
    refusal = {"error": {"message": "scripted is not a multimodal model"}}
    backend = talk.serve([Status(400, refusal)], sees=True)
    end = turn(talk, backend, Conversation((user_message("What?", pictures),)))
    assert end.reason == "error" and "scripted is not a multimodal model" in str(end.error)


def test_a_server_of_a_text_model_is_not_asked(talk: Talk, pictures: tuple[Picture, ...]) -> None:
    backend = talk.serve([Say("I see.")])
    conversation = Conversation((user_message("What?", pictures),))
    end = turn(talk, backend, conversation)
    assert end.reason == "error" and "can't see pictures" in str(end.error)
    assert talk.server.requests == []
    conversation = conversation.append(Message("assistant", (Text("Red."),)), user("And?"))
    assert turn(talk, backend, conversation).reason == "stop"
    sent = talk.server.requests[0].body["messages"]
    assert "image_url" not in json.dumps(sent) and "red.png: not shown" in sent[0]["content"]


@pytest.mark.parametrize(
    ("model", "models", "images"),
    [
        ("GLM-4.1V-9B-Thinking", [], "several"),
        ("THUDM/glm-4v-9b", [], "one"),
        ("Qwen2.5-VL-7B-Instruct", [], "several"),
        ("GLM-4-9B-0414", [], "none"),
        ("supervisor-7b-vllm", [], "none"),
        (
            "own",
            [{"id": "own", "architecture": {"input_modalities": ["text", "image"]}}],
            "several",
        ),
        ("own", [{"id": "own", "capabilities": {"vision": True}}], "several"),
        ("own", [{"id": "own", "capabilities": ["completion"]}], "none"),
        (None, [{"id": "glm-4.5v"}], "several"),
    ],
)
def test_what_a_servers_model_sees(model: str | None, models: list[Any], images: str) -> None:
    with ScriptedServer(models=models) as server:
        backend = OpenAIBackend(server.url, model, None)
        assert backend.capabilities.images == images
        backend.close()


# The settings


def test_the_vision_model_is_one_of_its_own(talk: Talk, tmp_path: Path) -> None:
    talk.serve([Say("x")])
    address = f"{talk.server.url}#scripted"
    base = Settings(data=str(tmp_path), image_model="nonsense")
    both = Service(Loaded(replace(base, model=address), {}))
    assert both.vision is both.model and model_settings("vision", both.settings) is both.settings
    assert any("GLM_IMAGE_MODEL names nothing" in problem for problem in both.problems)
    assert check_drawing(both).state == "warning"

    own = Service(
        Loaded(replace(base, image_model=talk.server.url, vision_model=address, api_key="k"), {})
    )
    seeing = model_settings("vision", own.settings)
    assert (seeing.model, seeing.api_key) == (address, "k")
    assert model_settings("vision", replace(own.settings, vision_key="v")).api_key == "v"
    assert model_settings("tools", own.settings).model == "bundled"
    assert own.vision is not own.model and own.model_for("vision") is own.vision
    assert own.vision.images == "none"
    own.vision.wait()
    assert own.vision.images == "several" and own.model.state == "idle"
    assert check_vision(own).sentence.startswith("scripted at ")
    assert check_drawing(own).sentence == "cogview is offered in Tools."
    for service in (both, own):
        service.close()


def test_the_same_address_for_both_is_one_model_that_sees(talk: Talk, tmp_path: Path) -> None:
    talk.serve([Say("x")])
    address = f"{talk.server.url}#scripted"
    settings = Settings(data=str(tmp_path), model=address, vision_model=address)
    service = Service(Loaded(settings, {}))
    assert service.vision is service.model
    backend = open_backend(settings)
    assert backend.capabilities.images == "several"
    backend.close()
    service.close()


def test_a_wrong_vision_model_is_named_by_its_setting(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path), vision_model="nonsense")
    service = Service(Loaded(settings, {}))
    with pytest.raises(ModelUnavailable, match="GLM_VISION_MODEL names no model"):
        service.vision.wait()
    check = check_vision(service)
    assert check.state == "fail" and "GLM_VISION_MODEL" in check.sentence
    with pytest.raises(
        ModelUnavailable, match=r"There is no model file x\.gguf\. Check GLM_VISION"
    ):
        open_vision(model_settings("vision", replace(settings, vision_model="/x.gguf")))
    assert defaults("vision", settings).generation.repetition_penalty == 1.0
    assert defaults("vision", Settings()).generation.repetition_penalty > 1.0
    service.close()


# The text in a picture


def test_the_text_is_read_and_sent_quoted(talk: Talk) -> None:
    session = talk.session(talk.serve([Say("It says so.")]))
    given = [Upload("note.png", png(words="Invoice 2024")), Upload("sky.png", png(BLUE))]
    session.start_turn(
        user_message("What number?", keep_pictures(given, session.workspace)), TurnConfig()
    )
    view = ended(session)
    assert view.ended and view.ended.reason == "error" and not talk.server.requests
    asked = view.conversation.messages[0]
    assert unread(asked)

    session.retry(TurnConfig(), read_pictures)
    view = ended(session)
    question, answer = view.conversation.messages
    assert [picture.words for picture in question.pictures] == ["Invoice 2024", ""]
    assert question.id != asked.id, "the history would keep the one that was stored"
    assert not unread(question) and answer.text == "It says so."
    assert talk.server.requests[0].body["messages"][-1]["content"] == (
        "[picture note.png: not shown to you. The text in it:]\n> Invoice 2024\n\n"
        "[picture sky.png: not shown to you; no text was found in it]\nWhat number?"
    )


def test_stop_is_heard_while_a_picture_is_read(talk: Talk) -> None:
    session = talk.session(talk.serve([Say("never")]))
    kept = keep_pictures([Upload("note.png", png(words="Invoice"))], session.workspace)
    session.start_turn(user_message("What?", kept), TurnConfig())
    ended(session)
    session.retry(TurnConfig(), read_pictures)
    session.stop()
    view = ended(session)
    assert view.ended and view.ended.reason == "cancelled" and not talk.server.requests
    assert unread(view.conversation.messages[0])


def test_a_picture_that_is_gone_is_said_in_a_sentence(talk: Talk) -> None:
    session = talk.session(talk.serve([Say("never")]))
    (picture,) = keep_pictures([Upload("note.png", png(words="Invoice"))], session.workspace)
    picture.path.unlink()
    original(picture).unlink()
    session.start_turn(user_message("What?", (picture,)), TurnConfig())
    ended(session)
    session.retry(TurnConfig(), read_pictures)
    view = ended(session)
    last = view.conversation.messages[-1]
    assert last.finish == "error" and last.error == "The text in note.png could not be read."


def test_the_pictures_go_with_the_session(talk: Talk) -> None:
    session = talk.session(talk.serve([Say("x")]))
    keep_pictures([Upload("note.png", png())], session.workspace)
    folder = pictures_folder(session.workspace)
    assert folder.is_dir()
    session.close()
    assert not folder.exists()


# The back door


@pytest.fixture
def door(tmp_path: Path) -> Callable[..., tuple[int, list[dict[str, Any]]]]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GLM_")}
    own = {"GLM_DATA": str(tmp_path / "data"), "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def run(*arguments: str, **settings: str) -> tuple[int, list[dict[str, Any]]]:
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "ask", "--json", *arguments],
            cwd=tmp_path, env=kept | own | settings, capture_output=True, text=True, timeout=170,
        )  # fmt: skip
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    return run


Door = Callable[..., tuple[int, list[dict[str, Any]]]]


def test_ask_about_a_picture_in_a_terminal(talk: Talk, door: Door, tmp_path: Path) -> None:
    talk.serve([Say("Red.")])
    (tmp_path / "red.png").write_bytes(png())
    address = f"{talk.server.url}#scripted"
    asked = ("--mode", "vision", "--model", address, "--image", "red.png")
    code, lines = door(*asked, "Which colour?")
    assert code == 0 and lines[0] == {"type": "text", "text": "Red."}
    picture, text = talk.server.requests[0].body["messages"][-1]["content"]
    assert colour(picture["image_url"]["url"]) == RED and text["text"] == "Which colour?"
    # The picture was a copy, and is gone with the conversation.
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("glm-")]

    (tmp_path / "no.png").write_text("no picture")
    code, lines = door(*asked, "--image", "no.png", "And this?")
    assert code == 1 and lines[-1]["error"].startswith("no.png is no picture")
    code, lines = door(*asked[:-1], "gone.png", "And this?")
    assert code == 1 and "gone.png can't be read" in lines[-1]["error"]


def test_a_picture_and_a_model_that_does_not_see_in_a_terminal(
    talk: Talk, door: Door, tmp_path: Path
) -> None:
    talk.serve([Say("never")])
    address = f"{talk.server.url}#scripted"
    (tmp_path / "red.png").write_bytes(png())
    code, lines = door("--mode", "vision", "--image", "red.png", "What?", GLM_MODEL=address)
    assert code == 1 and "can't see pictures" in lines[-1]["error"] and not talk.server.requests


def test_a_picture_in_tools_is_a_file_and_seen(talk: Talk, door: Door, tmp_path: Path) -> None:
    code = "from PIL import Image; print(Image.open('red.png').size)"
    run = [ToolCall("python", {"code": code}), Finish("tool_calls")]
    talk.serve([run, Say("Done.")])
    address = f"{talk.server.url}#scripted"
    settings = {"GLM_MODEL": address, "GLM_VISION_MODEL": address}
    (tmp_path / "red.png").write_bytes(png())
    _, lines = door("--mode", "tools", "--image", "red.png", "How large?", **settings)
    line, picture, text = talk.server.requests[0].body["messages"][-1]["content"]
    assert line["text"].startswith("[file red.png, ") and text["text"] == "How large?"
    assert colour(picture["image_url"]["url"]) == RED
    assert lines[1]["type"] == "tool_result" and lines[1]["text"] == "(60, 40)"


def test_what_a_message_holds(pictures: tuple[Picture, ...], tmp_path: Path) -> None:
    file = Document(tmp_path / "a.csv", "text/csv", "a.csv", 3)
    message = user_message("hi", (file, *pictures))
    assert message.attached == (file, *pictures) and message.pictures == pictures
    assert message.documents == (file,)
