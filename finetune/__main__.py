"""Fine-tunes a causal language model on conversations: `python -m finetune`.

    python -m finetune --model MODEL --data DATA.jsonl --out FOLDER
    python -m finetune settings.yaml --rate 1e-4

MODEL is any causal language model that transformers loads, GLM-4 included. Each line of DATA is a
conversation in the form of the OpenAI API: `messages` (roles `system`, `user`, `assistant` with
`content` or `tool_calls`, `tool`) and `tools`. Models of the GLM-4 family are trained with GLM-4's
own turns, others with their chat template and our compact list of tools. The loss covers only the
assistant's turns.

The options are those of `Settings`; a YAML file has them by name, and the command line overrides
it. FOLDER gets checkpoints during training (the same command resumes from the last one),
`log.jsonl`, and the result in `adapter` (LoRA, P-tuning) or `model` (full).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

from finetune.examples import Encoder, Example
from finetune.loop import TrainingConfig, train

Method = Literal["lora", "p-tuning", "full"]


class BadSettings(Exception):
    """Settings or data that can't be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Settings:
    """The options of a training run.

    Attributes:
        model: hub name or folder of the model.
        data: path of the JSONL file with conversations.
        out: folder for checkpoints, the log and the result.
        method: which weights are trained.
        rank: rank of LoRA.
        alpha: scale of LoRA.
        virtual_tokens: number of virtual tokens of P-tuning.
        rate: peak learning rate.
        epochs: passes over the data.
        batch: conversations per forward pass.
        accumulate: batches per optimizer step.
        window: tokens of the longest conversation; longer ones are left out.
        validation: share of the conversations that is held out for validation, 0 to 1.
        save_every: steps between two checkpoints; 0: none.
        validate_every: steps between two validations; 0: only at the end.
        bf16: whether to compute in bfloat16.
        trust_remote_code: whether transformers may run code of the model's repository.
        seed: seed of the shuffling and the initial weights.
    """

    model: str
    data: str
    out: str
    method: Method = "lora"
    rank: int = 16
    alpha: int = 32
    virtual_tokens: int = 20
    rate: float = 2e-4
    epochs: float = 1.0
    batch: int = 1
    accumulate: int = 8
    window: int = 4096
    validation: float = 0.05
    save_every: int = 50
    validate_every: int = 50
    bf16: bool = False
    trust_remote_code: bool = False
    seed: int = 1


