"""Conversations that share their beginning are read as one, and learned as if each stood alone."""

import json

import pytest

from finetune.examples import IGNORED, Example, packed
from finetune.loop import TrainingConfig, evaluate, train

WINDOW = 40


def conversation(shared, own, learned):
    ids = (*shared, *own)
    labels = [IGNORED] * len(ids)
    for at in learned:
        labels[at] = ids[at]
    return Example(ids, tuple(labels))


SHARED = tuple(range(2, 12))
ALONE = [
    conversation(SHARED, (20, 21, 22, 23, 24), learned=(13, 14)),
    conversation(SHARED, (20, 31, 32), learned=(12,)),
    conversation(SHARED, (40, 41, 42, 43, 44, 45, 46), learned=(14, 15, 16)),
    conversation(SHARED, (50, 51), learned=(11,)),
]


@pytest.fixture
def model():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
    )
    return LlamaForCausalLM(config)


def test_the_beginning_stands_once_and_nothing_is_longer_than_the_window():
    made = packed(ALONE, WINDOW)
    assert len(made) == 1
    assert made[0].ids == (*SHARED, 20, 21, 22, 23, 24, 20, 31, 32, *range(40, 47), 50, 51)
    assert made[0].branches == (10, 15, 18, 25)
    assert all(len(example.ids) <= 20 for example in packed(ALONE, 20))
    assert sum(len(example.branches) for example in packed(ALONE, 20)) == len(ALONE)


def test_what_is_too_long_is_left_out():
    assert packed([*ALONE, conversation(range(60), (), learned=(50,))], WINDOW) == packed(
        ALONE, WINDOW
    )
    assert packed([], WINDOW) == []


def test_a_learned_token_never_follows_on_another_conversation():
    alike = [conversation(SHARED, (20, 21), learned=(11,)) for _ in range(3)]
    for example in packed(alike, WINDOW):
        assert all(example.labels[at] == IGNORED for at in example.branches)


def test_the_loss_is_that_of_the_conversations_alone(model):
    config = TrainingConfig()
    assert evaluate(model, packed(ALONE, WINDOW), config) == pytest.approx(
        evaluate(model, ALONE, config), rel=1e-5
    )
    several = TrainingConfig(batch=3)
    assert evaluate(model, packed(ALONE, 20), several) == pytest.approx(
        evaluate(model, ALONE, config), rel=1e-5
    )


def test_training_on_packed_conversations_learns_them(model, tmp_path):
    config = TrainingConfig(epochs=60, rate=1e-2, validate_every=0, save_every=0)
    before = evaluate(model, ALONE, config)
    train(model, packed(ALONE, WINDOW), [], config, tmp_path)
    assert evaluate(model, ALONE, config) < before / 4
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").open()]
    assert len(losses) == 60
