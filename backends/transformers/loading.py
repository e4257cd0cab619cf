"""Loading weights in safetensors through transformers, from a folder or the hub.

Each failure is a `ModelUnavailable` with one sentence on what to do: a missing package, an
unreachable hub, a folder without a model, an architecture that transformers does not know, code
that `remote_code` does not allow, too little memory, incomplete weights, an adapter of another
model.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.errors import ModelUnavailable
from backends.load_progress import listen_to_transformers
from backends.transformers.config import WeightsConfig
from backends.transformers.hub import FILES, local_folder, model_name
from backends.transformers.kv_cache import can_keep
from backends.transformers.memory import check_memory, on_gpu
from backends.transformers.vision import FAMILIES, VisionInputs

log = logging.getLogger(__name__)


NEEDED = ("torch", "transformers", "accelerate", "safetensors")
GLM4_STOPS = ("<|endoftext|>", "<|user|>", "<|observation|>")


@dataclass(frozen=True)
class Weights:
    """A loaded model with its tokenizer.

    `window` is in tokens, `stops` are the ids of the tokens that end an answer. `preamble` are the
    embeddings of a P-tuning adapter's virtual tokens, shape (1, tokens, hidden size), which
    precede every prompt; `sight` prepares pictures, None for a model without vision.
    """

    name: str
    model: Any
    tokenizer: Any
    window: int
    stops: frozenset[int]
    preamble: Any = None
    sight: VisionInputs | None = None

    @property
    def device(self) -> Any:
        """The device of the input embeddings."""
        return self.model.get_input_embeddings().weight.device


def load(where: str, config: WeightsConfig) -> Weights:
    """The model of a folder or hub name. Raises `ModelUnavailable`."""
    # OpenMP reads it when torch is loaded. Waiting threads must sleep: on two busy cores spinning
    # ones made the first token 15 times slower (see `llama_cpp.engine`).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    _check_packages(config)
    import transformers

    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    listen_to_transformers()
    name = model_name(where)
    trusted = where in config.remote_code
    folder = local_folder(where, (*FILES, "*.py") if trusted else FILES)
    _check_folder(folder, name, where, trusted)
    try:
        return _load(folder, name, config, trusted)
    except ModelUnavailable:
        raise
    except Exception as error:
        log.exception("the weights could not be loaded")
        raise ModelUnavailable(_load_failure(error, name)) from None


def _check_packages(config: WeightsConfig) -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if config.adapter and importlib.util.find_spec("peft") is None:
        missing.append("peft")
    if config.quantise != "none" and importlib.util.find_spec("bitsandbytes") is None:
        missing.append("bitsandbytes")
    if missing:
        raise ModelUnavailable(
            f"Packages are missing for this model. Install them with: pip install "
            f"{' '.join(missing)}"
        )


def _check_folder(folder: Path, name: str, where: str, trusted: bool) -> None:
    """Raises `ModelUnavailable` for the common faults, which transformers reports all alike."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        kind = str(config.get("model_type", ""))
    except FileNotFoundError:
        if (folder / "adapter_config.json").is_file():
            raise ModelUnavailable(
                f"{name} is an adapter, no model. Set GLM_ADAPTER to it, and GLM_MODEL to the "
                "model that it was trained on."
            ) from None
        if any(folder.glob("*.gguf")):
            raise ModelUnavailable(
                f"{name} holds GGUF files. Set GLM_MODEL to one of them."
            ) from None
        raise ModelUnavailable(
            f"{name} is a folder without a model: it has no config.json. Check GLM_MODEL."
        ) from None
    except (OSError, ValueError, AttributeError):
        raise ModelUnavailable(f"The config.json of {name} can't be read.") from None
    if not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(f"{name} has no weights in safetensors. Choose another model.")
    if kind not in CONFIG_MAPPING and not (trusted and "auto_map" in config):
        if "auto_map" in config:
            raise ModelUnavailable(
                f"{name} needs code of its own. Set GLM_REMOTE_CODE={where} if you trust it, or "
                "choose a variant for transformers (such as glm-4-9b-chat-hf)."
            )
        raise ModelUnavailable(
            f"This version of transformers does not know models like {name}. Update it, or serve "
            "the model with vLLM and set GLM_MODEL to http://host:port/v1."
        )


