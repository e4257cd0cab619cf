"""Trains the bundled model's adapter: `python -m finetune.bundled.train DATA.jsonl FOLDER`."""

from __future__ import annotations

import argparse
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from backends.bundled import model_file
from finetune.examples import Encoder, Example, load_tokenizer, packed
from finetune.loop import TrainingConfig, train

RANK = 16
ALPHA = 32
WINDOW = 1024  # tokens of an example; longer conversations are left out
HELD_OUT = 10  # examples for validation


def base_model() -> Any:
    """The bundled model in transformers, dequantised to float32."""
    import torch
    from transformers import AutoModelForCausalLM

    path = model_file()
    return AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32
    )


def with_adapter(model: Any) -> Any:
    """The model with a new LoRA on all linear layers, as a peft model."""
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, settings)


def examples_in(path: Path) -> list[Example]:
    """The examples in a file of `data.generate`: the conversations of each line, which share
    their tools, are packed."""
    encoder = Encoder(load_tokenizer(model_file()))
    found: list[Example] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            family = json.loads(line)
            branches = [
                encoder.example({"messages": messages, "tools": family["tools"]})
                for messages in family["conversations"]
            ]
            found += packed(branches, WINDOW)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path, help="for checkpoints, the log and the adapter")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=0.0, help="0 for no limit")
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    if "RANK" in os.environ:  # under torchrun: one process per core is faster than threads
        torch.distributed.init_process_group("gloo", timeout=timedelta(hours=1))
    examples = examples_in(options.data)
    print(len(examples), "conversations,", sum(len(e.ids) for e in examples), "tokens", flush=True)
    model = with_adapter(base_model())
    cuda = torch.cuda.is_available()
    model.to("cuda" if cuda else "cpu")
    config = TrainingConfig(
        epochs=options.epochs,
        minutes=options.minutes,
        rate=options.rate,
        accumulate=options.accumulate,
        seed=options.seed,
        bf16=cuda,
        validate_every=0,
        save_every=10,
    )
    train(
        model,
        examples[HELD_OUT:],
        examples[:HELD_OUT],
        config,
        options.folder,
        lambda line: print(line, flush=True),
    )
    if int(os.environ.get("RANK", "0")) == 0:
        model.save_pretrained(str(options.folder / "adapter"))


if __name__ == "__main__":
    main()
