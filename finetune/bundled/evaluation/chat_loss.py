"""Measures the loss on the answers of `chat.txt`, with the adapter and without.

The prompt is that of Chat mode, without tools, so the difference shows whether the training harms
plain conversation. It is measured in transformers, because llama.cpp gives no loss of a prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.bundled import model_file
from finetune.bundled.reference_model import adapted_model
from finetune.examples import Encoder, load_tokenizer

CHATS = Path(__file__).with_name("chat.txt")


@dataclass(frozen=True)
class ChatLoss:
    """The mean loss in nats per token of the answers, without and with the adapter."""

    plain: float
    adapted: float

    def __str__(self) -> str:
        return (
            "| Chat, loss on reference answers | nats a token |\n| --- | ---: |\n"
            f"| without the adapter | {self.plain:.3f} |\n| with it | {self.adapted:.3f} |"
        )


def chat_loss(adapter: Path, system: str) -> ChatLoss:
    """Measure the loss.

    Arguments:
        adapter: path of the GGUF LoRA.
        system: the system prompt of Chat mode.
    """
    from finetune.loop import TrainingConfig, evaluate

    encoder = Encoder(load_tokenizer(model_file()))
    examples = [encoder.example({"messages": messages}) for messages in chats(system)]
    model = adapted_model(adapter)
    adapted = evaluate(model, examples, TrainingConfig())
    with model.disable_adapter():
        return ChatLoss(evaluate(model, examples, TrainingConfig()), adapted)


def chats(system: str, path: Path = CHATS) -> list[list[dict[str, Any]]]:
    """The conversations of a file, as messages, each after the system prompt."""
    lines = path.read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    found = []
    for block in text.strip().split("\n\n"):
        messages: list[dict[str, Any]] = [{"role": "system", "content": system}]
        for line in block.splitlines():
            if line.startswith("> "):
                messages.append({"role": "user", "content": line[2:]})
            elif messages[-1]["role"] == "assistant":
                messages[-1]["content"] += f"\n{line}"
            else:
                messages.append({"role": "assistant", "content": line})
        found.append(messages)
    return found
