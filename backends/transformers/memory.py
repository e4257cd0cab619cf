"""The memory that a model needs, and the memory that is free."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from backends.errors import ModelUnavailable
from tools.base import file_size

if TYPE_CHECKING:
    from backends.transformers.config import WeightsConfig

# Bytes per quantised weight: embeddings and norms keep their dtype, and there are the scales.
QUANTISED_BYTES = {"8bit": 1.15, "4bit": 0.65}
CACHE_SHARE = 0.5
"""The share of the memory free after loading for cached prefixes, unless `cache_mb` is set."""


def on_gpu(device_map: str) -> bool:
    """Whether the weights go to a GPU."""
    import torch

    return torch.cuda.is_available() and not device_map.startswith("cpu")


def devices() -> str:
    """A sentence on the GPUs and the use of their memory, or on their absence."""
    import torch

    if not torch.cuda.is_available():
        return "It sees no GPU: weights in safetensors run on the CPU."
    used = []
    for index in range(torch.cuda.device_count()):
        free, whole = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        used.append(f"{name}: {file_size(whole - free)} of {file_size(whole)} in use")
    return f"{'; '.join(used)}."


def free_bytes(device_map: str) -> int:
    """Free bytes on the device of the weights, with the host's where weights may be offloaded."""
    import torch

    host = int(psutil.virtual_memory().available)
    if not on_gpu(device_map):
        return host
    cards = sum(torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count()))
    gpu_only = device_map == "auto" or device_map.startswith("cuda")
    return cards if gpu_only else cards + host


def check_memory(
    auto: Any, settings: Any, folder: Path, name: str, config: WeightsConfig, trusted: bool
) -> Any:
    """The dtype to load in. Raises `ModelUnavailable` when the weights don't fit."""
    import torch

    free = free_bytes(config.device_map)
    if getattr(settings, "quantization_config", None) is not None:
        # A quantised checkpoint takes as much memory as its files.
        needed = float(sum(file.stat().st_size for file in folder.glob("*.safetensors")))
        dtype: Any = "auto"
    else:
        with torch.device("meta"):
            empty = auto.from_config(settings, trust_remote_code=trusted)
        weights = empty.num_parameters()
        dtype = _dtype(config, weights * 4 <= free)
        needed = weights * QUANTISED_BYTES.get(config.quantise, dtype.itemsize)
    if needed > free:
        where = "on the GPU" if on_gpu(config.device_map) else "of memory"
        raise ModelUnavailable(
            f"{name} needs {file_size(int(needed))} {where}, and {file_size(free)} are free. "
            "Choose a smaller model, GLM_QUANTISE=4bit on a GPU, or a GGUF file."
        )
    return dtype


def _dtype(config: WeightsConfig, fits_whole: bool) -> Any:
    """bfloat16 on a GPU; on a CPU, where it is slow, only if float32 does not fit."""
    import torch

    if config.dtype != "auto":
        return getattr(torch, config.dtype)
    if on_gpu(config.device_map):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float32 if fits_whole else torch.bfloat16


def token_bytes(settings: Any, dtype: Any) -> int:
    """Bytes of one token in the cache: keys and values of all layers."""
    text = settings.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * size * dtype.itemsize)


def cache_sizes(config: WeightsConfig) -> tuple[int, int]:
    """Bytes for cached prefixes: on the model's device, and for those moved to the host."""
    host = int(psutil.virtual_memory().available * CACHE_SHARE)
    if not on_gpu(config.device_map):
        return config.cache_mb * 1_000_000 or host, 0
    return config.cache_mb * 1_000_000 or int(free_bytes("cuda") * CACHE_SHARE), host
