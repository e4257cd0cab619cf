"""The Vision page: a tiny GLM-4V behind an OpenAI-compatible server, and the bundled model, which
sees nothing and is read to."""

from __future__ import annotations

import base64
import io
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image, ImageDraw, ImageFont
from playwright.sync_api import FilePayload, Page, expect

from backends.base import GenerationConfig
from backends.events import TextDelta
from backends.messages import Message, Picture, Text
from tests.e2e.conftest import Visit
from tests.e2e.visitor import (
    Scripted,
    answer,
    ask,
    button,
    calls,
    letters,
    overflow,
    said,
    shot,
    wait_for_text,
)
from tests.support.running_app import RunningApp, send, start_app, wait_for_answer
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Status, ToolCall
from tests.support.scripted_steps import Text as Say
from tests.support.tiny_models import save_glm4v

pytestmark = pytest.mark.e2e

RED, BLUE = (230, 20, 20), (20, 20, 230)
SECRET = b"52.5200 N 13.4050 E"


def photo() -> bytes:
    """Upright 300 x 600, red above blue; kept lying down, as a camera does, with where it was."""
    image = Image.new("RGB", (300, 600), BLUE)
    image.paste(RED, (0, 0, 300, 300))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.ImageDescription] = SECRET.decode()
    data = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_90).save(data, "JPEG", exif=exif)
    assert SECRET in data.getvalue()
    return data.getvalue()


