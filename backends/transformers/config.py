"""Options for loading and running weights in safetensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Quantise = Literal["none", "8bit", "4bit"]


@dataclass(frozen=True)
class WeightsConfig:
    """Options for loading and running weights.

    `window` is the context window in tokens, 0 for the model's own. `slots` answers are generated
    at the same time. `device_map` "auto" is the GPUs if there are any, else the CPU; other values
    go to transformers unchanged. `adapter` is the folder or hub name of a LoRA or P-tuning
    adapter. A model's own Python code runs only if its name is in `remote_code`. `cache_mb` is
    the size of the cached prefixes in MB, 0 for half of the memory that is free after loading.
    `yarn` is by how much YaRN stretches the window, 1 for not at all.
    `compile` turns on compiled decoding (see `compiled_decoding`).
    """

    window: int = 0
    slots: int = 4
    dtype: Dtype = "auto"
    device_map: str = "auto"
    quantise: Quantise = "none"
    attention: str = "auto"
    adapter: str = ""
    remote_code: frozenset[str] = frozenset()
    cache_mb: int = 0
    compile: bool = False
    yarn: float = 1.0
