"""Converts a peft adapter to a GGUF LoRA: `python -m finetune.export_gguf ADAPTER_FOLDER OUT.gguf`.

Tensors have the names of the base model's, with `.lora_a` and `.lora_b`. In this architecture
llama.cpp orders the rows of query and key differently (for its rotary embedding), so the rows of
their `lora_b` are permuted as well.
"""

from __future__ import annotations

import argparse
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from backends.bundled import NAME, model_file

# llama.cpp's name of each projection, by that of transformers, for the Llama architecture.
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TENSOR = re.compile(r"layers\.(\d+)\.(\w+\.\w+)\.lora_([AB])\.weight$")


def export(adapter: Path, out: Path, base: Path | None = None) -> None:
    """Write the GGUF file.

    Arguments:
        adapter: the folder that peft wrote.
        out: path of the file to write.
        base: the base model's GGUF file; None: the bundled model.

    Raises `ValueError` for a tensor without a name in llama.cpp.
    """
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    heads = heads_of(base or model_file())
    writer = gguf.GGUFWriter(str(out), "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    writer.add_name(f"{NAME} tools")
    writer.add_license("apache-2.0")
    for name, weight in sorted(load_file(adapter / "adapter_model.safetensors").items()):
        found = _TENSOR.search(name)
        if found is None or found[2] not in NAMES:
            raise ValueError(f"{name} has no name in llama.cpp")
        layer, projection, side = found.groups()
        if side == "B" and projection in ("self_attn.q_proj", "self_attn.k_proj"):
            weight = permuted(weight, heads[projection[10]])
        tensor = f"blk.{layer}.{NAMES[projection]}.weight.lora_{side.lower()}"
        writer.add_tensor(tensor, np.ascontiguousarray(weight, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def permuted(weight: Any, heads: int) -> Any:
    """The rows of a weight in llama.cpp's order, with the two halves of each head interleaved.

    Arguments:
        weight: an array of shape (rows, ...).
        heads: number of heads.
    """
    rows = weight.shape[0]
    split = weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:])
    return split.swapaxes(1, 2).reshape(weight.shape)


def unpermuted(weight: Any, heads: int) -> Any:
    """The inverse of `permuted`: the rows in the order of transformers."""
    rows = weight.shape[0]
    split = weight.reshape(heads, rows // heads // 2, 2, *weight.shape[1:])
    return split.swapaxes(1, 2).reshape(weight.shape)


@cache
def heads_of(base: Path) -> dict[str, int]:
    """The numbers of heads of the query (`q`) and the key (`k`), from the base model's file."""
    import gguf

    fields = gguf.GGUFReader(str(base)).fields
    read = {
        "q": fields["llama.attention.head_count"],
        "k": fields["llama.attention.head_count_kv"],
    }
    return {side: int(field.contents()) for side, field in read.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter", type=Path, help="the folder that peft wrote")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    export(options.adapter, options.out)


if __name__ == "__main__":
    main()
