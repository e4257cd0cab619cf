"""Fine-tunes a causal language model on conversations: `python -m finetune`.

    python -m finetune --model MODEL --data DATA.jsonl --out FOLDER
    python -m finetune settings.yaml --rate 1e-4

MODEL is whatever transformers loads, GLM-4 included. Each line of DATA is one conversation:
`messages` (roles `system`, `user`, `assistant` with `content` or `tool_calls`, `tool`) and
`tools`, both as the OpenAI API has them. Models of the GLM-4 family learn GLM-4's own turns,
others their chat template with our compact list of tools. Only the assistant's words are learned.

The settings are those of `Settings`; a YAML file has them by name, and the command line wins.
FOLDER gets checkpoints while it trains (the same command goes on from the last one), `log.jsonl`,
and the result in `adapter` (LoRA, P-tuning) or `model` (full).
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
    """Settings or data that can't be used; its text says which, in one sentence."""


@dataclass(frozen=True)
class Settings:
    """All that can be set. `validation` is the share of the conversations that is held back."""

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
    """Trains and writes; returns the folder of the result. Raises `BadSettings`."""
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
    held_back = round(len(examples) * settings.validation)
    if held_back == len(examples):
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
    train(model, examples[held_back:], examples[:held_back], config, out, print)
    result = out / ("model" if settings.method == "full" else "adapter")
    model.save_pretrained(str(result))
    tokenizer.save_pretrained(str(result))
    return result


def prepared(model: Any, settings: Settings) -> Any:
    """The model with the weights that are to learn, in float32."""
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
    """The conversations of a JSONL file; too long ones are left out. Raises `BadSettings`."""
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
    """Settings of a command line, and of the YAML file it may begin with. Raises `BadSettings`."""
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
        # YAML reads 2e-4 as a text, and 1 where 1.0 was meant.
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
