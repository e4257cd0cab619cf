"""The model servers that people have added in the page, and their keys.

They are kept in one file that only the server's own account can read. Keys never leave it but as
the header of a request to that server.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from backends.errors import BackendError
from tools.safe_files import free_name

log = logging.getLogger(__name__)

FILE_NAME = "endpoints.json"
MAX_ENDPOINTS = 50
MAX_MODELS = 500
"""Models of one server that are listed; hosted APIs have some hundreds."""
MAX_NAME_CHARS = 80
MAX_FILE_BYTES = 4_000_000


class BadEndpoint(ValueError):
    """What was entered can't be an endpoint; its text is one sentence for the user."""


@dataclass(frozen=True)
class Preset:
    """A kind of server, and the address at which it is usually found."""

    name: str
    address: str
    needs_key: bool = False


PRESETS = (
    Preset("Ollama", "http://127.0.0.1:11434/v1"),
    Preset("LM Studio", "http://127.0.0.1:1234/v1"),
    Preset("llama-server", "http://127.0.0.1:8080/v1"),
    Preset("vLLM", "http://127.0.0.1:8000/v1"),
    Preset("SGLang", "http://127.0.0.1:30000/v1"),
    Preset("bigmodel.cn", "https://open.bigmodel.cn/api/paas/v4", needs_key=True),
    Preset("Z.ai", "https://api.z.ai/api/paas/v4", needs_key=True),
)
"""As their documentation gives them."""


@dataclass(frozen=True)
class Abilities:
    """What a model was seen to do when it was tried; None where that was not tried or is unclear.

    `answers`, `tools`, `pictures` and `thinking` say whether it gave an answer, called a tool that
    it was told to call, named the colour of a picture, and had its thinking apart; `switch`
    whether it thought when thinking was on, and did not when it was off.
    """

    answers: bool | None = None
    tools: bool | None = None
    pictures: bool | None = None
    thinking: bool | None = None
    switch: bool | None = None


@dataclass(frozen=True)
class Endpoint:
    """A model server: its name here, its address up to `/v1`, its key, the names of its models as
    it listed them last, and what was found out about some of them."""

    name: str
    address: str
    key: str = field(default="", repr=False)
    models: tuple[str, ...] = ()
    abilities: Mapping[str, Abilities] = field(default_factory=dict)


_file: TypeAdapter[list[Endpoint]] = TypeAdapter(list[Endpoint])


def endpoint(name: str, address: str, key: str, models: Iterable[str] = ()) -> Endpoint:
    """An endpoint of what somebody entered. Raises `BadEndpoint`."""
    # Imported late: the first page asks no server.
    from backends.openai_api.server import header_of, host_of

    name, address = " ".join(name.split()), address.strip().rstrip("/")
    address = address.removesuffix("/chat/completions")
    if not name or len(name) > MAX_NAME_CHARS or "#" in name:
        raise BadEndpoint(f"Give it a name of at most {MAX_NAME_CHARS} characters, without a #.")
    try:
        host_of(address)
        header_of(key)
    except BackendError as error:
        raise BadEndpoint(
            "The key has characters that no key has."
            if "key" in str(error)
            else "That is no address of a server: it looks like http://host:8000/v1."
        ) from None
    if "#" in address or "@" in address or len(address) > 500:
        raise BadEndpoint("The address ends in /v1, without a model's name, and without a user.")
    return Endpoint(name, address, key.strip(), tuple(models)[:MAX_MODELS])


class Endpoints:
    """The endpoints of this server, in a file in `folder`. Safe from all threads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._all: dict[str, Endpoint] = {}
        self.problem = ""
        """Why the file can't be used, as a sentence."""

    def all(self) -> tuple[Endpoint, ...]:
        """The endpoints by name; read anew where another process has written the file."""
        with self._lock:
            self._read()
            return tuple(self._all[name] for name in sorted(self._all, key=str.casefold))

    def get(self, name: str) -> Endpoint | None:
        """The endpoint of that name."""
        with self._lock:
            self._read()
            return self._all.get(name)

    def put(self, endpoint: Endpoint) -> None:
        """Adds an endpoint, or replaces the one of that name. Raises `BadEndpoint`, also where the
        file can't be written."""
        with self._lock:
            self._read()
            if endpoint.name not in self._all and len(self._all) >= MAX_ENDPOINTS:
                raise BadEndpoint(f"There are {MAX_ENDPOINTS} endpoints: remove one first.")
            self._write(self._all | {endpoint.name: endpoint})

    def remove(self, name: str) -> None:
        """Removes the endpoint of that name with its key. Raises `BadEndpoint` where the file
        can't be written."""
        with self._lock:
            self._read()
            self._write({key: each for key, each in self._all.items() if key != name})

    def _read(self) -> None:
        try:
            status = self._path.stat()
        except OSError:
            self._seen, self._all = None, {}
            return
        seen = (status.st_mtime_ns, status.st_size)
        if seen == self._seen:
            return
        try:
            if status.st_size > MAX_FILE_BYTES:
                raise ValueError
            found = _file.validate_json(self._path.read_bytes())
        except (OSError, ValueError, ValidationError):
            log.warning("the endpoints can't be read", exc_info=True)
            self._put_aside()
            return
        self._seen, self._all = seen, {each.name: each for each in found[:MAX_ENDPOINTS]}

    def _put_aside(self) -> None:
        """Keeps a damaged file: there may be keys in it that are nowhere else."""
        self._seen, self._all = None, {}
        name = free_name(self._path.parent, "endpoints.damaged.json")
        try:
            os.replace(self._path, self._path.with_name(name))
        except OSError:
            self.problem = "The file of endpoints is damaged and can't be replaced."
        else:
            self.problem = f"The file of endpoints was damaged and put aside as {name}."

    def _write(self, endpoints: dict[str, Endpoint]) -> None:
        text = json.dumps([_values(each) for each in endpoints.values()], ensure_ascii=False)
        beside = self._path.with_name(f"{FILE_NAME}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(beside, self._path)
            status = self._path.stat()
        except OSError:
            log.warning("the endpoints can't be written", exc_info=True)
            raise BadEndpoint(
                "The endpoints can't be stored: the disk is full, or the folder is read-only."
            ) from None
        self._seen, self._all = (status.st_mtime_ns, status.st_size), endpoints


def _values(endpoint: Endpoint) -> dict[str, Any]:
    abilities = {model: asdict(able) for model, able in endpoint.abilities.items()}
    return {
        "name": endpoint.name,
        "address": endpoint.address,
        "key": endpoint.key,
        "models": list(endpoint.models),
        "abilities": abilities,
    }
