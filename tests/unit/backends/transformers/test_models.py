"""Models in process: one that sees, against plain `generate`; adapters; and what is said of
folders, packages and memory that don't do."""

from __future__ import annotations

import importlib.util
import json
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.models.selection import open_backend
from app.core.settings import Settings
from backends import glm4
from backends.base import GenerationConfig
from backends.errors import ModelUnavailable, RequestRefused
from backends.events import AnswerFinished, ModelEvent, TextDelta
from backends.messages import Message, Picture, Text, user
from backends.transformers.backend import Transformers
from backends.transformers.config import WeightsConfig
from backends.transformers.loading import load
from finetune import __main__ as finetune
from tests.support.tiny_models import save_glm, save_glm4v


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    return save_glm4v(tmp_path_factory.mktemp("models") / "glm4v")


@pytest.fixture
def model(folder: Path) -> Transformers:
    return opened(str(folder), chunk=8)  # a picture is read in several


def opened(
    where: str, config: WeightsConfig | None = None, chunk: int | None = None
) -> Transformers:
    return Transformers(load(where, config or WeightsConfig()), config, chunk)


def picture(folder: Path, name: str, size: tuple[int, int] = (90, 60), seed: int = 0) -> Picture:
    from random import Random

    from PIL import Image

    chance = Random(seed)
    image = Image.frombytes("RGB", size, chance.randbytes(3 * size[0] * size[1]))
    image.save(folder / name)
    return Picture(folder / name, "image/png", name)


def ask(model: Transformers, messages: Sequence[Message]) -> list[ModelEvent]:
    config = GenerationConfig(temperature=0.0, max_tokens=10)
    return list(model.generate(messages, (), config, threading.Event()))


