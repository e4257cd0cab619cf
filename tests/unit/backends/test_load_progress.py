"""How far a model that loads has come: from a folder, and from a hub on loopback."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends import load_progress
from backends.errors import ModelUnavailable
from backends.load_progress import Progress, heard
from backends.transformers.backend import Transformers
from backends.transformers.config import WeightsConfig
from backends.transformers.loading import load
from tests.support.loopback_web import Answer, Site
from tests.support.tiny_models import save_glm

NAME = "owner/tiny"
COMMIT = "c" * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in several files."""
    import torch

    torch.set_num_threads(1)
    made = save_glm(tmp_path_factory.mktemp("models") / "glm")
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(made)
    (made / "model.safetensors").unlink()
    model.save_pretrained(made, max_shard_size="50KB")
    assert len(list(made.glob("*.safetensors"))) > 1
    return made


def hub(site: Site, folder: Path) -> None:
    """The model of the folder, as the hub serves it."""
    tree: list[dict[str, Any]] = []
    for file in sorted(folder.iterdir()):
        body = file.read_bytes()
        etag = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        tree.append({"type": "file", "path": file.name, "size": len(body), "oid": etag})
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}
        site.pages[f"/{NAME}/resolve/{COMMIT}/{file.name}"] = Answer(
            body, "application/octet-stream", headers=headers
        )
    info = {"id": NAME, "sha": COMMIT, "siblings": [{"rfilename": each["path"]} for each in tree]}
    for path, value in (("", info), ("/revision/main", info), (f"/tree/{COMMIT}", tree)):
        page = Answer(json.dumps(value).encode(), "application/json")
        site.pages[f"/api/models/{NAME}{path}"] = page


def told_while(work: Callable[[], object]) -> list[Progress]:
    told: list[Progress] = []
    with heard(told.append):
        work()
    return told


def rises(told: list[Progress], doing: str) -> list[Progress]:
    """What was told of it, which never fell and came to its end."""
    shares = [each.share for each in told if each.text.startswith(f"{doing}: ")]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(set(shares)) > 2
    return [each for each in told if each.text.startswith(f"{doing}: ")]


def test_a_folder_of_several_files(folder: Path) -> None:
    told = told_while(lambda: load(str(folder), WeightsConfig()))
    assert rises(told, "Loading weights")[-1].text == "Loading weights: 100%"


def test_a_model_of_the_hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with Site() as site:
        hub(site, folder)
        files = site.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", site.url)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", files)
        told = told_while(lambda: load(NAME, WeightsConfig()))
        size = sum(file.stat().st_size for file in folder.iterdir())
        last = rises(told, "Downloading")[-1]
        shown = load_progress.file_size(size)
        assert last.text == f"Downloading: {shown} of {shown}"
        rises(told, "Loading weights")
        # What is here already is not downloaded again.
        again = told_while(lambda: load(NAME, WeightsConfig()))
    assert not [each for each in again if each.text.startswith("Downloading")]
    # Nor is the hub needed then.
    assert load(NAME, WeightsConfig()).name == NAME


def test_a_model_that_the_hub_does_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with Site() as site:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", site.url)
        gone = Answer(status=404, headers={"X-Error-Code": "RepoNotFound"})
        site.pages[f"/api/models/{NAME}/revision/main"] = site.pages[f"/api/models/{NAME}"] = gone
        with pytest.raises(ModelUnavailable, match="The hub has no such model, or hides it"):
            load(NAME, WeightsConfig())


def test_steps_that_are_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backends.transformers import compiled_decoding

    monkeypatch.setattr(compiled_decoding, "compiled", lambda step, _: step)
    config = WeightsConfig(compile=True)
    weights = load(str(folder), config)
    told = told_while(lambda: Transformers(weights, config))
    assert [each.text for each in told] == ["Compiling: 0%", "Compiling: 50%"]


def test_where_nobody_listens(folder: Path) -> None:
    heard_of: list[Progress] = []
    with heard(heard_of.append):
        pass
    load(str(folder), WeightsConfig())
    assert heard_of == []
