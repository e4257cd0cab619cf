"""The training loop: causal language model in, trained weights out; it resumes where it stopped.

Progress is a line of JSON a logged step in `log.jsonl`: step, loss, rate, tokens a second, and
at each validation the loss there. A run may be bounded in minutes; the learning rate then falls
with the clock, so that it is low at the end however fast the machine is.
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
from finetune.packed_attention import attending, positions

log = logging.getLogger(__name__)

WARM_UP = 0.04  # of the run
SHAPE = 64  # lengths are padded to multiples: each new shape costs a CPU memory for good


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. `batch` examples are read at once, `accumulate` batches make a step.

    `minutes` 0 is no limit. `save_every` steps a checkpoint is written, `validate_every` steps
    the held-back examples are read; 0 is never.
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
    held_back: Sequence[Example],
    config: TrainingConfig,
    folder: Path,
    tell: Callable[[str], None] = log.info,
) -> float:
    """Trains what of `model` asks for gradients; returns the last validation's loss, or the
    last step's. Checkpoints and the log lie in `folder`; one that is there is gone on from."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: each for name, each in model.named_parameters() if each.requires_grad}
    optimizer = torch.optim.AdamW(weights.values(), lr=config.rate, weight_decay=config.decay)
    rank, ranks = _place()
    taken = config.batch * config.accumulate * ranks
    steps = max(1, math.ceil(len(examples) * config.epochs / taken))
    done, spent = _resume(folder / "checkpoint.pt", weights, optimizer)
    began = time.monotonic() - spent
    order = _order(len(examples), steps * taken, config.seed)
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
        chosen = [examples[at] for at in order[step * taken : (step + 1) * taken]][rank::ranks]
        at = time.monotonic()
        loss, tokens = _step(model, chosen, config)
        _share(weights.values(), ranks)
        torch.nn.utils.clip_grad_norm_(list(weights.values()), config.clip)
        optimizer.step()
        optimizer.zero_grad()
        done = step + 1
        seconds = time.monotonic() - at
        if rank == 0:
            speed = tokens * ranks / seconds
            _note(folder, tell, step=step, loss=loss, rate=rate, tokens_per_second=speed)
        if (
            rank == 0
            and config.validate_every
            and held_back
            and (step + 1) % config.validate_every == 0
        ):
            validation = evaluate(model, held_back, config)
            _note(folder, tell, step=step, validation=validation)
        if rank == 0 and config.save_every and (step + 1) % config.save_every == 0:
            _save(folder / "checkpoint.pt", weights, optimizer, step + 1, time.monotonic() - began)
    if held_back and rank == 0:
        validation = evaluate(model, held_back, config)
        _note(folder, tell, step=done, validation=validation)
    return loss if math.isnan(validation) else validation


def _place() -> tuple[int, int]:
    """Which process this is, and of how many that train together (see torch.distributed)."""
    import torch.distributed as group

    if not (group.is_available() and group.is_initialized()):
        return 0, 1
    return group.get_rank(), group.get_world_size()


def _share(weights: Iterable[Any], ranks: int) -> None:
    """Gradients become their mean over all processes."""
    if ranks == 1:
        return
    import torch.distributed as group

    for each in weights:
        group.all_reduce(each.grad)
        each.grad /= ranks


def _any(flag: bool, ranks: int) -> bool:
    """Whether the flag is set in any of the processes, whose clocks differ."""
    if ranks == 1:
        return flag
    import torch
    import torch.distributed as group

    count = torch.tensor(int(flag))
    group.all_reduce(count)
    return bool(count)


def evaluate(model: Any, examples: Sequence[Example], config: TrainingConfig) -> float:
    """The mean loss a learned token."""
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


def _step(model: Any, chosen: Sequence[Example], config: TrainingConfig) -> tuple[float, int]:
    """Gradients of one step, each learned token weighing the same; its loss and its tokens."""
    batches = [chosen[at : at + config.batch] for at in range(0, len(chosen), config.batch)]
    learned = [sum(label != IGNORED for each in b for label in each.labels[1:]) for b in batches]
    whole, total, tokens = sum(learned), 0.0, 0
    for batch, part in zip(batches, learned, strict=True):
        if part == 0:
            continue
        loss = _loss(model, batch, config) * (part / whole)
        loss.backward()
        total += float(loss.detach())
        tokens += sum(len(each.ids) for each in batch)
    return total, tokens


def _loss(model: Any, batch: Sequence[Example], config: TrainingConfig) -> Any:
    """Cross entropy of the learned tokens; the output layer is computed for them alone, where
    the model can be taken apart."""
    import torch

    inputs, labels = _tensors(model, batch)
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    with (
        torch.autocast(labels.device.type, dtype=torch.bfloat16, enabled=config.bf16),
        attending(plain) if "branches" in inputs else nullcontext(),
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
    """What the model reads, and the labels: shape (examples, longest length)."""
    import torch

    device = next(model.parameters()).device
    length = math.ceil(max(len(each.ids) for each in batch) / SHAPE) * SHAPE
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
        # Alone, the padding is behind all that looks back, and a mask would only cost time.
        inputs["attention_mask"] = mask.to(device)
    return inputs, labels.to(device)


def _order(count: int, wanted: int, seed: int) -> list[int]:
    """Indices for so many examples: shuffled anew each time all were read."""
    random, order = Random(seed), list[int]()
    while len(order) < wanted:
        once = list(range(count))
        random.shuffle(once)
        order += once
    return order[:wanted]


def _note(folder: Path, tell: Callable[[str], None], **values: float) -> None:
    line = json.dumps({name: round(value, 6) for name, value in values.items()})
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    tell(line)


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
    """Steps done before, and the seconds they took."""
    import torch

    if not path.is_file():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    with torch.no_grad():
        for name, each in weights.items():
            each.copy_(state["weights"][name])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["done"]), float(state["spent"])
