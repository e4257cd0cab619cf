"""`cogview` against a real images endpoint on loopback, and a tiny pipeline where diffusers is."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.core.settings import Settings
from app.core.toolset.image import choose_painter
from finetune.bundled.data.tools.drawing import COGVIEW
from tools.base import ToolCall, ToolCancelled, ToolContext, ToolError, ToolResult
from tools.image import Endpoint, ImageTool, Pipeline
from tools.image.tool import MAX_PROMPT_CHARS
from tools.registry import Registry

KEY = "sk-image-5f2c9a71d0b84"


def picture(kind: str = "PNG", size: tuple[int, int] = (32, 24)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, "red").save(data, kind)
    return data.getvalue()


def encoded(data: bytes) -> dict[str, Any]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(data).decode()}]}


@dataclass
class Studio:
    """A server with an images endpoint. `answer` is a status and a body; `files` are what it
    serves beside, bytes or an address to go on to."""

    url: str = ""
    answer: tuple[int, Any] = (200, None)
    files: dict[str, bytes | str] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    wait: threading.Event | None = None
    arrived: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def studio() -> Iterator[Studio]:
    made = Studio(answer=(200, encoded(picture())))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            made.asked.append({"path": self.path, **json.loads(self.rfile.read(length))})
            made.heads.append(dict(self.headers))
            made.arrived.set()
            if made.wait is not None:
                made.wait.wait(20)
            status, body = made.answer
            self.reply(status, body if isinstance(body, bytes) else json.dumps(body).encode())

        def do_GET(self) -> None:
            made.heads.append(dict(self.headers))
            found = made.files.get(self.path)
            if isinstance(found, str):
                self.send_response(302)
                self.send_header("Location", found)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.reply(404 if found is None else 200, found or b"gone")

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield made
    if made.wait is not None:
        made.wait.set()
    server.shutdown()
    server.server_close()


Draw = Callable[..., ToolResult]


@pytest.fixture
def draw(studio: Studio, tmp_path: Path) -> Draw:
    def drawn(prompt: str = "a red fox", **options: Any) -> ToolResult:
        tool = ImageTool(tmp_path, Endpoint(studio.url, "cogview-4", KEY, **options))
        call = ToolCall("1", "cogview", json.dumps({"prompt": prompt}))
        return tool.run(call, ToolContext(tmp_path))

    return drawn


def refused(draw: Draw, **options: Any) -> str:
    with pytest.raises(ToolError) as told:
        draw(**options)
    sentence = str(told.value)
    assert KEY not in sentence and "\n" not in sentence and len(sentence) < 400
    return sentence


# A picture


def test_both_faces_are_those_that_the_adapter_was_trained_with(tmp_path: Path) -> None:
    tool = ImageTool(tmp_path, Endpoint("http://127.0.0.1:9/v1"))
    (native,), (schema,) = tool.specs(True), tool.specs(False)
    assert native == COGVIEW and schema.raw is None
    assert (schema.name, schema.description, schema.parameters) == (
        COGVIEW.name, COGVIEW.description, COGVIEW.parameters,
    )  # fmt: skip


def test_a_description_becomes_a_picture_in_the_workspace(
    studio: Studio, draw: Draw, tmp_path: Path
) -> None:
    result = draw('A red fox, "in" the snow/forest')
    assert studio.asked == [
        {
            "path": "/v1/images/generations",
            "model": "cogview-4",
            "prompt": 'A red fox, "in" the snow/forest',
        }
    ]
    assert studio.heads[0]["Authorization"] == f"Bearer {KEY}"
    (drawn,) = result.attachments
    assert (drawn.name, drawn.mime) == ("A-red-fox-in-the-snow-forest.png", "image/png")
    assert drawn.inline and drawn.offered and drawn.path == tmp_path.resolve() / drawn.name
    assert drawn.path.read_bytes() == picture()
    beside = drawn.path.with_name(f"{drawn.name}.txt")
    assert beside.read_text() == 'A red fox, "in" the snow/forest'
    size = len(picture())
    assert result.text == f"[picture 1: 32x24]\n[file {drawn.name}: {size} bytes]"
    assert result.error is None and result.call_id == "1"


def test_pictures_are_counted_and_never_overwritten(studio: Studio, tmp_path: Path) -> None:
    registry = Registry([ImageTool(tmp_path, Endpoint(studio.url))])
    results = []
    for prompt in ("fox", "fox", "图画", "../../etc/passwd", "…"):
        call = ToolCall("1", "cogview", prompt, raw="prompt")
        results.append(registry.run(call, ToolContext(tmp_path), native=True))
        studio.answer = (200, encoded(picture("JPEG")))
    assert [result.text.split("]")[0] for result in results] == [
        f"[picture {number}: 32x24" for number in range(1, 6)
    ]
    names = [result.attachments[0].name for result in results]
    assert names == ["fox.png", "fox.jpg", "图画.jpg", "etc-passwd.jpg", "picture.jpg"]
    assert all(result.attachments[0].path.parent == tmp_path.resolve() for result in results)
    assert "model" not in studio.asked[0] and "Authorization" not in studio.heads[0]


@pytest.mark.parametrize("address", ["{base}/file.png", "/files/here.png", "data:image/png;{data}"])
def test_a_picture_by_its_address(studio: Studio, draw: Draw, address: str) -> None:
    base = studio.url.removesuffix("/v1")
    studio.files = {
        "/file.png": "/moved.png",
        "/moved.png": picture(),
        "/files/here.png": picture(),
    }
    data = f"base64,{base64.b64encode(picture()).decode()}"
    studio.answer = (200, {"data": [{"url": address.format(base=base, data=data)}]})
    assert draw().attachments[0].path.read_bytes() == picture()
    # Who keeps the file is not told the key.
    assert all("Authorization" not in head for head in studio.heads[1:])


# What goes wrong is told to the model


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            400,
            {"error": {"message": "Your prompt was rejected."}},
            "(400: Your prompt was rejected)",
        ),
        (
            400,
            {"error": {"code": "1301", "message": "系统检测到不安全内容"}},
            "系统检测到不安全内容",
        ),
        (422, {"detail": [{"msg": "no such model"}]}, "(422: no such model)"),
        (401, {"error": f"bad key {KEY}"}, "(401: bad key [key])"),
        (401, b"", "(401), perhaps for its key"),
        (500, b"<html><b>Internal</b>\n error</html>", "(500: Internal error)"),
        (503, {"message": "x" * 5000}, "(503: xxx"),
        (200, {"error": {"message": "quota used up"}}, "drew nothing: quota used up"),
        (200, {"data": []}, "sent no picture"),
        (200, {"data": [{"url": 7}]}, "sent no picture"),
        (200, {"data": [{"url": "file:///etc/passwd"}]}, "an address that is none"),
        (200, {"data": [{"url": "/missing.png"}]}, "(404: gone)"),
        (200, {"data": [{"b64_json": "!!!"}]}, "not a PNG or JPEG"),
        (200, encoded(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "not a PNG or JPEG"),
        (200, encoded(picture("GIF")), "not a PNG or JPEG"),
        (200, encoded(b"root:x:0:0"), "not a PNG or JPEG"),
        (200, b"\xff\xfe not json", "drew nothing"),
        (200, [1, 2], "sent no picture"),
    ],
)
def test_a_refusal_in_the_services_own_words(
    studio: Studio, draw: Draw, tmp_path: Path, status: int, body: Any, said: str
) -> None:
    studio.answer = (status, body)
    assert said in refused(draw)
    assert not list(tmp_path.iterdir())


def test_an_answer_without_end_is_cut(
    studio: Studio, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.image.endpoint._MAX_RESPONSE_BYTES", 100_000)
    studio.answer = (200, b"x" * 200_000)
    assert "too large" in refused(draw)


def test_nobody_there_and_nobody_who_answers(studio: Studio, draw: Draw, tmp_path: Path) -> None:
    studio.wait = threading.Event()
    assert "did not answer within 0.3 seconds" in refused(draw, seconds=0.3)
    studio.url = "http://127.0.0.1:9/v1"
    assert refused(draw) == "The picture service can't be reached."


def test_stop_is_heard_while_it_draws(studio: Studio, tmp_path: Path) -> None:
    studio.wait, cancel = threading.Event(), threading.Event()
    registry = Registry([ImageTool(tmp_path, Endpoint(studio.url))])
    threading.Thread(target=lambda: studio.arrived.wait(20) and cancel.set()).start()
    call = ToolCall("1", "cogview", '{"prompt": "a fox"}')
    result = registry.run(call, ToolContext(tmp_path, cancel))
    assert result.error is not None and "stopped" in result.error


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{}", 'needs one argument "prompt"'),
        ('{"prompt": 7}', 'needs one argument "prompt"'),
        ('{"prompt": "  "}', 'needs one argument "prompt"'),
        (json.dumps({"prompt": "x" * (MAX_PROMPT_CHARS + 1)}), "4,001 characters; 4,000"),
        ("nonsense", "not valid JSON"),
    ],
)
def test_wrong_arguments_are_told(studio: Studio, tmp_path: Path, given: str, said: str) -> None:
    tool = ImageTool(tmp_path, Endpoint(studio.url))
    with pytest.raises(ToolError, match=said):
        tool.run(ToolCall("1", "cogview", given), ToolContext(tmp_path))
    assert studio.asked == []


# The setting


def test_the_setting_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_painter(Settings()).painter is None and choose_painter(Settings()).problem is None
    for wrong in ("nonsense", "/no/such/folder", "http://", "ftp://host/v1#m", "a b/c"):
        chosen = choose_painter(Settings(image_model=wrong))
        assert chosen.painter is None and "names nothing that draws" in str(chosen.problem)
    server = choose_painter(Settings(image_model="https://host/v1#cogview-4"))
    assert isinstance(server.painter, Endpoint) and server.problem is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for weights in ("owner/name", str(tmp_path)):
        chosen = choose_painter(Settings(image_model=weights))
        assert chosen.painter is None and "package diffusers" in str(chosen.problem)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert isinstance(choose_painter(Settings(image_model="owner/name")).painter, Pipeline)


def test_the_key_of_its_own_goes_first(studio: Studio, tmp_path: Path) -> None:
    for settings, sent in (
        (Settings(image_model=studio.url, api_key="one"), "Bearer one"),
        (Settings(image_model=studio.url, api_key="one", image_key="two"), "Bearer two"),
    ):
        painter = choose_painter(settings).painter
        assert painter is not None
        painter.paint("a fox", ToolContext(tmp_path))
        assert studio.heads[-1]["Authorization"] == sent


# diffusers, where it is installed


def test_without_diffusers_a_sentence(tmp_path: Path) -> None:
    if importlib.util.find_spec("diffusers"):
        pytest.skip("diffusers is installed")
    with pytest.raises(ToolError, match="the package diffusers is not installed"):
        Pipeline("owner/name").paint("a fox", ToolContext(tmp_path))


@pytest.fixture(scope="module")
def pipeline_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text-to-image pipeline of random weights."""
    diffusers = pytest.importorskip("diffusers")
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    torch.set_num_threads(1)  # two that wait for each other take for ever on a busy machine
    folder = tmp_path_factory.mktemp("pipeline")
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    words = [*letters, *(f"{letter}</w>" for letter in letters)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: at for at, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77
    )
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, bos_token_id=len(words) - 2, eos_token_id=len(words) - 1,
    )  # fmt: skip
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(8, 8), layers_per_block=1, sample_size=8, cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), norm_num_groups=4,
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=2,
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(block_out_channels=(8,), norm_num_groups=4, latent_channels=4)
    diffusers.StableDiffusionPipeline(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=tokenizer, unet=unet,
        scheduler=diffusers.DDIMScheduler(), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "weights")  # fmt: skip
    return folder / "weights"


def test_a_tiny_pipeline_draws_and_hears_stop(pipeline_folder: Path, tmp_path: Path) -> None:
    painter = Pipeline(str(pipeline_folder))
    tool = ImageTool(tmp_path, painter)
    told: list[str] = []
    call = ToolCall("1", "cogview", "fox", raw="prompt")
    result = tool.run(call, ToolContext(tmp_path, progress=told.append))
    assert Image.open(result.attachments[0].path).size == (8, 8)
    assert "Loading the model that draws" in told and "Drawing, step 1" in told

    cancel = threading.Event()
    stopping = ToolContext(tmp_path, cancel, lambda text: cancel.set())
    with pytest.raises(ToolCancelled):
        painter.paint("fox", stopping)


def test_a_folder_that_is_no_pipeline(tmp_path: Path) -> None:
    pytest.importorskip("diffusers")
    with pytest.raises(ToolError, match="could not be loaded") as told:
        Pipeline(str(tmp_path)).paint("fox", ToolContext(tmp_path))
    assert str(tmp_path) not in str(told.value)
