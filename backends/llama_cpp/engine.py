"""Loading a GGUF file into llama.cpp, and its tokenizer and chat template.

llama.cpp takes completion requests in process, but tokenizing and chat templates only over HTTP:
its server listens on a free port of loopback and requires a key that is generated here.

The end of the module reads what llama.cpp reports of a request: progress, token counts, errors.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.chat_completions.options import NO_SWITCHES
from backends.errors import (
    AnswerBroken,
    BackendError,
    ContextExceeded,
    ModelUnavailable,
    RequestRefused,
)
from backends.events import Notice
from backends.messages import Usage

log = logging.getLogger(__name__)

# Prompt tokens in a batch: about half a second on two slow cores. Stop takes effect between two
# batches. Larger batches were no faster on a CPU.
PROMPT_BATCH_TOKENS = 128
# The same with an mmproj file: some models need a picture in one batch; Gemma 3 has 256 tokens.
VISION_BATCH_TOKENS = 512

# Tokens that the window must have left for an answer: a prompt that leaves fewer is too long.
ANSWER_ROOM = 64
ENGINE_FAULT = "The model stopped with a fault of its engine. Retry, or clear the chat."
UNREADABLE = "The model can't read a picture of this conversation. Clear it, or give another one."


@dataclass(frozen=True)
class EngineConfig:
    """Options for loading a model.

    `window` is the context window of each of `slots` in tokens. `threads` None leaves a core to
    the kernel and the browser. `cache_mb` is the size of the prompt cache in MiB. `adapter` is a
    LoRA that is applied to requests with tools; `template` replaces the file's chat template;
    `mmproj` is the file that encodes pictures.
    """

    window: int = 8192
    slots: int = 4
    threads: int | None = None
    cache_mb: int = 512
    adapter: Path | None = None
    template: str | None = None
    mmproj: Path | None = None


def reading_threads() -> int:
    """Threads for reading a prompt: all cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def writing_threads() -> int:
    """Threads for decoding: all cores but one. The threads of a step wait for the slowest one, so
    that one on the same core as a busy kernel would stall all others."""
    return max(1, reading_threads() - 1)


class Engine:
    """One loaded model. Raises `ModelUnavailable` when it can't be loaded."""

    def __init__(self, path: Path, name: str, config: EngineConfig) -> None:
        _check_file(path, name)
        self.name = name
        # OpenMP's threads, too, must sleep while they wait for each other (see `_parameters`); it
        # reads this when the library is loaded. Measured on two busy cores: the first token after
        # 0.4 s instead of 5 s.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            import httpx
            import xllamacpp
        except ImportError:
            raise ModelUnavailable(
                "The package xllamacpp is missing. Install it with: pip install xllamacpp"
            ) from None
        key = secrets.token_urlsafe(32)
        try:
            self.server: Any = xllamacpp.Server(_parameters(xllamacpp, path, name, config, key))
        except RuntimeError:
            log.exception("llama.cpp could not load the model")
            raise ModelUnavailable(
                f"{name} can't be loaded: the file is cut short or damaged, its kind of model "
                "is unknown to this version of llama.cpp, or the memory does not suffice."
            ) from None
        self._http = httpx.Client(
            base_url=self.server.listening_address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
            trust_env=False,
        )
        properties = self._answered(self._http.get("/props"))
        self.template = str(properties.get("chat_template") or "")
        self.sees = bool(properties.get("modalities", {}).get("vision"))
        self.thinks = "enable_thinking" in self.template
        self.end = str(properties.get("eos_token") or "")
        self.knows_tools = bool(properties.get("chat_template_caps", {}).get("supports_tools"))
        self.window = int(properties["default_generation_settings"]["n_ctx"])

    def apply_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        switches: Mapping[str, Any] = NO_SWITCHES,
    ) -> str:
        """The prompt that the model's chat template renders, with `switches` as its variables.
        Raises `RequestRefused`."""
        body: dict[str, Any] = {"messages": messages, "chat_template_kwargs": dict(switches)}
        if tools:
            body["tools"] = tools
        return str(self._post("/apply-template", body)["prompt"])

    def tokenize(self, text: str, markup: bool) -> tuple[int, ...]:
        """Token ids; special tokens in `text` are tokenized as such only with `markup`."""
        body = {"content": text, "add_special": False, "parse_special": markup}
        return tuple(self._post("/tokenize", body)["tokens"])

    def close(self) -> None:
        """Frees the model once the running answers have ended."""
        self._http.close()
        self.server = None

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._answered(self._http.post(path, json=body))

    def _answered(self, response: Any) -> dict[str, Any]:
        if response.status_code != 200:
            log.error("llama.cpp answered %s: %s", response.status_code, response.text[:500])
            raise RequestRefused(
                f"The model {self.name} can't read this conversation with its chat template. "
                "Clear the conversation, or choose another model."
            )
        answer: dict[str, Any] = response.json()
        return answer


