"""The settings: command line, environment and file to one frozen `Settings`.

A value comes from the command line, else the environment, else `glm.toml` (or the file that
`GLM_SETTINGS` names), else the default. An invalid value is not fatal: the next source counts, and
`Loaded.problems` has a sentence about it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from app.core.networks import header_name, named_networks
from app.core.origins import list_of_origins

Source = Literal["default", "file", "environment", "command line"]
SETTINGS_FILE = "glm.toml"

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=10_000)]
Limit = Annotated[int, Field(ge=0, le=1_000_000_000)]
_WHERE = "0: no limit, as by default on loopback"


def _setting(default: Any, env: str, help: str, secret: bool = False) -> Any:
    meta = {"env": env, "help": help, "secret": secret}
    return field(default=default, metadata=MappingProxyType(meta))


@dataclass(frozen=True)
class Settings:
    """One field for each setting; its metadata has the environment variable and the help text."""

    model: str = _setting(
        "bundled",
        "GLM_MODEL",
        "bundled, a .gguf file, a folder of safetensors, a hub name, or http(s)://host/v1#name",
    )
    models: str = _setting(
        "",
        "GLM_MODELS",
        "Folder of GGUF files and of safetensors to choose from; empty: models in the data folder",
    )
    api_key: str = _setting("", "GLM_API_KEY", "Key for the model server", secret=True)
    protocol: Literal["auto", "openai", "glm4"] = _setting(
        "auto", "GLM_PROTOCOL", "How the model calls tools: auto, openai, or glm4 (raw text)"
    )
    vision_model: str = _setting(
        "",
        "GLM_VISION_MODEL",
        "Model for pictures, in the forms of GLM_MODEL; empty for that one, where it sees",
    )
    vision_key: str = _setting(
        "",
        "GLM_VISION_KEY",
        "Key for the server of GLM_VISION_MODEL; empty for GLM_API_KEY",
        secret=True,
    )
    image_model: str = _setting(
        "",
        "GLM_IMAGE_MODEL",
        "What draws: http(s)://host/v1#model, or a folder or hub name for diffusers",
    )
    image_key: str = _setting(
        "",
        "GLM_IMAGE_KEY",
        "Key for the server of GLM_IMAGE_MODEL; empty for GLM_API_KEY",
        secret=True,
    )
    context: Annotated[int, Field(ge=0, le=4_000_000)] = _setting(
        0, "GLM_CONTEXT", "Window in tokens, of both models; 0 asks each (GGUF: at most 8192)"
    )
    slots: Annotated[int, Field(ge=1, le=64)] = _setting(
        4, "GLM_SLOTS", "Answers that a model here writes at the same time; more wait in a queue"
    )
    threads: Annotated[int, Field(ge=0, le=512)] = _setting(
        0, "GLM_THREADS", "CPU threads of a GGUF model; 0 leaves one core free"
    )
    adapter: str = _setting(
        "", "GLM_ADAPTER", "Folder or hub name of a LoRA or P-tuning adapter for safetensors"
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = _setting(
        "auto", "GLM_DTYPE", "Numbers of safetensors: auto, bfloat16, float16 or float32"
    )
    device_map: str = _setting(
        "auto", "GLM_DEVICE_MAP", "Where safetensors go: auto, cpu, cuda:1, balanced, ..."
    )
    yarn: Annotated[float, Field(ge=1, le=64)] = _setting(
        1.0,
        "GLM_YARN",
        "By how much YaRN stretches the window of safetensors: 4 for GLM-4-0414, from 32K to 128K",
    )
    quantise: Literal["none", "8bit", "4bit"] = _setting(
        "none", "GLM_QUANTISE", "none, 8bit or 4bit: safetensors made smaller by bitsandbytes"
    )
    attention: str = _setting(
        "auto", "GLM_ATTENTION", "auto, sdpa, eager or flash_attention_2, for safetensors"
    )
    remote_code: str = _setting(
        "", "GLM_REMOTE_CODE", "Models, separated by commas, that may run code of their own"
    )
    cache_mb: Annotated[int, Field(ge=0, le=100_000_000)] = _setting(
        0, "GLM_CACHE_MB", "Megabytes of conversations that safetensors keep; 0: half of the free"
    )
    compile: Literal["off", "on"] = _setting(
        "off", "GLM_COMPILE", "on compiles how safetensors write: a longer start, sdpa, one GPU"
    )
    idle_seconds: Seconds = _setting(
        60.0, "GLM_IDLE_SECONDS", "Seconds after which a silent model server is given up"
    )
    retries: Annotated[int, Field(ge=0, le=20)] = _setting(
        3, "GLM_RETRIES", "Times a busy model server is asked again"
    )
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = _setting(
        1024, "GLM_MAX_TOKENS", "Longest answer in tokens, to begin with"
    )
    turns: Annotated[int, Field(ge=1, le=1000)] = _setting(
        3, "GLM_TURNS", "Answers of one visitor at the same time, in all tabs; more wait"
    )
    max_rounds: Count = _setting(
        30, "GLM_MAX_ROUNDS", "Rounds of tool calls in one turn before the page asks"
    )
    compaction: Literal["summary", "trim", "off"] = _setting(
        "summary",
        "GLM_COMPACTION",
        "A conversation too long for the model: its beginning becomes a summary, trim: is left out",
    )
    tools_path: str = _setting(
        "", "GLM_TOOLS_PATH", "Files or folders with tools of your own, separated by a colon"
    )
    function_seconds: Seconds = _setting(
        60.0, "GLM_FUNCTION_SECONDS", "Time limit of one call of a function of your own"
    )
    python_seconds: Seconds = _setting(
        60.0, "GLM_PYTHON_SECONDS", "Time limit of one call of the python tool"
    )
    python_output: Annotated[int, Field(ge=200, le=1_000_000)] = _setting(
        20_000, "GLM_PYTHON_OUTPUT", "Characters of output of one python call; more is cut"
    )
    python_sandbox: Literal["auto", "bubblewrap", "none"] = _setting(
        "auto", "GLM_PYTHON_SANDBOX", "auto, bubblewrap, or none: then the code runs unconfined"
    )
    python_memory: Annotated[int, Field(ge=512, le=4_000_000)] = _setting(
        1024, "GLM_PYTHON_MEMORY", "Megabytes of memory of one session's Python"
    )
    python_processes: Annotated[int, Field(ge=32, le=100_000)] = _setting(
        64, "GLM_PYTHON_PROCESSES", "Processes and threads of one session's Python, together"
    )
    python_cpu_seconds: Seconds = _setting(
        60.0, "GLM_PYTHON_CPU_SECONDS", "CPU seconds of one python call, on all cores together"
    )
    python_file_mb: Annotated[int, Field(ge=1, le=1_000_000)] = _setting(
        256, "GLM_PYTHON_FILE_MB", "Megabytes of one file that code writes, and of its /tmp"
    )
    python_workspace_mb: Annotated[int, Field(ge=1, le=10_000_000)] = _setting(
        1024, "GLM_PYTHON_WORKSPACE_MB", "Megabytes of all files of one session"
    )
    python_kernels: Annotated[int, Field(ge=1, le=1000)] = _setting(
        8,
        "GLM_PYTHON_KERNELS",
        "Python kernels at a time, beside one that is ready; then the longest idle one gives way",
    )
    python_idle_minutes: Annotated[float, Field(gt=0, le=100_000)] = _setting(
        20.0, "GLM_PYTHON_IDLE_MINUTES", "Minutes after which a Python kernel nobody used is closed"
    )
    python_minutes: Annotated[float, Field(gt=0, le=1_000_000)] = _setting(
        30.0,
        "GLM_PYTHON_MINUTES",
        "Minutes that one visitor's Python runs within an hour, where others reach the server",
    )
    kernel_gateway_url: str = _setting(
        "", "GLM_KERNEL_GATEWAY_URL", "Jupyter Kernel Gateway that runs the code in place of here"
    )
    kernel_gateway_token: str = _setting(
        "", "GLM_KERNEL_GATEWAY_TOKEN", "Token for the kernel gateway", secret=True
    )
    search: str = _setting(
        "ddgs",
        "GLM_SEARCH",
        "ddgs, searxng:URL, brave, tavily, zhipu, serper, local:FOLDER, or a list of them",
    )
    brave_key: str = _setting("", "GLM_BRAVE_KEY", "Key for Brave's search", secret=True)
    tavily_key: str = _setting("", "GLM_TAVILY_KEY", "Key for Tavily's search", secret=True)
    zhipu_key: str = _setting("", "GLM_ZHIPU_KEY", "Key for Zhipu's search", secret=True)
    serper_key: str = _setting("", "GLM_SERPER_KEY", "Key for Serper's search", secret=True)
    browser_allow: str = _setting(
        "",
        "GLM_BROWSER_ALLOW",
        "Hosts and networks, host:port too, that the browser may reach though they are not public",
    )
    upload_mb: Annotated[int, Field(ge=1, le=100_000)] = _setting(
        200, "GLM_UPLOAD_MB", "Megabytes of one file that a user gives to a conversation"
    )
    document_mb: Annotated[int, Field(ge=1, le=100_000)] = _setting(
        200, "GLM_DOCUMENT_MB", "Megabytes of one document that is read"
    )
    document_pages: Annotated[int, Field(ge=1, le=1_000_000)] = _setting(
        5000, "GLM_DOCUMENT_PAGES", "Pages of one document that are read; the rest is left out"
    )
    document_memory_mb: Annotated[int, Field(ge=256, le=1_000_000)] = _setting(
        2048, "GLM_DOCUMENT_MEMORY_MB", "Megabytes of memory for reading one document"
    )
    document_seconds: Seconds = _setting(
        300.0, "GLM_DOCUMENT_SECONDS", "Seconds for reading one document"
    )
    origins: Annotated[str, AfterValidator(list_of_origins)] = _setting(
        "",
        "GLM_ORIGINS",
        "Where a proxy serves the app, such as https://glm.example.org, with commas between",
    )
    session_minutes: Annotated[float, Field(gt=0, le=100_000)] = _setting(
        60.0,
        "GLM_SESSION_MINUTES",
        "Minutes after which a conversation nobody looks at is closed; it stays in the list",
    )
    proxies: Annotated[str, AfterValidator(named_networks)] = _setting(
        "",
        "GLM_PROXIES",
        "Addresses and networks of proxies before the app, whose X-Forwarded-For is believed",
    )
    pages: Annotated[int, Field(ge=0, le=100_000)] = _setting(
        0, "GLM_PAGES", "Open pages at a time; 0: as many as there are file descriptors for"
    )
    address_pages: Count = _setting(
        50, "GLM_ADDRESS_PAGES", "Open pages of one network address, this machine's own apart"
    )
    address_openings: Count = _setting(
        60, "GLM_ADDRESS_OPENINGS", "Pages that such an address may open a minute"
    )
    reruns: Annotated[float, Field(ge=1, le=1000)] = _setting(
        4.0, "GLM_RERUNS", "Runs of pages a second for one visitor; what is more is merged or waits"
    )
    visitor_files_mb: Annotated[int, Field(ge=1, le=1_000_000)] = _setting(
        500, "GLM_VISITOR_FILES_MB", "Megabytes of files that one visitor has given and not sent"
    )
    all_files_mb: Annotated[int, Field(ge=1, le=10_000_000)] = _setting(
        2000, "GLM_ALL_FILES_MB", "The same, of all visitors together"
    )
    trusted_header: Annotated[str, AfterValidator(header_name)] = _setting(
        "",
        "GLM_TRUSTED_HEADER",
        "Header in which a proxy names the account of a visitor, such as X-Forwarded-User",
    )
    trusted_proxies: Annotated[str, AfterValidator(named_networks)] = _setting(
        "",
        "GLM_TRUSTED_PROXIES",
        "Addresses and networks of the proxies whose GLM_TRUSTED_HEADER is believed",
    )
    admins: str = _setting(
        "", "GLM_ADMINS", "Accounts, separated by commas, that see the page Usage", secret=True
    )
    metrics_key: str = _setting(
        "", "GLM_METRICS_KEY", "Bearer token for /metrics, where others reach the app", secret=True
    )
    retention_days: Annotated[float, Field(ge=0, le=100_000)] = _setting(
        0.0, "GLM_RETENTION_DAYS", "Days after which an unused conversation is deleted; 0: never"
    )
    limit_messages_minute: Limit = _setting(
        20, "GLM_LIMIT_MESSAGES_MINUTE", f"Messages of one person a minute; {_WHERE}"
    )
    limit_messages_day: Limit = _setting(
        1000, "GLM_LIMIT_MESSAGES_DAY", f"Messages of one person a day; {_WHERE}"
    )
    limit_tokens_day: Limit = _setting(
        5_000_000,
        "GLM_LIMIT_TOKENS_DAY",
        f"Tokens, read and written, of one person a day; {_WHERE}",
    )
    limit_running: Limit = _setting(
        6, "GLM_LIMIT_RUNNING", f"Answers of one person that are written or wait; {_WHERE}"
    )
    limit_conversations: Limit = _setting(
        2000, "GLM_LIMIT_CONVERSATIONS", f"Conversations that are kept for one person; {_WHERE}"
    )
    limit_kernels: Limit = _setting(
        4, "GLM_LIMIT_KERNELS", f"Python kernels of one person at a time; {_WHERE}"
    )
    limit_stored_mb: Limit = _setting(
        2000, "GLM_LIMIT_STORED_MB", f"Megabytes of files that are kept for one person; {_WHERE}"
    )
    limit_address: Limit = _setting(
        10, "GLM_LIMIT_ADDRESS", f"Times that, for all people of one network address; {_WHERE}"
    )
    limit_sessions: Limit = _setting(
        200, "GLM_LIMIT_SESSIONS", f"Conversations that one address has open; {_WHERE}"
    )
    database: str = _setting(
        "",
        "GLM_DATABASE",
        "PostgreSQL for the conversations, postgresql://...; empty: a file in the folder GLM_DATA",
        secret=True,
    )
    sharing: Literal["off", "on"] = _setting(
        "off", "GLM_SHARING", "on: visitors may make links with which anybody reads a conversation"
    )
    data: str = _setting(
        "",
        "GLM_DATA",
        "Folder for conversations and their files; empty for the user's data and cache folders",
    )


@dataclass(frozen=True)
class Loaded:
    """Settings, the source of each one, and a sentence for each value that could not be read."""

    settings: Settings
    sources: Mapping[str, Source]
    problems: tuple[str, ...] = ()


def load(
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Loaded:
    """Reads the settings; never raises for a bad value or a bad file.

    `overrides` are values of the command line by field name; None means not given.
    """
    environment = os.environ if environment is None else environment
    path = file or settings_path(environment)
    from_file, problems = _read_file(path, named=file is not None or "GLM_SETTINGS" in environment)
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for item in fields(Settings):
        sources[item.name] = "default"
        given: list[tuple[Source, str, Any]] = [
            ("command line", f"--{item.name.replace('_', '-')}", (overrides or {}).get(item.name)),
            ("environment", item.metadata["env"], environment.get(item.metadata["env"]) or None),
            ("file", item.name, from_file.pop(item.name, None)),
        ]
        for source, label, raw in given:
            if raw is None:
                continue
            try:
                values[item.name] = checked(item.name, raw)
                sources[item.name] = source
                break
            except ValueError as error:
                shown = "" if item.metadata["secret"] else f" is {str(raw)[:40]!r}, but"
                problems.append(f"{label}{shown} should be {error}. It is not used.")
    problems += [f"{path.name} has an unknown setting: {name[:40]}." for name in from_file]
    return Loaded(Settings(**values), sources, tuple(problems))


def checked(name: str, raw: Any) -> Any:
    """The value of the setting `name` that `raw` stands for. Raises `ValueError`, whose message
    says what is expected, such as "a whole number"."""
    try:
        return _adapters()[name].validate_python(raw.strip() if isinstance(raw, str) else raw)
    except ValidationError as error:
        raise ValueError(_expected(error)) from None


def settings_path(environment: Mapping[str, str] | None = None) -> Path:
    """The settings file: the one that `GLM_SETTINGS` names, else `glm.toml` where the app runs."""
    environment = os.environ if environment is None else environment
    return Path(environment.get("GLM_SETTINGS") or SETTINGS_FILE)


def _expected(error: ValidationError) -> str:
    """The expected kind of value, in words."""
    first = error.errors()[0]
    for kind, words in (("int", "a whole number"), ("float", "a number"), ("string", "text")):
        if first["type"].startswith(kind):
            return words
    return first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")


def _read_file(path: Path, named: bool) -> tuple[dict[str, Any], list[str]]:
    try:
        return tomllib.loads(path.read_text("utf-8")), []
    except FileNotFoundError:
        return {}, [f"The settings file {path.name} is not there."] if named else []
    except (OSError, ValueError) as error:
        why = f": {error}" if isinstance(error, tomllib.TOMLDecodeError) else ""
        return {}, [f"The settings file {path.name} can't be read{why}."]


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(Settings, include_extras=True)
    return {name: TypeAdapter(hint) for name, hint in hints.items()}
