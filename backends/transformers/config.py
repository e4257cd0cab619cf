"""How weights in safetensors are loaded and run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Quantise = Literal["none", "8bit", "4bit"]


@dataclass(frozen=True)
class WeightsConfig:
    """How weights are loaded and run.

    `window` 0 is the model's own. `device_map` "auto" is the GPUs where there are any, else the
    CPU; others go to transformers as they are. `adapter` is the folder or hub name of a LoRA or
    P-tuning adapter. Code of its own runs only for models whose name is in `remote_code`.
    `cache_mb` bounds the kept caches, 0 takes half of what is free once the model is loaded.
    With `compile` decoding goes in compiled steps (see `compiled_decoding`).
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
