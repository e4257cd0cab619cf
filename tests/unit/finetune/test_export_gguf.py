"""A peft adapter as a GGUF LoRA, read back and, on the bundled model, against transformers."""

import json

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from backends.bundled import adapter_file, model_file
from finetune.export_gguf import export, permuted

LIMIT = 20_000_000  # bytes; what the adapter may add to the repository


def adapter(folder, name, weight):
    save_file({name: weight}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"lora_alpha": 32, "r": 2}))
    return folder


def test_rows_of_a_head_are_interleaved():
    rows = np.arange(16).reshape(16, 1)
    assert permuted(rows, 2)[:, 0].tolist() == [
        0,
        4,
        1,
        5,
        2,
        6,
        3,
        7,
        8,
        12,
        9,
        13,
        10,
        14,
        11,
        15,
    ]


@pytest.mark.parametrize(
    ("projection", "side", "tensor", "moved"),
    [
        ("self_attn.q_proj", "B", "blk.3.attn_q.weight.lora_b", True),
        ("self_attn.k_proj", "A", "blk.3.attn_k.weight.lora_a", False),
        ("mlp.down_proj", "B", "blk.3.ffn_down.weight.lora_b", False),
    ],
)
def test_tensors_are_named_and_ordered_as_llama_cpp_has_them(
    tmp_path, projection, side, tensor, moved
):
    weight = np.arange(576 * 2, dtype=np.float32).reshape(576, 2)
    name = f"base_model.model.model.layers.3.{projection}.lora_{side}.weight"
    out = tmp_path / "out.gguf"
    export(adapter(tmp_path, name, weight), out)
    reader = gguf.GGUFReader(str(out))
    (found,) = reader.tensors
    assert found.name == tensor
    wanted = permuted(weight, 9) if moved else weight
    assert np.array_equal(found.data, wanted.astype(np.float16))
    assert reader.fields["adapter.lora.alpha"].contents() == 32


def test_a_tensor_without_a_name_there_is_refused(tmp_path):
    name = "base_model.model.model.embed_tokens.lora_A.weight"
    with pytest.raises(ValueError, match="embed_tokens"):
        export(adapter(tmp_path, name, np.zeros((2, 2), np.float32)), tmp_path / "out.gguf")


def test_the_shipped_adapter_fits_the_bundled_model():
    path = adapter_file()
    assert path is not None
    assert path.stat().st_size <= LIMIT
    base = {each.name for each in gguf.GGUFReader(str(model_file())).tensors}
    tensors = {each.name for each in gguf.GGUFReader(str(path)).tensors}
    assert tensors
    assert {name.removesuffix(".lora_a").removesuffix(".lora_b") for name in tensors} <= base
