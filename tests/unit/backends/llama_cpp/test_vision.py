"""A GGUF model that sees: the bundled one, with a random `mmproj` of Gemma 3's kind beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.core.models.selection import open_backend
from app.core.settings import Settings
from backends import bundled
from backends.errors import RequestRefused
from backends.events import Notice, TextDelta
from backends.llama_cpp import mmproj
from backends.llama_cpp.backend import LlamaCpp
from backends.messages import Message, Picture, Text, user
from tests.support.llama_asking import LAMP, ask, end, load, stream, text

WIDTH = 576  # of the bundled model's embeddings
TOKENS = 4  # of one picture


def write_mmproj(path: Path, width: int = WIDTH) -> Path:
    """One layer over pictures of 128 x 128 in patches of 16, four by four of them a token."""
    import gguf
    import numpy

    random = numpy.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "gemma3")
    writer.add_bool("clip.use_gelu", True)
    size, patch, own, wide = 128, 16, 32, 64
    numbers = {
        "image_size": size, "patch_size": patch, "embedding_length": own, "block_count": 1,
        "feed_forward_length": wide, "projection_dim": width, "attention.head_count": 2,
        "projector.scale_factor": 4,
    }  # fmt: skip
    for name, number in numbers.items():
        writer.add_uint32(f"clip.vision.{name}", number)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    for name in ("image_mean", "image_std"):
        writer.add_array(f"clip.vision.{name}", [0.5] * 3)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (random.standard_normal(shape) * 0.05).astype(numpy.float32))

    def layer(name: str, *shape: int) -> None:
        add(f"{name}.weight", *shape)
        add(f"{name}.bias", shape[0])

    layer("v.patch_embd", own, 3, patch, patch)
    add("v.position_embd.weight", (size // patch) ** 2, own)
    for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
        layer(f"v.blk.0.{name}", own, own)
    layer("v.blk.0.ffn_up", wide, own)
    layer("v.blk.0.ffn_down", own, wide)
    for name in ("v.blk.0.ln1", "v.blk.0.ln2", "v.post_ln"):
        layer(name, own)
    add("mm.input_projection.weight", own, width)
    add("mm.soft_emb_norm.weight", own)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaCpp]:
    model = load(mmproj=write_mmproj(tmp_path_factory.mktemp("eyes") / "mmproj.gguf"))
    yield model
    model.close()


def picture(folder: Path, name: str = "a.png", colour: str = "red") -> Picture:
    Image.new("RGB", (90, 60), colour).save(folder / name)
    return Picture(folder / name, "image/png", name)


def asked(*parts: Picture | str) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def test_pictures_are_read_with_the_words(model: LlamaCpp, tmp_path: Path) -> None:
    assert model.capabilities.images == "several"
    red, blue = picture(tmp_path), picture(tmp_path, "b.png", "blue")
    plain = end(ask(model, [asked("What is it?")])).usage
    one = ask(model, [asked(red, "What is it?")])
    assert text(one)
    two = end(ask(model, [asked(red, blue, "What is it?")])).usage
    first = end(one).usage
    assert first.prompt_tokens - plain.prompt_tokens >= TOKENS
    assert two.prompt_tokens - first.prompt_tokens == first.prompt_tokens - plain.prompt_tokens
    # Another picture is not taken for the one that was read before.
    other = end(ask(model, [asked(blue, "What is it?")])).usage
    assert other.prompt_tokens == first.prompt_tokens
    assert other.cached_tokens < first.prompt_tokens - TOKENS


def test_a_follow_up_reads_only_what_is_new(model: LlamaCpp, tmp_path: Path) -> None:
    messages = [asked(picture(tmp_path), "What is on this picture, in your own words?")]
    events = ask(model, messages)
    messages += [Message("assistant", (Text(text(events)),)), user("And what else?")]
    assert end(ask(model, messages)).usage.cached_tokens >= end(events).usage.prompt_tokens - 1


def test_stop_while_it_writes(model: LlamaCpp, tmp_path: Path) -> None:
    cancel = threading.Event()
    events: list[Any] = []
    for event in stream(model, [asked(picture(tmp_path), "Tell")], cancel=cancel, max_tokens=500):
        events.append(event)
        if isinstance(event, TextDelta):
            cancel.set()
    assert end(events).finish == "cancelled"


def test_with_tools_that_its_template_does_not_know_it_is_told_so(
    model: LlamaCpp, tmp_path: Path
) -> None:
    question = asked(picture(tmp_path), "Switch the lamp on in the hall.")
    events = ask(model, [question], [LAMP], max_tokens=40)
    noted = asked("[picture a.png: not shown to you]\n", "Switch the lamp on in the hall.")
    counted = model.count_tokens([noted], [LAMP])
    assert end(events).usage.prompt_tokens == counted


def test_special_tokens_beside_a_picture_are_text(model: LlamaCpp, tmp_path: Path) -> None:
    shown = picture(tmp_path)
    plain = end(ask(model, [asked(shown, "xx")])).usage.prompt_tokens
    typed = end(ask(model, [asked(shown, "<|im_end|>")])).usage.prompt_tokens
    assert typed > plain + 3


def test_a_picture_that_is_gone_or_none(model: LlamaCpp, tmp_path: Path) -> None:
    gone = picture(tmp_path)
    gone.path.unlink()
    with pytest.raises(RequestRefused, match=r"a\.png is no longer there"):
        ask(model, [asked(gone, "?")])
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(RequestRefused, match="can't read a picture of this conversation"):
        ask(model, [asked(Picture(tmp_path / "text.png", "image/png", "text.png"), "?")])
    assert [event for event in ask(model, "Hello") if not isinstance(event, Notice)]


def test_a_file_with_its_eyes_beside_it(tmp_path: Path) -> None:
    (tmp_path / "tiny-Q4_1.gguf").symlink_to(bundled.model_file())
    settings = Settings(model=str(tmp_path / "tiny-Q4_1.gguf"), context=512, slots=1, threads=1)
    blind = open_backend(settings)
    assert blind.capabilities.images == "none"
    blind.close()
    write_mmproj(tmp_path / "mmproj-tiny-f16.gguf")
    seeing = open_backend(settings)
    assert seeing.capabilities.images == "several" and seeing.name == "tiny-Q4_1.gguf"
    seeing.close()


@pytest.mark.parametrize(
    ("model", "beside", "wanted"),
    [
        ("gemma-3-4b-it-Q4_K_M.gguf", ["mmproj-gemma-3-4b-it-f16.gguf"], 0),
        ("gemma-3-4b-it-Q4_K_M.gguf", ["gemma-3-4b-it-Q8_0.gguf", "mmproj-model-f16.gguf"], 1),
        ("gemma-3-4b-it-Q4_K_M.gguf", ["glm-edge-4b-Q8_0.gguf", "mmproj-model-f16.gguf"], None),
        ("gemma-3-4b-it-Q4_K_M.gguf", ["mmproj-glm-edge-v-2b-f16.gguf"], None),
        ("gemma-3-4b-it-Q4_K_M.gguf", [], None),
        ("a-UD-Q4_K_XL.gguf", ["mmproj-BF16.gguf", "mmproj-F16.gguf", "mmproj-F32.gguf"], 1),
        ("GLM-4.1V-9B-IQ4_XS.gguf", ["x.txt", "GLM-4.1V-9B.mmproj-Q8_0.gguf"], 1),
        ("GLM-4.5V-00001-of-00002.gguf", ["GLM-4.5V-00002-of-00002.gguf", "mmproj-f16.gguf"], 1),
    ],
)
def test_which_file_belongs_to_a_model(model: str, beside: list[str], wanted: int | None) -> None:
    found = mmproj.matching(model, [model, *beside])
    assert found == (None if wanted is None else beside[wanted])
    assert mmproj.beside(Path("/no/such/folder/model.gguf")) is None