def said(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def told(events: Sequence[ModelEvent]) -> tuple[str, int]:
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    return said(events), last.usage.completion_tokens


def cached(events: Sequence[ModelEvent]) -> int:
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    return last.usage.cached_tokens


def plainly(model: Transformers, messages: Sequence[Message]) -> tuple[str, int]:
    """The same of plain `generate`, on all that its own processor would give it."""
    import torch

    weights = model._weights
    assert weights is not None and weights.sight is not None
    prompt = model._prompter.prompt(messages, ())
    ids = torch.tensor([list(prompt.ids)])
    given: dict[str, Any] = {}
    if prompt.pictures:
        looked = [weights.sight.pixels(placed.picture) for placed in prompt.pictures]
        given["pixel_values"] = torch.cat([pixels for pixels, _ in looked])
        given["image_grid_thw"] = torch.cat([grid for _, grid in looked])
        given["mm_token_type_ids"] = (ids == weights.model.config.image_token_id).int()
    made = weights.model.generate(ids, max_new_tokens=10, do_sample=False, **given)
    tokens = made[0, ids.shape[1] :].tolist()
    stopped = tokens[-1] in weights.stops
    parser = glm4.Parser()
    text = weights.tokenizer.decode(tokens[:-1] if stopped else tokens)
    return said([*parser.feed(text), *parser.finish()]), len(tokens)


def asked(*parts: Picture | str) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def then(messages: Sequence[Message], events: Sequence[ModelEvent], *parts: Picture | str) -> Any:
    return [*messages, Message("assistant", (Text(said(events)),)), asked(*parts)]


def test_pictures_in_any_turn_and_text_between(model: Transformers, tmp_path: Path) -> None:
    assert model.capabilities.images == "several"
    weights = model._weights.model.parameters()
    assert model.capabilities.memory >= sum(each.nbytes for each in weights) > 0
    first, second = picture(tmp_path, "a.png"), picture(tmp_path, "b.png", (40, 100), 1)
    third = picture(tmp_path, "c.png", (64, 64), 2)
    messages = [user("Hello there, this is a talk about some pictures.")]
    events = ask(model, messages)
    assert told(events) == plainly(model, messages)
    for parts in ((first, "What is it?"), ("And",), (second, "or", third, "?"), ("Thanks",)):
        before = events[-1]
        assert isinstance(before, AnswerFinished)
        messages = then(messages, events, *parts)
        events = ask(model, messages)
        assert told(events) == plainly(model, messages)
        assert cached(events) >= before.usage.prompt_tokens


def test_another_picture_of_the_same_size_is_another_prefix(
    model: Transformers, tmp_path: Path
) -> None:
    talk = "This is a rather long beginning that both conversations have."
    one, other = picture(tmp_path, "a.png"), picture(tmp_path, "b.png", seed=1)
    first, second = [asked(talk, one, "What?")], [asked(talk, other, "What?")]
    assert told(ask(model, first)) == plainly(model, first)
    events = ask(model, second)
    assert told(events) == plainly(model, second)
    assert len(talk) < cached(events) < len(talk) + 6
    again = ask(model, first)
    assert told(again) == plainly(model, first)
    # A retry of the same message, from another file.
    copied = tmp_path / "copy.png"
    copied.write_bytes(one.path.read_bytes())
    events = ask(model, [asked(talk, Picture(copied, "image/png", "copy.png"), "What?")])
    assert cached(events) == model.count_tokens(first, ()) - 1


def test_two_conversations_in_turns(model: Transformers, tmp_path: Path) -> None:
    talks = [[asked(picture(tmp_path, f"{at}.png", seed=at), f"{at}")] for at in range(2)]
    wanted = [plainly(model, talk) for talk in talks]
    config = GenerationConfig(temperature=0.0, max_tokens=10)
    streams = [model.generate(talk, (), config, threading.Event()) for talk in talks]
    heard: list[list[ModelEvent]] = [[], []]
    while not all(each and isinstance(each[-1], AnswerFinished) for each in heard):
        for at, answer in enumerate(streams):
            heard[at] += [event for event in [next(answer, None)] if event is not None]
    assert [told(each) for each in heard] == wanted


def test_a_picture_that_is_gone_or_none_is_named(model: Transformers, tmp_path: Path) -> None:
    gone = picture(tmp_path, "gone.png")
    gone.path.unlink()
    with pytest.raises(RequestRefused, match=r"gone\.png is no longer there"):
        ask(model, [asked(gone, "?")])
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(RequestRefused, match=r"text\.png can't be read as a picture"):
        ask(model, [asked(Picture(tmp_path / "text.png", "image/png", "text.png"), "?")])


def test_tokens_of_pictures_that_a_user_types_are_text(model: Transformers) -> None:
    typed = "<|begin_of_image|><|image|><|end_of_image|>"
    prompt = model._prompter.prompt([user(typed)], ())
    assert model._weights is not None
    assert model._weights.model.config.image_token_id not in prompt.ids
    assert prompt.pictures == ()


def test_a_text_model_is_told_that_there_was_a_picture(tmp_path: Path) -> None:
    model = opened(str(save_glm(tmp_path / "glm")))
    assert model.capabilities.images == "none"
    prompt = model._prompter.prompt([asked(picture(tmp_path, "a.png"), "What?")], ())
    assert model._weights is not None
    text = model._weights.tokenizer.decode(list(prompt.ids))
    assert "<|user|>\n[picture a.png: not shown to you]\nWhat?" in text


# -- adapters ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def glm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_glm(tmp_path_factory.mktemp("models") / "glm")


@pytest.mark.parametrize("method", ["lora", "p-tuning"])
def test_an_adapter_of_the_fine_tuning_command_loads(
    glm: Path, tmp_path: Path, method: Any
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    data = tmp_path / "data.jsonl"
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello you"}]
    data.write_text((json.dumps({"messages": turns}) + "\n") * 4)
    how: Any = {"rate": 0.3, "accumulate": 1, "epochs": 3, "validation": 0.0, "method": method}
    tuning = finetune.Settings(str(glm), str(data), str(tmp_path / "out"), **how)
    adapter = finetune.finetune(tuning)

    config = WeightsConfig(adapter=str(adapter))
    model = opened(str(glm), config)
    messages = [user("Hi there, what is new in the world of fish and ships?")]
    ids = torch.tensor([list(model._prompter.prompt(messages, ()).ids)])
    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(glm), str(adapter))
    made = tuned.eval().generate(input_ids=ids, max_new_tokens=10, do_sample=False)
    new = made[0, ids.shape[1] :].tolist()
    stops = load(str(glm), config).stops
    text = model._weights.tokenizer.decode([token for token in new if token not in stops])
    parser = glm4.Parser()
    wanted = said([*parser.feed(text), *parser.finish()])
    events = ask(model, messages)
    assert told(events) == (wanted, len(new))
    assert told(events) != told(ask(opened(str(glm)), messages))
    again = ask(model, messages)
    assert told(again) == told(events)
    assert cached(again) == model.count_tokens(messages, ()) - 1


def test_an_adapter_of_another_model_is_named(glm: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    other = AutoModelForCausalLM.from_pretrained(
        save_glm(tmp_path / "other", hidden_size=64, head_dim=16)
    )
    get_peft_model(other, LoraConfig(target_modules="all-linear")).save_pretrained(
        str(tmp_path / "tuned")
    )
    refused(glm, r"The adapter tuned does not fit this model\.", adapter=str(tmp_path / "tuned"))
    refused(glm, "glm is no adapter", adapter=str(glm))
    refused(tmp_path / "tuned", "tuned is an adapter, no model. Set GLM_ADAPTER")


# -- what can't be loaded ------------------------------------------------------------------------


def refused(where: Path | str, told: str, **config: Any) -> None:
    with pytest.raises(ModelUnavailable, match=told) as caught:
        load(str(where), WeightsConfig(**config))
    sentence = str(caught.value)
    assert "\n" not in sentence and "Error" not in sentence
    assert "/pytest-" not in sentence or "GLM_REMOTE_CODE=" in sentence


def configured(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-500])


def without_a_tensor(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.down_proj.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def without_a_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "config.json").unlink(), "folder without a model"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json .* can't be read"),
        (
            lambda folder: (folder / "config.json").write_text("[]"),
            r"config\.json .* can't be read",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "has no weights in safetensors"),
        (cut_short, "are damaged or cut short"),
        (without_a_tensor, "are not whole: 1 of its tensors"),
        (without_a_tokenizer, "has no tokenizer"),
        (lambda folder: configured(folder, hidden_size=64), "are not whole"),
        (lambda folder: configured(folder, model_type="chess"), "does not know models like spoilt"),
        (
            lambda folder: configured(folder, model_type="chatglm", auto_map={"AutoConfig": "c.C"}),
            "needs code of its own. Set GLM_REMOTE_CODE=",
        ),
        (
            lambda folder: configured(folder, hidden_size=65_536, intermediate_size=1_000_000),
            r"spoilt needs \d+ GB of memory, and [\d.]+ GB are free\. Choose a smaller",
        ),
    ],
)
def test_a_folder_that_does_not_do_is_one_sentence(
    glm: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(glm, folder)
    spoil(folder)
    refused(folder, told)


def test_a_folder_of_gguf_files_is_told_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "model-Q4_K_M.gguf").touch()
    refused(tmp_path, "holds GGUF files. Set GLM_MODEL to one of them")