def finetune(settings: Settings) -> Path:
    """Train a model. Returns the folder of the result. Raises `BadSettings`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(settings.seed)
    remote = settings.trust_remote_code
    try:
        tokenizer = AutoTokenizer.from_pretrained(settings.model, trust_remote_code=remote)
        model = AutoModelForCausalLM.from_pretrained(settings.model, trust_remote_code=remote)
    except (OSError, ValueError) as error:
        sentence = str(error).strip().split("\n")[0]
        raise BadSettings(f"transformers can't load {settings.model}: {sentence}") from error
    if tokenizer.chat_template is None:
        raise BadSettings(f"The tokenizer of {settings.model} has no chat template.")
    examples = read(Path(settings.data), Encoder(tokenizer), settings.window)
    Random(settings.seed).shuffle(examples)
    held_out = round(len(examples) * settings.validation)
    if held_out == len(examples):
        raise BadSettings("No conversation is left to learn from; make `validation` smaller.")
    cuda = torch.cuda.is_available()
    if settings.bf16 and settings.method != "full":
        model = model.bfloat16()
    model = prepared(model, settings).to("cuda" if cuda else "cpu")
    out = Path(settings.out)
    config = TrainingConfig(
        epochs=settings.epochs,
        batch=settings.batch,
        accumulate=settings.accumulate,
        rate=settings.rate,
        save_every=settings.save_every,
        validate_every=settings.validate_every,
        bf16=settings.bf16,
        seed=settings.seed,
    )
    train(model, examples[held_out:], examples[:held_out], config, out, print)
    result = out / ("model" if settings.method == "full" else "adapter")
    model.save_pretrained(str(result))
    tokenizer.save_pretrained(str(result))
    return result


def prepared(model: Any, settings: Settings) -> Any:
    """The model for the training method, with its trainable weights in float32."""
    import torch
    from peft import LoraConfig, PromptEncoderConfig, TaskType, get_peft_model

    if settings.method == "full":
        return model.float()
    if settings.method == "lora":
        chosen: Any = LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            target_modules="all-linear",
            task_type=TaskType.CAUSAL_LM,
        )
    else:
        chosen = PromptEncoderConfig(
            task_type=TaskType.CAUSAL_LM,
            num_virtual_tokens=settings.virtual_tokens,
            encoder_hidden_size=model.config.hidden_size,
        )
    adapted = get_peft_model(model, chosen)
    for weight in adapted.parameters():
        if weight.requires_grad:
            weight.data = weight.data.to(torch.float32)
    return adapted


def read(path: Path, encoder: Encoder, window: int) -> list[Example]:
    """The conversations of a JSONL file.

    Arguments:
        path: path of the file.
        encoder: encodes conversations.
        window: tokens of the longest conversation; longer ones are left out.

    Raises `BadSettings`.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadSettings(f"{path.name} can't be read as UTF-8 text.") from None
    examples: list[Example] = []
    too_long = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            example = encoder.example(json.loads(line))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            kind = type(error).__name__
            raise BadSettings(
                f"Line {number} of {path.name} is no conversation ({kind}: {error})."
            ) from error
        if len(example.ids) > window:
            too_long += 1
        else:
            examples.append(example)
    if too_long:
        print(f"{too_long} conversations of more than {window} tokens are left out.")
    if not examples:
        raise BadSettings(f"{path.name} holds no conversation that can be used.")
    return examples


def settings_from(arguments: Sequence[str]) -> Settings:
    """The settings of a command line, which may begin with a YAML file. Raises `BadSettings`."""
    parser = argparse.ArgumentParser(
        prog="python -m finetune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("settings", nargs="?", type=Path, help="a YAML file")
    for each in fields(Settings):
        name = f"--{each.name.replace('_', '-')}"
        if each.type == "bool":
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=None)
        else:
            kind = {"int": int, "float": float}.get(str(each.type), str)
            choices = get_args(Method) if each.type == "Method" else None
            parser.add_argument(name, type=kind, choices=choices)
    options = vars(parser.parse_args(arguments))
    values = _from_yaml(options.pop("settings"))
    values |= {name: value for name, value in options.items() if value is not None}
    for each in fields(Settings):
        if each.default is MISSING and each.name not in values:
            raise BadSettings(f"The setting {each.name} is missing.")
    return Settings(**values)


def _from_yaml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    import yaml  # type: ignore[import-untyped]

    try:
        values = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise BadSettings(f"{path.name} can't be read as YAML.") from None
    kinds = {each.name: str(each.type) for each in fields(Settings)}
    if not isinstance(values, dict) or set(values) - set(kinds):
        unknown = ", ".join(sorted(map(str, set(values) - set(kinds)))) if values else "nothing"
        raise BadSettings(f"{path.name} has settings that are not known: {unknown}.")
    checks = {"int": int, "float": float, "bool": bool, "str": str, "Method": str}
    for name, value in values.items():
        # YAML 1.1 reads 2e-4 as a string, and 1 as an integer.
        wanted = checks[kinds[name]]
        try:
            values[name] = wanted(value) if wanted is not bool else value
        except (TypeError, ValueError):
            raise BadSettings(f"The setting {name} can't be {value!r}.") from None
        if wanted is bool and not isinstance(value, bool):
            raise BadSettings(f"The setting {name} is true or false, not {value!r}.")
    if values.get("method", "lora") not in get_args(Method):
        raise BadSettings(f"The method is one of {', '.join(get_args(Method))}.")
    return values


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        print(f"Written: {finetune(settings_from(arguments or sys.argv[1:]))}")
    except BadSettings as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
