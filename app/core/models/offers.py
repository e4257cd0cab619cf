"""The models on offer: that of the settings, the bundled one, files and adapters in a folder,
endpoints."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.models.endpoints import Abilities, Endpoint, Endpoints
from app.core.models.selection import Kind, find_choice
from app.core.settings import Settings

DEFAULT = ""
"""The id of the model that the settings name, each mode's own."""
ADAPTER_CONFIG = "adapter_config.json"
"""What peft writes beside an adapter's weights."""
MAX_CONFIG_BYTES = 1_000_000
HEAD_BYTES = 4096
"""The beginning of a GGUF file, where its general fields stand."""
LISTED_S = 2.0
"""Seconds for which a list of the folder's models holds."""
MAX_FILES = 200
"""Models of the folder that are listed."""


@dataclass(frozen=True)
class Offer:
    """A model that can be chosen. `id` stays the same from start to start; `where` is what
    `GLM_MODEL` would be for it and `adapter` what `GLM_ADAPTER` would be, never shown; `size` is
    that of its file in bytes, 0 elsewhere."""

    id: str
    name: str
    kind: Kind
    where: str
    source: str
    size: int = 0
    abilities: Abilities = Abilities()
    key: str = ""
    adapter: str = ""

    @property
    def local(self) -> bool:
        """Whether the model runs in this process, and takes its memory."""
        return self.kind != "server"


class Offers:
    """The models that this server offers.

    Args:
        settings: of the process; `model` is the default.
        folder: where files of models are looked for.
        endpoints: the model servers that were added.
    """

    def __init__(self, settings: Settings, folder: Path, endpoints: Endpoints) -> None:
        self._settings, self._folder, self._endpoints = settings, folder, endpoints
        self._listed: tuple[float, tuple[Offer, ...]] | None = None

    def use(self, settings: Settings, folder: Path) -> None:
        """Goes by other settings and another folder from now on."""
        self._settings, self._folder, self._listed = settings, folder, None

    def all(self) -> tuple[Offer, ...]:
        """All models, the default first."""
        return tuple(self._all())

    def find(self, id: str) -> Offer | None:
        """The model of that id; None where there is none any more."""
        if id.startswith("endpoint:"):  # without a look at the folder
            name, _, model = id.removeprefix("endpoint:").partition("#")
            endpoint = self._endpoints.get(name)
            known = endpoint is not None and model in endpoint.models
            return _served(endpoint, model) if endpoint is not None and known else None
        return next((offer for offer in self._all() if offer.id == id), None)

    def settings(self, offer: Offer) -> Settings:
        """The settings with which that model answers in all modes."""
        if offer.id == DEFAULT:
            return self._settings
        sees = offer.where if offer.abilities.pictures else self._settings.vision_model
        # What the settings say of the default model does not hold for another one.
        return replace(
            self._settings, model=offer.where, api_key=offer.key, protocol="auto",
            adapter=offer.adapter, vision_model=sees, vision_key=offer.key, context=0,
        )  # fmt: skip

    def _all(self) -> Iterator[Offer]:
        choice = find_choice(self._settings.model)
        kind: Kind = choice.kind if choice is not None else "weights"
        yield Offer(DEFAULT, default_name(self._settings), kind, self._settings.model, "Settings")
        if kind != "bundled":
            yield Offer("bundled", "Bundled model", "bundled", "bundled", "In the box")
        yield from self._listed_files()
        for endpoint in self._endpoints.all():
            for model in endpoint.models:
                yield _served(endpoint, model)

    def _listed_files(self) -> tuple[Offer, ...]:
        """The models of the folder. Every run of every page asks: they are looked for again only
        after `LISTED_S`."""
        listed, now = self._listed, time.monotonic()
        if listed is None or now - listed[0] > LISTED_S:
            self._listed = listed = (now, tuple(self._files()))
        return listed[1]

    def _files(self) -> Iterator[Offer]:
        for path in _models_in(self._folder):
            name = path.relative_to(self._folder).as_posix()
            if (path / ADAPTER_CONFIG).is_file():
                if base := _base_of(path):
                    source = f"Adapter for {Path(base).name}"
                    yield Offer(f"file:{name}", name, "weights", base, source, adapter=str(path))
                continue
            is_file = path.suffix.lower() == ".gguf"
            kind: Kind = "gguf" if is_file else "weights"
            try:
                size = path.stat().st_size if is_file else 0
            except OSError:
                continue
            yield Offer(f"file:{name}", name, kind, str(path), "Folder of models", size)


def default_name(settings: Settings) -> str:
    """The name of the model that the settings name, without a path."""
    choice = find_choice(settings.model)
    if choice is None:
        return "Model of the settings"
    if choice.kind == "bundled":
        return "Bundled model"
    if choice.kind == "server":
        return choice.model or "Server of the settings"
    return Path(choice.where).name


def _served(endpoint: Endpoint, model: str) -> Offer:
    abilities = endpoint.abilities.get(model, Abilities())
    return Offer(
        f"endpoint:{endpoint.name}#{model}", model, "server", f"{endpoint.address}#{model}",
        endpoint.name, abilities=abilities, key=endpoint.key,
    )  # fmt: skip


def _models_in(folder: Path) -> list[Path]:
    """GGUF files, folders of safetensors and of adapters, at most one folder deep, in the order of
    names."""
    found: list[Path] = []
    for place in (folder, *_folders(folder)):
        try:
            names = sorted(os.listdir(place))
        except OSError:
            continue
        if place != folder and ADAPTER_CONFIG in names:
            found.append(place)
            continue
        if place != folder and "config.json" in names:
            if any(name.endswith(".safetensors") for name in names):
                found.append(place)
            continue
        found += [place / name for name in names if _is_model(place / name)]
    return found[:MAX_FILES]


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(each.path) for each in entries if each.is_dir())[:MAX_FILES]
    except OSError:
        return []


def _is_model(path: Path) -> bool:
    """Whether a file is a model: no projector for pictures, no later part of one, no adapter."""
    name = path.name.lower()
    later = "-of-" in name and "-00001-of-" not in name
    return name.endswith(".gguf") and "mmproj" not in name and not later and not _adapts(path)


def _adapts(path: Path) -> bool:
    """Whether a GGUF file says that it is an adapter; one that can't be read is told when used."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    # A field is its name, its type in 4 bytes, the text's length in 8, and the text.
    _, found, rest = head.partition(b"general.type")
    return bool(found) and rest[12:].startswith(b"adapter")


def _base_of(folder: Path) -> str:
    """The model that an adapter was trained on: a folder or a hub name; empty for anything else."""
    try:
        with (folder / ADAPTER_CONFIG).open("rb") as file:
            config = json.loads(file.read(MAX_CONFIG_BYTES))
    except (OSError, ValueError, RecursionError):
        return ""
    base = config.get("base_model_name_or_path") if isinstance(config, dict) else None
    choice = find_choice(base) if isinstance(base, str) else None
    return choice.where if choice is not None and choice.kind == "weights" else ""