def note(words: str) -> bytes:
    image = Image.new("RGB", (1600, 1000), "white")
    ImageDraw.Draw(image).text((80, 80), words, "black", ImageFont.load_default(64))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def file(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def choose(page: Page, *files: FilePayload) -> None:
    page.get_by_test_id("stChatInput").locator("input[type=file]").set_input_files(list(files))
    expect(page.get_by_test_id("stChatInputSubmitButton")).to_be_enabled()


def paste(page: Page, data: bytes) -> None:
    """From the clipboard, as after a screenshot."""
    page.evaluate(
        """async text => {
          const bytes = Uint8Array.from(atob(text), each => each.charCodeAt(0))
          const blob = new Blob([bytes], { type: "image/png" })
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })])
        }""",
        base64.b64encode(data).decode(),
    )
    page.get_by_test_id("stChatInputTextArea").press("Control+v")
    expect(page.get_by_test_id("stChatInputSubmitButton")).to_be_enabled()


def pictures_in(body: dict[str, Any]) -> list[Image.Image]:
    """What the last message of a request shows, and nothing that tells where it was taken."""
    parts = body["messages"][-1]["content"]
    data = [
        base64.b64decode(part["image_url"]["url"].partition(",")[2])
        for part in parts
        if part["type"] == "image_url"
    ]
    assert not any(SECRET in each for each in data)
    return [Image.open(io.BytesIO(each)).convert("RGB") for each in data]


class Tiny:
    """A GLM-4V of a few thousand random weights behind a server; `heard` is what it has said."""

    def __init__(self, folder: Path) -> None:
        import torch

        from backends.transformers.backend import Transformers
        from backends.transformers.config import WeightsConfig
        from backends.transformers.loading import load

        torch.set_num_threads(1)
        config = WeightsConfig()
        self._model = Transformers(load(str(save_glm4v(folder / "model")), config), config)
        self._folder = folder
        self.heard: list[str] = []

    def __call__(self, body: dict[str, Any]) -> Say:
        messages = [self._message(each) for each in body["messages"]]
        config = GenerationConfig(temperature=0.0, max_tokens=60)
        events = self._model.generate(messages, (), config, threading.Event())
        self.heard.append("".join(e.text for e in events if isinstance(e, TextDelta)))
        return Say(self.heard[-1] or "…", size=2, rate=20)

    def _message(self, sent: dict[str, Any]) -> Message:
        content = sent["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        return Message(sent["role"], tuple(map(self._part, content)))

    def _part(self, part: dict[str, Any]) -> Text | Picture:
        if part["type"] == "text":
            return Text(part["text"])
        head, _, data = part["image_url"]["url"].partition(";base64,")
        path = self._folder / f"{abs(hash(data))}"
        path.write_bytes(base64.b64decode(data))
        return Picture(path, head.removeprefix("data:"))


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


@pytest.fixture(scope="module")
def studio() -> Iterator[str]:
    """The address of an images endpoint that draws one and the same picture."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            picture = base64.b64encode(note("A red fox")).decode()
            body = json.dumps({"data": [{"b64_json": picture}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.fixture(scope="module")
def seeing(studio: str) -> Iterator[Scripted]:
    with ScriptedServer() as server:
        address = f"{server.url}#tiny"
        models = {"GLM_MODEL": address, "GLM_VISION_MODEL": address, "GLM_IMAGE_MODEL": studio}
        with start_app(models) as app:
            yield Scripted(app, server)


@pytest.mark.timeout(300)  # transformers take long to import where much else is going on
def test_pictures_are_asked_about_and_then_once_more(
    seeing: Scripted, tiny: Tiny, visit: Visit
) -> None:
    seeing.says(tiny)
    page = visit(seeing.app, permissions=["clipboard-read", "clipboard-write"]).open("vision")
    expect(page.get_by_text("can't see pictures")).to_have_count(0)
    choose(page, file("holiday.jpg", photo()))
    paste(page, note("A note"))
    shot(page, "vision-attached")
    send(page, "What is on these?")
    wait_for_text(page, 4)  # while it streams
    wait_for_answer(page)
    shot(page, "vision-answer")
    assert letters(said(page)) == letters(tiny.heard[-1])

    upright, drawn = pictures_in(seeing.bodies[0])
    assert upright.size == (300, 600) and drawn.size == (1120, 700)
    top, bottom = upright.getpixel((150, 100)), upright.getpixel((150, 500))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[0] > 200 > 60 > top[2] and bottom[2] > 200 > 60 > bottom[0]

    question = page.get_by_test_id("stChatMessage").first
    thumbnails = question.get_by_test_id("stImage").locator("img")
    expect(thumbnails).to_have_count(2)
    small = thumbnails.first.evaluate("image => image.getBoundingClientRect().height")
    assert 0 < small <= 240
    thumbnails.first.hover()
    question.get_by_role("button", name="Fullscreen").first.click()
    page.wait_for_function(
        "small => [...document.querySelectorAll('[data-testid=\"stImage\"] img')]"
        ".some(image => image.getBoundingClientRect().height > 1.5 * small)",
        arg=small,
    )
    shot(page, "vision-large")
    page.keyboard.press("Escape")

    send(page, "And the colours?")
    wait_for_answer(page)
    assert letters(said(page)) == letters(tiny.heard[-1]) and len(tiny.heard) == 2
    told = seeing.bodies[1]["messages"]
    assert [type(each["content"]) for each in told[-3:]] == [list, str, str]
    button(page, "Retry").click()
    wait_for_answer(page)
    # A reload finds it all again.
    page.reload()
    expect(question.get_by_test_id("stImage").locator("img")).to_have_count(2)


def test_what_is_no_picture_and_what_the_server_says_of_one(seeing: Scripted, visit: Visit) -> None:
    seeing.says(Status(400, {"error": {"message": "tiny takes no picture today"}}))
    page = visit(seeing.app).open("vision")
    choose(page, file("notes.png", b"no picture at all"))
    page.get_by_test_id("stChatInputTextArea").fill("What is it?")
    page.get_by_test_id("stChatInputSubmitButton").click()
    expect(page.get_by_text("notes.png is no picture, or damaged.")).to_be_visible()
    expect(page.get_by_test_id("stChatInputTextArea")).to_have_value("What is it?")
    choose(page, file("real.png", note("x")))
    page.get_by_test_id("stChatInputSubmitButton").click()
    expect(answer(page)).to_contain_text("tiny takes no picture today")
    wait_for_answer(page)


def test_a_drawn_picture_is_shown_offered_and_asked_about(seeing: Scripted, visit: Visit) -> None:
    drawing = [ToolCall("cogview", {"prompt": "a red fox"}), Finish("tool_calls")]
    seeing.says(drawing, Say("Here is the picture."), Say("It says so."))
    page = visit(seeing.app).open("tools")
    ask(page, "Draw a red fox")
    call = calls(page).last
    drawn = call.get_by_test_id("stImage").locator("img")
    assert drawn.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1460
    assert drawn.evaluate("image => image.getBoundingClientRect().width") > 500
    shot(page, "cogview")
    with page.expect_download() as waiting:
        call.locator("a[download]").click()
    assert waiting.value.suggested_filename == "a-red-fox.png"
    assert Path(waiting.value.path()).read_bytes() == note("A red fox")
    heard = seeing.bodies[1]["messages"][-1]["content"]
    assert heard.startswith("[picture 1: 1600x1000]\n[file a-red-fox.png: ")
    assert ask(page, "What does it say?") == "It says so."
    (shown,) = pictures_in(seeing.bodies[2])
    assert shown.size == (1120, 700)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(seeing: Scripted, visit: Visit, scheme: str) -> None:
    seeing.says(Say("Three times the same picture. " * 9))
    phone = {"viewport": {"width": 390, "height": 780}, "color_scheme": scheme}
    page = visit(seeing.app, **phone).open("vision")
    shot(page, f"phone-{scheme}-vision-empty")
    choose(page, *(file(f"a picture {at}.jpg", photo()) for at in range(3)))
    send(page, "Compare them")
    wait_for_answer(page)
    assert overflow(page) == 0
    shot(page, f"phone-{scheme}-vision")


def test_the_bundled_model_says_what_it_cannot_and_is_read_to(
    bundled: RunningApp, visit: Visit
) -> None:
    page = visit(bundled).open("vision")
    sentence = re.compile(r"can't see pictures\. Set GLM_VISION_MODEL .* or GLM_MODEL")
    expect(page.get_by_text(sentence)).to_be_visible(timeout=120_000)
    shot(page, "vision-blind")
    choose(page, file("receipt.png", note("Invoice 2024\nTotal 12 EUR")))
    send(page, "What is the total?")
    wait_for_answer(page)
    expect(answer(page).get_by_text(sentence)).to_be_visible()
    button(page, "Read the text in the picture").click()
    expect(button(page, "Read the text in the picture")).to_have_count(0)
    wait_for_answer(page, 170)
    assert said(page)
    question = page.get_by_test_id("stChatMessage").first
    question.get_by_text("Text in receipt.png").click()
    expect(question.get_by_test_id("stCode")).to_contain_text("Total 12 EUR")
    shot(page, "vision-read")