def _check_file(path: Path, name: str) -> None:
    """Raises `ModelUnavailable` for the common faults, which llama.cpp does not tell apart."""
    if not os.path.isfile(path):  # unlike `Path.is_file` it never raises
        raise ModelUnavailable(f"There is no model file {name}. Check GLM_MODEL.")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError:
        raise ModelUnavailable(f"The model file {name} can't be read. Check GLM_MODEL.") from None
    if magic != b"GGUF":
        raise ModelUnavailable(f"{name} is not a GGUF file. Check GLM_MODEL.")


def _parameters(xllamacpp: Any, path: Path, name: str, config: EngineConfig, key: str) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {name}
    params.n_parallel = config.slots
    params.n_ctx = config.window * config.slots
    params.n_batch = params.n_ubatch = (
        PROMPT_BATCH_TOKENS if config.mmproj is None else VISION_BATCH_TOKENS
    )
    params.cpuparams.n_threads = config.threads or writing_threads()
    params.cpuparams_batch.n_threads = config.threads or reading_threads()
    # Waiting threads sleep: spinning ones take the core that the kernel and the browser need.
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    params.cache_ram_mib = config.cache_mb
    params.warmup = False
    params.verbosity = -1
    params.ui = False
    params.endpoint_slots = False
    params.api_keys = [key]
    if config.mmproj is not None:
        params.mmproj.path = str(config.mmproj)
    if config.template is not None:
        params.chat_template = config.template
    if config.adapter is not None:
        adapter = xllamacpp.CommonAdapterLoraInfo()
        adapter.path, adapter.scale = str(config.adapter), 1.0
        params.lora_adapters = [adapter]
    return params


class Counted:
    """Token counts of one answer: llama.cpp's own at its end, until then the number of chunks."""

    def __init__(self, prompt: int) -> None:
        self._prompt, self._cached, self._written = prompt, 0, 0

    def see(self, piece: Mapping[str, Any]) -> None:
        timings = piece.get("timings")
        if timings:
            self._cached = int(timings["cache_n"])
            self._prompt = self._cached + int(timings["prompt_n"])
            self._written = int(timings["predicted_n"])
        elif piece.get("choices") and "prompt_progress" not in piece:
            self._written += 1

    def usage(self) -> Usage:
        return Usage(self._prompt, self._cached, self._written)


def progress_notice(progress: Mapping[str, Any]) -> Notice:
    """The notice of how much of the prompt is read; empty for a short or finished prompt."""
    done = int(progress["processed"])
    total = int(progress["total"])
    cached = int(progress.get("cache", 0))
    if done >= total or total - cached < 4 * PROMPT_BATCH_TOKENS:
        return Notice("")
    return Notice(f"Reading: {done:,} of {total:,} tokens")


def refusal(error: Mapping[str, Any], window: int) -> BackendError:
    """The error for the user. `window` is the context window in tokens."""
    if error.get("type") == "exceed_context_size_error":
        prompt = int(error.get("n_prompt_tokens", window))
        return ContextExceeded(prompt + ANSWER_ROOM - window, window)
    log.error("llama.cpp refused: %s", error)
    if "load image" in str(error.get("message", "")):
        return RequestRefused(UNREADABLE)
    return AnswerBroken(ENGINE_FAULT)
