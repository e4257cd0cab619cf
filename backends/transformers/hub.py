"""The folder of a model: a local one, or one that is downloaded from the hub."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from backends.errors import ModelUnavailable
from backends.load_progress import downloads

log = logging.getLogger(__name__)

# The files of a model, without pickled weights, which could run code.
FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.tiktoken", "*.txt")


def model_name(where: str) -> str:
    """The name that the page shows for a folder or hub name, without a path."""
    if os.path.isdir(os.path.expanduser(where)):
        return Path(os.path.expanduser(where)).resolve().name
    return where


def local_folder(where: str, files: tuple[str, ...] = FILES) -> Path:
    """The folder `where`, or the downloaded model of that hub name. Raises `ModelUnavailable`."""
    path = Path(os.path.expanduser(where))
    if path.is_dir():
        return path
    try:
        return _fetched(where, list(files))
    except Exception as error:
        log.exception("a model could not be taken from the hub")
        kind = type(error).__name__
        if kind == "GatedRepoError":
            fix = "Accept its licence on the hub and set HF_TOKEN"
        elif kind in ("RepositoryNotFoundError", "HFValidationError"):
            fix = "The hub has no such model, or hides it: check the name, or set HF_TOKEN"
        elif isinstance(error, OSError) and getattr(error, "errno", None) == 28:
            fix = "The disk is full: make room, or set HF_HOME to another one"
        else:
            fix = "The hub can't be reached: check the network, or name a folder that is here"
        raise ModelUnavailable(f"{where} is no folder here. {fix}.") from None


def _fetched(where: str, files: list[str]) -> Path:
    """The folder of the hub's model, after a download of the files that are missing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import DryRunError, LocalEntryNotFoundError

    try:
        found = snapshot_download(where, allow_patterns=files, dry_run=True, tqdm_class=downloads())
    except DryRunError as error:
        # The hub is unreachable: an earlier download serves.
        try:
            return Path(snapshot_download(where, allow_patterns=files, local_files_only=True))
        except LocalEntryNotFoundError:
            raise (error.__cause__ or error) from None
    missing = sum(file.file_size or 0 for file in found if file.will_download)
    bars = downloads(missing)
    return Path(snapshot_download(where, allow_patterns=files, tqdm_class=bars))
