"""How much memory a model takes, and how much there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from backends.errors import ModelUnavailable
from tools.base import file_size

if TYPE_CHECKING:
    from backends.transformers.config import WeightsConfig

# Bytes a weight, quantised: embeddings and norms stay whole, and the scales come on top.
QUANTISED = {"8bit": 1.15, "4bit": 0.65}
CACHE_SHARE = 0.5
"""Of the memory that is free once the model is loaded, for kept caches unless a setting says."""


def on_gpu(device_map: str) -> bool:
    """Whether the weights go to a GPU."""
    import torch

    return torch.cuda.is_available() and not device_map.startswith("cpu")


def devices() -> str:
    """The GPUs and what of them is in use, or that there are none, in a sentence."""
    import torch

    if not torch.cuda.is_available():
        return "It sees no GPU: weights in safetensors run on the CPU."
    used = []
    for at in range(torch.cuda.device_count()):
        free, whole = torch.cuda.mem_get_info(at)
        name = torch.cuda.get_device_name(at)
        used.append(f"{name}: {file_size(whole - free)} of {file_size(whole)} in use")
    return f"{'; '.join(used)}."


def free_bytes(device_map: str) -> int:
    """Memory that is free where the weights go; that of the host too, where they may spill."""
    import torch

    host = int(psutil.virtual_memory().available)
    if not on_gpu(device_map):
        return host
    cards = sum(torch.cuda.mem_get_info(at)[0] for at in range(torch.cuda.device_count()))
    whole = device_map == "auto" or device_map.startswith("cuda")
    return cards if whole else cards + host


def check_memory(
    auto: Any, settings: Any, folder: Path, name: str, config: WeightsConfig, trusted: bool
) -> Any:
    """The dtype to load in. Raises `ModelUnavailable` when the weights don't fit."""
    import torch

    free = free_bytes(config.device_map)
    if getattr(settings, "quantization_config", None) is not None:
        # A checkpoint that is quantised already: what the files hold is what it takes.
        needed = float(sum(file.stat().st_size for file in folder.glob("*.safetensors")))
        dtype: Any = "auto"
    else:
        with torch.device("meta"):
            empty = auto.from_config(settings, trust_remote_code=trusted)
        weights = empty.num_parameters()
        dtype = _dtype(config, weights * 4 <= free)
        needed = weights * QUANTISED.get(config.quantise, dtype.itemsize)
    if needed > free:
        where = "on the GPU" if on_gpu(config.device_map) else "of memory"
        raise ModelUnavailable(
            f"{name} needs {file_size(int(needed))} {where}, and {file_size(free)} are free. "
            "Choose a smaller model, GLM_QUANTISE=4bit on a GPU, or a GGUF file."
        )
    return dtype


def _dtype(config: WeightsConfig, fits_whole: bool) -> Any:
    """On a GPU bfloat16; on a CPU, which is slow with it, only where float32 does not fit."""
    import torch

    if config.dtype != "auto":
        return getattr(torch, config.dtype)
    if on_gpu(config.device_map):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float32 if fits_whole else torch.bfloat16


def token_bytes(settings: Any, dtype: Any) -> int:
    """What the cache of one token takes: keys and values of all layers."""
    text = settings.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * size * dtype.itemsize)


def cache_rooms(config: WeightsConfig) -> tuple[int, int]:
    """Bytes for kept caches where the model reads them, and aside in the host's memory."""
    host = int(psutil.virtual_memory().available * CACHE_SHARE)
    if not on_gpu(config.device_map):
        return config.cache_mb * 1_000_000 or host, 0
    return config.cache_mb * 1_000_000 or int(free_bytes("cuda") * CACHE_SHARE), host