def test_code_of_a_model_runs_only_where_its_name_is_allowed(glm: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(glm, folder)
    code = {"AutoConfig": "own.OwnConfig"}
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise ImportError\n")
    # A kind that transformers knows runs without the code that came with it.
    configured(folder, auto_map=code)
    load(str(folder), WeightsConfig())
    assert not (tmp_path / "ran").exists()
    configured(folder, model_type="own_glm", auto_map=code)
    refused(folder, "needs code of its own", remote_code=frozenset({"owner/other"}))
    assert not (tmp_path / "ran").exists()
    refused(folder, "package that own needs is missing", remote_code=frozenset({str(folder)}))
    assert (tmp_path / "ran").exists()


def test_without_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    refused("no-such-owner/no-such-model", "is no folder here. The hub can't be reached")


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="it is installed")
def test_a_missing_package_is_named(glm: Path) -> None:
    refused(glm, "pip install bitsandbytes", quantise="4bit")


def test_dtype_and_attention_and_window_are_as_asked(glm: Path) -> None:
    import torch

    config = WeightsConfig(dtype="bfloat16", attention="eager", window=100, device_map="cpu")
    weights = load(str(glm), config)
    assert weights.model.dtype == torch.bfloat16
    assert weights.model.config._attn_implementation == "eager"
    assert weights.window == 100
    assert load(str(glm), WeightsConfig(window=10**6)).window == 4096
    assert load(str(glm), WeightsConfig()).model.dtype == torch.float32


def test_the_settings_reach_the_weights(glm: Path) -> None:
    import torch

    settings = Settings(
        model=str(glm), context=200, slots=2, dtype="bfloat16", attention="eager", cache_mb=1,
        compile="on",
        remote_code="owner/name, owner/other",
    )  # fmt: skip
    model = open_backend(settings)
    assert isinstance(model, Transformers) and model._weights is not None
    assert (model.name, model.capabilities.context) == ("glm", 200)
    assert model._weights.model.dtype == torch.bfloat16
    assert model._weights.model.config._attn_implementation == "eager"
    assert model._caches._room == 1_000_000
    assert model._compiled is not None and not model._compiled.longest  # not with eager
    with pytest.raises(ModelUnavailable, match="no adapter"):
        open_backend(replace(settings, adapter=str(glm)))
