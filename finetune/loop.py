"""The training loop for causal language models, with checkpoints and a log.

`log.jsonl` has a JSON object per step (step, loss, learning rate, tokens per second) and per
validation (step, validation loss). A run may be limited in minutes; the learning rate then decays
with the time, so that it is low at the end on machines of any speed.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from finetune.examples import IGNORED, Example
from finetune.packed_attention import packed_attention, positions

log = logging.getLogger(__name__)

WARM_UP = 0.04  # share of the run in which the learning rate rises
LENGTH_MULTIPLE = 64  # lengths are padded to it: on a CPU, each new shape takes memory for good


@dataclass(frozen=True)
class TrainingConfig:
    """Options of `train`.

    Attributes:
        epochs: passes over the examples.
        batch: examples per forward pass.
        accumulate: batches per optimizer step.
        rate: peak learning rate.
        minutes: limit of the training time; 0: none.
        save_every: steps between two checkpoints; 0: none.
        validate_every: steps between two validations; 0: only at the end.
        bf16: whether to compute in bfloat16, with autocast.
        seed: seed of the order of the examples.
        clip: maximum norm of the gradients.
        decay: weight decay.
    """

    epochs: float = 1.0
    batch: int = 1
    accumulate: int = 1
    rate: float = 5e-4
    minutes: float = 0.0
    save_every: int = 50
    validate_every: int = 50
    bf16: bool = False
    seed: int = 1
    clip: float = 1.0
    decay: float = 0.0


def train(
    model: Any,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    config: TrainingConfig,
    folder: Path,
    report: Callable[[str], None] = log.info,
) -> float:
    """Train the weights of `model` that require gradients.

    Arguments:
        model: a causal language model of transformers or peft.
        examples: the training data.
        held_out: examples for validation; may be empty.
        config: options.
        folder: folder of the checkpoint and the log; training resumes from its checkpoint.
        report: takes each line of the log.

    Returns the mean loss per learned token: of the last validation, or of the last step without
    one.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: each for name, each in model.named_parameters() if each.requires_grad}
    optimizer = torch.optim.AdamW(weights.values(), lr=config.rate, weight_decay=config.decay)
    rank, ranks = _rank()
    step_size = config.batch * config.accumulate * ranks
    steps = max(1, math.ceil(len(examples) * config.epochs / step_size))
    done, spent = _resume(folder / "checkpoint.pt", weights, optimizer)
    began = time.monotonic() - spent
    order = _order(len(examples), steps * step_size, config.seed)
    loss = validation = float("nan")
    model.train()
    for step in range(done, steps):
        progress = step / steps
        if config.minutes:
            progress = max(progress, (time.monotonic() - began) / (60 * config.minutes))
        if _any(progress >= 1, ranks):
            break
        rate = config.rate * min(1.0, progress / WARM_UP + 0.02) * (1 - progress)
        for group in optimizer.param_groups:
            group["lr"] = rate
        indices = order[step * step_size : (step + 1) * step_size][rank::ranks]
        step_began = time.monotonic()
        loss, tokens = _step(model, [examples[index] for index in indices], config)
        _average_gradients(weights.values(), ranks)
        torch.nn.utils.clip_grad_norm_(list(weights.values()), config.clip)
        optimizer.step()
        optimizer.zero_grad()
        done = step + 1
        seconds = time.monotonic() - step_began
        if rank == 0:
            speed = tokens * ranks / seconds
            _log(folder, report, step=step, loss=loss, rate=rate, tokens_per_second=speed)
        if (
            rank == 0
            and config.validate_every
            and held_out
            and (step + 1) % config.validate_every == 0
        ):
            validation = evaluate(model, held_out, config)
            _log(folder, report, step=step, validation=validation)
        if rank == 0 and config.save_every and (step + 1) % config.save_every == 0:
            _save(folder / "checkpoint.pt", weights, optimizer, step + 1, time.monotonic() - began)
    if held_out and rank == 0:
        validation = evaluate(model, held_out, config)
        _log(folder, report, step=done, validation=validation)
    return loss if math.isnan(validation) else validation


def _rank() -> tuple[int, int]:
    """The rank of this process, and the number of processes (see `torch.distributed`)."""
    import torch.distributed as group

    if not (group.is_available() and group.is_initialized()):
        return 0, 1
    return group.get_rank(), group.get_world_size()


def _average_gradients(weights: Iterable[Any], ranks: int) -> None:
    """Replace the gradients by their mean over all processes."""
    if ranks == 1:
        return
    import torch.distributed as group

    for each in weights:
        group.all_reduce(each.grad)
        each.grad /= ranks


