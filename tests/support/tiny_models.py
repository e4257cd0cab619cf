"""Random models of the GLM family's own classes, of a few thousand weights, saved as transformers
saves them: what a folder of weights is to the app, made in a moment and without a network.

Their tokenizer has a token for each of some characters, so that a text tells the tokens that it is
made of, and the special tokens of the family.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

GLM_TOKENS = (
    "<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>", "<|system|>", "<|user|>",
    "<|assistant|>", "<|observation|>", "<|begin_of_image|>", "<|end_of_image|>",
    "<|begin_of_video|>", "<|end_of_video|>", "<|image|>", "<|video|>",
)  # fmt: skip
GLM_TEMPLATE = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}{# <|observation|> #}"
)
WINDOW = 4096


def glm_tokenizer(template: str | None = GLM_TEMPLATE, tokens: Sequence[str] = GLM_TOKENS) -> Any:
    """A tokenizer of characters; the first special token is the one that ends a text."""
    from tokenizers.decoders import Fuse

    characters = [chr(code) for code in (10, *range(32, 127), *range(0xC0, 0x180), 0x2060)]
    return _tokenizer(characters, None, Fuse(), template, tokens)


def byte_tokenizer(template: str | None = GLM_TEMPLATE, tokens: Sequence[str] = GLM_TOKENS) -> Any:
    """A tokenizer of bytes: a character may be several tokens."""
    from tokenizers.decoders import ByteLevel as Decoder
    from tokenizers.pre_tokenizers import ByteLevel

    split = ByteLevel(add_prefix_space=False)
    return _tokenizer(sorted(ByteLevel.alphabet()), split, Decoder(), template, tokens)


def _tokenizer(
    vocabulary: Sequence[str], split: Any, decoder: Any, template: str | None, tokens: Sequence[str]
) -> Any:
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(BPE(vocab={each: at for at, each in enumerate(vocabulary)}, merges=[]))
    if split is not None:
        made.pre_tokenizer = split
    made.decoder = decoder
    made.add_special_tokens([AddedToken(each, normalized=False) for each in tokens])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token=tokens[0], pad_token=tokens[0], chat_template=template
    )


def save_glm(folder: Path, kind: str = "glm", seed: int = 0, **settings: Any) -> Path:
    """A text model, `glm` (GLM-4) or `glm4` (GLM-4-0414), with its tokenizer."""
    import torch
    import transformers

    tokenizer = settings.pop("tokenizer", None) or glm_tokenizer()
    config: Any = {"glm": transformers.GlmConfig, "glm4": transformers.Glm4Config}[kind]
    model: Any = {"glm": transformers.GlmForCausalLM, "glm4": transformers.Glm4ForCausalLM}[kind]
    torch.manual_seed(seed)
    sizes = _sizes(tokenizer) | {"head_dim": 8} | settings
    model(config(**sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_glm4v(folder: Path, seed: int = 0) -> Path:
    """A model that sees, of the class of GLM-4.1V, with its tokenizer and image processor."""
    import torch
    from transformers import Glm4vConfig, Glm4vForConditionalGeneration
    from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil

    tokenizer = glm_tokenizer()
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in GLM_TOKENS}
    config = Glm4vConfig(
        text_config=_sizes(tokenizer)
        | {
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "partial_rotary_factor": 0.5,
                "mrope_section": [1, 1, 0],
            }
        },
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "num_heads": 2,
            "image_size": 56,
            "patch_size": 14,
            "out_hidden_size": 32,
            "intermediate_size": 48,
            "initializer_range": 0.3,
        },
        image_token_id=ids["<|image|>"],
        video_token_id=ids["<|video|>"],
        image_start_token_id=ids["<|begin_of_image|>"],
        image_end_token_id=ids["<|end_of_image|>"],
        video_start_token_id=ids["<|begin_of_video|>"],
        video_end_token_id=ids["<|end_of_video|>"],
    )
    torch.manual_seed(seed)
    Glm4vForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor = Glm4vImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 112 * 112})
    processor.save_pretrained(folder)
    return folder


def _sizes(tokenizer: Any) -> dict[str, Any]:
    stops = ["<|endoftext|>", "<|user|>", "<|observation|>"]
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": WINDOW,
        "initializer_range": 0.3,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": [tokenizer.convert_tokens_to_ids(stop) for stop in stops],
    }
