"""Loads the bundled model and its adapter in transformers, as a reference for llama.cpp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.bundled import model_file
from finetune.export_gguf import NAMES, heads_of, unpermuted


def load_adapter(path: Path) -> tuple[dict[str, Any], int]:
    """Load a GGUF LoRA.

    Returns its weights in float32, with the names and the order of rows of peft, and its alpha.
    """
    import gguf
    import numpy as np
    import torch

    reader = gguf.GGUFReader(str(path))
    heads = heads_of(model_file())
    projections = {tensor: name for name, tensor in NAMES.items()}
    weights: dict[str, Any] = {}
    for each in reader.tensors:
        _, layer, tensor, _, side = each.name.split(".")
        projection = projections[tensor]
        weight = np.asarray(each.data, dtype=np.float32)
        if side == "lora_b" and tensor in ("attn_q", "attn_k"):
            weight = unpermuted(weight, heads[tensor[-1]])
        name = f"base_model.model.model.layers.{layer}.{projection}.{side[:-1]}{side[-1].upper()}"
        weights[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(weight))
    return weights, int(reader.fields["adapter.lora.alpha"].contents())


def adapted_model(path: Path) -> Any:
    """The bundled model, dequantised, with the adapter in a GGUF file as a peft model.

    Raises `ValueError` for an adapter of another model.
    """
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    from finetune.bundled.train import base_model

    weights, alpha = load_adapter(path)
    rank = next(each.shape[0] for name, each in weights.items() if "lora_A" in name)
    targets = sorted({name.split(".")[-3] for name in weights})
    settings = LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, task_type="CAUSAL_LM")
    model = get_peft_model(base_model(), settings)
    left: Any = set_peft_model_state_dict(model, weights)
    if left.unexpected_keys:
        raise ValueError(f"The adapter has weights of no layer: {left.unexpected_keys[0]}")
    model.eval()
    return model