def _any(flag: bool, ranks: int) -> bool:
    """Whether the flag is set in any process; their clocks differ."""
    if ranks == 1:
        return flag
    import torch
    import torch.distributed as group

    count = torch.tensor(int(flag))
    group.all_reduce(count)
    return bool(count)


def evaluate(model: Any, examples: Sequence[Example], config: TrainingConfig) -> float:
    """The mean cross entropy per learned token, in nats."""
    import torch

    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for example in examples:
            learned = sum(label != IGNORED for label in example.labels[1:])
            total += float(_loss(model, [example], config)) * learned
            count += learned
    model.train()
    return total / max(1, count)


def _step(model: Any, examples: Sequence[Example], config: TrainingConfig) -> tuple[float, int]:
    """Compute the gradients of one step, in which all learned tokens have the same weight.

    Returns the mean loss, and the number of tokens.
    """
    starts = range(0, len(examples), config.batch)
    batches = [examples[start : start + config.batch] for start in starts]
    learned = [sum(label != IGNORED for each in b for label in each.labels[1:]) for b in batches]
    all_learned, total, tokens = sum(learned), 0.0, 0
    for batch, count in zip(batches, learned, strict=True):
        if count == 0:
            continue
        loss = _loss(model, batch, config) * (count / all_learned)
        loss.backward()
        total += float(loss.detach())
        tokens += sum(len(each.ids) for each in batch)
    return total, tokens


def _loss(model: Any, batch: Sequence[Example], config: TrainingConfig) -> Any:
    """The mean cross entropy of the learned tokens. Where the model's output layer is accessible,
    it is computed for these tokens only."""
    import torch

    inputs, labels = _tensors(model, batch)
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    with (
        torch.autocast(labels.device.type, dtype=torch.bfloat16, enabled=config.bf16),
        packed_attention(plain) if "branches" in inputs else nullcontext(),
    ):
        virtual = getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False)
        body, head = getattr(plain, "model", None), plain.get_output_embeddings()
        if virtual or body is None or head is None or getattr(plain.config, "logit_scale", None):
            return model(**inputs, labels=labels).loss
        hidden = body(**inputs).last_hidden_state
        learned = labels[:, 1:] != IGNORED
        logits = head(hidden[:, :-1][learned])
        return torch.nn.functional.cross_entropy(logits.float(), labels[:, 1:][learned])


def _tensors(model: Any, batch: Sequence[Example]) -> tuple[dict[str, Any], Any]:
    """The model's inputs, and the labels, of shape (examples, padded length)."""
    import torch

    device = next(model.parameters()).device
    length = math.ceil(max(len(each.ids) for each in batch) / LENGTH_MULTIPLE)
    length *= LENGTH_MULTIPLE
    ids = torch.zeros((len(batch), length), dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORED)
    for row, each in enumerate(batch):
        size = len(each.ids)
        ids[row, :size] = torch.tensor(each.ids)
        labels[row, :size] = torch.tensor(each.labels)
        mask[row, :size] = 1
    inputs: dict[str, Any] = {"input_ids": ids.to(device)}
    if any(each.branches for each in batch):
        places = [positions(each.branches, length) for each in batch]
        inputs["position_ids"] = torch.stack(places).to(device)
        inputs["branches"] = [each.branches for each in batch]
    elif len(batch) > 1:
        # A single example needs no mask: attention is causal, and its padding is at the end.
        inputs["attention_mask"] = mask.to(device)
    return inputs, labels.to(device)


def _order(count: int, wanted: int, seed: int) -> list[int]:
    """`wanted` indices of examples; each pass over all `count` examples is shuffled anew."""
    random, order = Random(seed), list[int]()
    while len(order) < wanted:
        once = list(range(count))
        random.shuffle(once)
        order += once
    return order[:wanted]


def _log(folder: Path, report: Callable[[str], None], **values: float) -> None:
    line = json.dumps({name: round(value, 6) for name, value in values.items()})
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    report(line)


def _save(path: Path, weights: dict[str, Any], optimizer: Any, done: int, spent: float) -> None:
    import torch

    state = {
        "weights": {name: each.detach().cpu() for name, each in weights.items()},
        "optimizer": optimizer.state_dict(),
        "done": done,
        "spent": spent,
    }
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _resume(path: Path, weights: dict[str, Any], optimizer: Any) -> tuple[int, float]:
    """Load a checkpoint, if there is one. Returns the steps done, and the seconds they took."""
    import torch

    if not path.is_file():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    with torch.no_grad():
        for name, each in weights.items():
            each.copy_(state["weights"][name])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["done"]), float(state["spent"])
