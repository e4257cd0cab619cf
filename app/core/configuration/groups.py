"""The groups in which a form shows the settings, and when a changed one takes effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Effect = Literal["now", "model", "conversations", "restart"]
"""When a changed setting takes effect: at once, with the model, which is loaded anew, in
conversations that are opened from then on, or after a restart."""


@dataclass(frozen=True)
class Group:
    """Settings that belong together; `names` are fields of `Settings`."""

    title: str
    names: tuple[str, ...]


GROUPS = (
    Group(
        "Model",
        ("model", "models", "api_key", "protocol", "context", "max_tokens", "max_rounds", "slots",
         "threads", "idle_seconds", "retries", "compaction"),
    ),
    Group(
        "Weights",
        ("adapter", "dtype", "device_map", "quantise", "attention", "yarn", "compile", "cache_mb",
         "remote_code"),
    ),
    Group("Pictures", ("vision_model", "vision_key", "image_model", "image_key")),
    Group(
        "Python",
        ("python_seconds", "python_cpu_seconds", "python_output", "python_memory",
         "python_processes", "python_file_mb", "python_workspace_mb", "python_kernels",
         "python_idle_minutes", "python_minutes", "python_sandbox", "kernel_gateway_url",
         "kernel_gateway_token"),
    ),
    Group(
        "Web",
        ("search", "brave_key", "tavily_key", "zhipu_key", "serper_key", "browser_allow"),
    ),
    Group("Tools", ("tools_path", "function_seconds")),
    Group(
        "Files",
        ("upload_mb", "document_mb", "document_pages", "document_memory_mb", "document_seconds"),
    ),
    Group(
        "Conversations",
        ("sharing", "retention_days", "session_minutes", "turns", "data", "database"),
    ),
    Group(
        "People",
        ("admins", "limit_messages_minute", "limit_messages_day", "limit_tokens_day",
         "limit_running", "limit_conversations", "limit_stored_mb", "limit_kernels",
         "limit_address", "limit_sessions"),
    ),
    Group(
        "Server",
        ("origins", "proxies", "trusted_header", "trusted_proxies", "metrics_key", "pages",
         "address_pages", "address_openings", "reruns", "visitor_files_mb", "all_files_mb"),
    ),
)  # fmt: skip

_EFFECTS: Mapping[Effect, tuple[str, ...]] = {
    "now": (
        "models", "max_tokens", "max_rounds", "compaction", "sharing", "retention_days",
        "session_minutes",
        "upload_mb", "admins", "metrics_key", "limit_messages_minute", "limit_messages_day",
        "limit_tokens_day", "limit_running", "limit_conversations", "limit_stored_mb",
        "limit_address", "limit_sessions",
    ),
    "model": (
        "model", "api_key", "protocol", "context", "slots", "threads", "idle_seconds", "retries",
        "adapter", "dtype", "device_map", "quantise", "attention", "yarn", "compile", "cache_mb",
        "remote_code", "vision_model", "vision_key",
    ),
    "conversations": (
        "image_model", "image_key", "search", "brave_key", "tavily_key", "zhipu_key", "serper_key",
        "browser_allow", "tools_path", "function_seconds", "python_seconds", "python_output",
        "document_mb", "document_pages", "document_memory_mb", "document_seconds", "turns",
    ),
}  # fmt: skip


def effect_of(name: str) -> Effect:
    """When a change of the setting takes effect."""
    return next((effect for effect, names in _EFFECTS.items() if name in names), "restart")


def names_of(effect: Effect) -> set[str]:
    """The settings that take effect so; "restart" is all others."""
    return set(_EFFECTS[effect])