def _load(folder: Path, name: str, config: WeightsConfig, trusted: bool) -> Weights:
    import transformers as library

    transformers: Any = library  # only partly typed
    shared = {"trust_remote_code": trusted, "local_files_only": True}
    settings = transformers.AutoConfig.from_pretrained(folder, **shared)
    vision = settings.model_type in FAMILIES
    auto: Any = (
        transformers.AutoModelForImageTextToText if vision else transformers.AutoModelForCausalLM
    )
    if not can_keep(settings):
        raise ModelUnavailable(
            f"{name} keeps its past in another form than GLM models do. Serve it with vLLM and "
            "set GLM_MODEL to http://host:port/v1."
        )
    _stretch(settings, config.yarn, vision, name)
    dtype = check_memory(auto, settings, folder, name, config, trusted)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **shared)
    options: dict[str, Any] = {"device_map": _device_map(config), "dtype": dtype}
    if config.attention != "auto":
        options["attn_implementation"] = config.attention
    if config.quantise != "none":
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_8bit=config.quantise == "8bit",
            load_in_4bit=config.quantise == "4bit",
            bnb_4bit_compute_dtype=dtype,
            bnb_4bit_quant_type="nf4",
        )
    model, report = auto.from_pretrained(
        folder, config=settings, use_safetensors=True, output_loading_info=True,
        ignore_mismatched_sizes=True,
        **options, **shared,
    )  # fmt: skip
    if report["missing_keys"] or report["mismatched_keys"]:
        missing = len(report["missing_keys"]) + len(report["mismatched_keys"])
        raise ModelUnavailable(
            f"The weights of {name} are not whole: {missing} of its tensors are missing or do not "
            "fit. Fetch the model again."
        )
    preamble = None
    if config.adapter:
        model, preamble = _adapted(model, config)
        if vision and preamble is not None:
            raise ModelUnavailable("P-tuning adapters can't be used with a model that sees.")
    model.eval()
    longest = int(settings.get_text_config().max_position_embeddings)
    sight = None
    if vision:
        processor = transformers.AutoImageProcessor.from_pretrained(folder, **shared)
        sight = VisionInputs(processor, settings)
    return Weights(
        name=name,
        model=model,
        tokenizer=tokenizer,
        window=min(config.window or longest, longest),
        stops=_stops(model, tokenizer),
        preamble=preamble,
        sight=sight,
    )


def _stretch(settings: Any, factor: float, vision: bool, name: str) -> None:
    """Stretches the window by YaRN, as the model card of GLM-4-0414 does: the factor and the
    window of the training as the scaling of the rotary positions."""
    if factor == 1.0:
        return
    rotary = getattr(settings, "rope_parameters", None)
    if vision or not isinstance(rotary, dict) or rotary.get("rope_type") not in ("default", "yarn"):
        raise ModelUnavailable(f"The window of {name} can't be stretched. Leave GLM_YARN empty.")
    trained = rotary.get("original_max_position_embeddings") or settings.max_position_embeddings
    settings.rope_parameters = rotary | {
        "rope_type": "yarn",
        "factor": factor,
        "original_max_position_embeddings": int(trained),
    }
    settings.max_position_embeddings = int(trained * factor)


def _device_map(config: WeightsConfig) -> Any:
    import torch

    if config.device_map != "auto":
        return config.device_map
    if not on_gpu(config.device_map):
        return "cpu"
    return {"": 0} if torch.cuda.device_count() == 1 else "auto"


def _adapted(model: Any, config: WeightsConfig) -> tuple[Any, Any]:
    """The model with the adapter applied, and the virtual tokens of a P-tuning adapter or None."""
    import torch
    from peft import PeftModel

    shown = model_name(config.adapter)
    folder = local_folder(config.adapter)
    if not (folder / "adapter_config.json").is_file():
        raise ModelUnavailable(f"{shown} is no adapter: it has no adapter_config.json.")
    try:
        adapted: Any = PeftModel.from_pretrained(model, str(folder))
        if adapted.active_peft_config.is_prompt_learning:
            with torch.inference_mode():
                return model, adapted.get_prompt(batch_size=1).to(model.dtype)
        # A LoRA can't be merged into quantised weights; it is computed beside them.
        if config.quantise != "none":
            return adapted.get_base_model(), None
        return adapted.merge_and_unload(), None
    except Exception:
        log.exception("an adapter could not be loaded")
        raise ModelUnavailable(
            f"The adapter {shown} does not fit this model. Set GLM_ADAPTER to one that was "
            "trained on it, or leave it empty."
        ) from None


def _stops(model: Any, tokenizer: Any) -> frozenset[int]:
    """Ids of the tokens that end an answer: the model's own, and those of the GLM family."""
    stops = {tokenizer.eos_token_id}
    for config in (model.generation_config, model.config):
        named = getattr(config, "eos_token_id", None)
        stops.update(named if isinstance(named, list | tuple) else [named])
    added = tokenizer.get_added_vocab()
    if "<|assistant|>" in added:
        stops.update(added[stop] for stop in GLM4_STOPS if stop in added)
    return frozenset(stop for stop in stops if stop is not None)


def _load_failure(error: Exception, name: str) -> str:
    """The sentence for the user on an exception of transformers or torch."""
    text = f"{type(error).__name__}: {error}"
    if "out of memory" in text or "can't allocate memory" in text:
        return f"The memory does not suffice for {name}. Choose a smaller model, or GLM_QUANTISE."
    if "Safetensor" in text or "safetensors" in text:
        return f"The weights of {name} are damaged or cut short. Fetch the model again."
    if isinstance(error, ImportError):
        return f"A package that {name} needs is missing; the log names it."
    if "okenizer" in text:
        return f"{name} has no tokenizer that transformers can read. Fetch the model again."
    return f"transformers can't load {name}; the log says why."
