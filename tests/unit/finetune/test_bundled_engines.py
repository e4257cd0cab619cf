"""The shipped adapter under llama.cpp and under transformers with peft: the same next tokens."""

from __future__ import annotations

from functools import cache

import gguf
import numpy as np
import pytest

from app.core.modes import CHAT_SYSTEM
from backends.bundled import NAME, adapter_file, model_file
from backends.llama_cpp.engine import Engine, EngineConfig
from backends.messages import Message, Text, user
from finetune.bundled.evaluation.cases import BROWSER, PAINTER, signature
from finetune.bundled.evaluation.chat_loss import chats
from finetune.bundled.reference_model import adapted_model, load_adapter
from finetune.examples import Encoder, load_tokenizer
from finetune.export_gguf import permuted, unpermuted

# Dequantising the weights takes half a minute of a free core.
pytestmark = pytest.mark.timeout(900)

TOKENS = 16
# llama.cpp multiplies with quantised activations: where two tokens are nearer to each other than
# this, in nats, either may come first.
MARGIN = 0.5
CLOSE = 0.35  # nats between the two engines' word on one token, at most
MEAN = 0.08  # and on average

TIDE = signature("get_tide(harbour, date?: date): Times of high and low tide")
SYSTEM = Message("system", (Text("You are a helpful assistant. Today is 2026-11-21."),))


@pytest.fixture(scope="module", autouse=True)
def read_once():
    """transformers and the tests read the same file several times, and its names once a layer."""
    with pytest.MonkeyPatch.context() as patch:
        for each in ("GGUFReader", "get_tensor_name_map"):
            patch.setattr(gguf, each, cache(getattr(gguf, each)))
        yield


@pytest.fixture(scope="module")
def encoder():
    return Encoder(load_tokenizer(model_file()))


@pytest.fixture(scope="module")
def prompts(encoder):
    tools = [BROWSER, PAINTER, TIDE]
    asked = ("High tide in Brest?", "Thank you!")
    return [encoder.prompt([SYSTEM, user(each)], tools) for each in asked]


@pytest.fixture(scope="module")
def written(prompts):
    """What llama.cpp writes after each prompt, by the adapter's scale."""
    engine = Engine(
        model_file(), NAME, EngineConfig(window=1024, slots=1, threads=1, adapter=adapter_file())
    )
    try:
        yield {scale: [ask(engine, each, scale) for each in prompts] for scale in (1.0, 0.0)}
    finally:
        engine.close()


@pytest.fixture(scope="module")
def model():
    return adapted_model(adapter_file())


def ask(engine, prompt, scale):
    """The tokens, greedily, each with the log probabilities of the two likeliest there."""
    answers = []
    request = {
        "prompt": prompt, "temperature": 0, "max_tokens": TOKENS, "n_predict": TOKENS,
        "logprobs": 2, "lora": [{"id": 0, "scale": scale}],
    }  # fmt: skip
    engine.server.handle_completions(request, lambda piece: answers.append(piece))
    (answer,) = answers
    tokens = answer["choices"][0]["logprobs"]["content"]
    return [(each["id"], [top["logprob"] for top in each["top_logprobs"]]) for each in tokens]


def read(model, prompt, tokens):
    """transformers' log probabilities at the places of `tokens`, which follow the prompt."""
    import torch

    ids = torch.tensor([[*prompt, *tokens]])
    with torch.no_grad():
        logits = model(input_ids=ids, logits_to_keep=len(tokens) + 1).logits[0, :-1]
    return torch.log_softmax(logits.float(), dim=-1)


def differences(model, prompts, answers):
    """How far apart the engines are on each token; asserts that the sure ones come first."""
    found = []
    for prompt, answer in zip(prompts, answers, strict=True):
        said = read(model, prompt, [token for token, _ in answer])
        for row, (token, (first, second)) in zip(said, answer, strict=True):
            if first - second > MARGIN:
                assert int(row.argmax()) == token
            found.append(abs(float(row[token]) - first))
    return found


def test_both_engines_write_the_same_with_the_adapter(model, prompts, written):
    apart = differences(model, prompts, written[1.0])
    assert len(apart) >= TOKENS
    assert max(apart) < CLOSE
    assert np.mean(apart) < MEAN


def test_both_engines_write_the_same_without_it(model, prompts, written):
    with model.disable_adapter():
        apart = differences(model, prompts, written[0.0])
    assert max(apart) < CLOSE
    assert np.mean(apart) < MEAN


def test_the_adapter_is_what_is_compared(model, prompts, written):
    """The model as it came is far from what the adapted one writes."""
    with model.disable_adapter():
        said = [
            abs(float(row[token]) - first)
            for prompt, answer in zip(prompts, written[1.0], strict=True)
            for row, (token, (first, _)) in zip(
                read(model, prompt, [token for token, _ in answer]), answer, strict=True
            )
        ]
    assert np.mean(said) > 5 * MEAN


def test_rows_come_back_in_order():
    rows = np.random.default_rng(1).normal(size=(576, 16))
    assert np.array_equal(unpermuted(permuted(rows, 9), 9), rows)


def test_every_weight_of_the_file_is_read():
    weights, alpha = load_adapter(adapter_file())
    reader = gguf.GGUFReader(str(adapter_file()))
    assert len(weights) == len(reader.tensors)
    assert alpha == reader.fields["adapter.lora.alpha"].contents()
    shapes = {tuple(weight.shape) for weight in weights.values()}
    assert shapes == {tuple(each.data.shape) for each in reader.tensors}


def test_the_reference_chats_are_conversations(encoder):
    found = chats(CHAT_SYSTEM)
    assert len(found) >= 20
    for messages in found:
        roles = [message["role"] for message in messages]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
        assert encoder.example({"messages": messages}).ids
