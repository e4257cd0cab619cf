"""Checks of everything that the app needs: `python -m app.cli doctor`, and the Settings page.

A check is a function from the service to one `Check`; `CHECKS` lists them in the order in which
they are shown. A missing optional part is a warning at most.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from app.core.descriptors import FEW_PAGES, raise_limit
from app.core.models.selection import parse_choice
from app.core.service import Service, data_folder
from backends.errors import BackendError, ModelUnavailable
from tools.text import one_line

log = logging.getLogger(__name__)

State = Literal["ok", "warning", "fail"]
CHROMIUM_FIX = (
    "Install it (Debian: apt install chromium-headless-shell; else: playwright install chromium)."
)
SEARCH_FIX = "GLM_SEARCH chooses what is asked; local:FOLDER needs no network."


@dataclass(frozen=True)
class Check:
    """The result of one check: one sentence, and in `fix` what the user can do about it."""

    name: str
    state: State
    sentence: str
    fix: str = ""


def check_settings(service: Service) -> Check:
    """Whether all settings and user functions could be read."""
    problems = service.problems
    if not problems:
        return Check("settings", "ok", "All settings and tools could be read.")
    return Check("settings", "warning", " ".join(problems), "Help has a table of all settings.")


def check_model(service: Service) -> Check:
    """Whether the model is loaded."""
    host = service.model
    if host.state == "ready" and host.backend is not None:
        return Check("model", "ok", f"{host.backend.name} is ready.")
    if host.state == "failed":
        fix = "GLM_MODEL chooses another one."
        return Check("model", "fail", host.error or "There is no model.", fix)
    return Check("model", "warning", "The model is still loading.")


def check_vision(service: Service) -> Check:
    """Whether the Vision page has a model with vision, or OCR at least."""
    host = service.vision
    if host is not service.model and host.state == "failed":
        fix = "GLM_VISION_MODEL chooses another one."
        return Check("vision", "fail", host.error or "There is no model.", fix)
    if host.backend is None:
        return Check("vision", "warning", "The model for pictures is not loaded.")
    if host.images != "none":
        count = "one picture" if host.images == "one" else "several pictures"
        return Check("vision", "ok", f"{host.backend.name} sees {count} in a message.")
    if importlib.util.find_spec("rapidocr") is None:
        sentence = f"{host.backend.name} sees no pictures, and the text in them can't be read."
        return Check("vision", "warning", sentence, "pip install rapidocr onnxruntime")
    sentence = f"{host.backend.name} sees no pictures; the text in them can be read for it."
    return Check("vision", "ok", sentence, "GLM_VISION_MODEL names a model that sees.")


def check_drawing(service: Service) -> Check:
    """Whether an image generator is set; it is not called, since that may cost money."""
    if service.drawing.problem:
        return Check("drawing", "warning", service.drawing.problem)
    if service.drawing.painter is None:
        sentence = "Nothing draws pictures, and cogview is not offered."
        return Check("drawing", "ok", sentence, "GLM_IMAGE_MODEL names what draws.")
    return Check("drawing", "ok", "cogview is offered in Tools.")


def check_documents(_: Service) -> Check:
    """Whether there is OCR for scanned pages of documents."""
    if importlib.util.find_spec("rapidocr") and importlib.util.find_spec("onnxruntime"):
        return Check("documents", "ok", "Scanned pages of documents are read (OCR).")
    sentence = "There is no OCR: pages that are pictures are said to be unread."
    return Check("documents", "warning", sentence, "pip install rapidocr onnxruntime")


def check_sandbox(service: Service) -> Check:
    """How Python runs, and whether visitors from elsewhere may use it."""
    from tools.python.sandbox.bubblewrap import why_not

    choice = service.sandbox
    if choice is None:
        return Check("sandbox", "ok", "Python runs behind the kernel gateway, not on this machine.")
    if not choice.warning:
        return Check("sandbox", "ok", choice.reason)
    state: State = "fail" if choice.launcher is None else "warning"
    return Check("sandbox", state, choice.reason, _sandbox_fix(why_not()))


def check_kernel(service: Service) -> Check:
    """Whether a Python kernel starts and runs code."""
    from app.core.toolset.python import open_pool, python_limits
    from tools.base import ToolCall, ToolContext, ToolError
    from tools.python import PythonTool

    choice = service.sandbox
    if choice is not None and choice.launcher is None:
        return Check("kernel", "fail", "Python is switched off.", "See the line above.")
    with tempfile.TemporaryDirectory(prefix="glm-doctor-") as folder:
        workspace = Path(folder, "workspace")
        pool = open_pool(service.settings, Path(folder), choice.launcher if choice else None, True)
        tool = PythonTool(workspace, python_limits(service.settings), pool=pool)
        try:
            call = ToolCall("doctor", tool.name, "6 * 7", raw="code")
            result = tool.run(call, ToolContext(workspace))
        except ToolError as error:
            return Check(
                "kernel",
                "fail",
                str(error),
                "The log says why; `make setup`, or pip install ipykernel, brings what it needs.",
            )
        finally:
            tool.close()
            pool.close()
    if result.text.strip() != "42":
        return Check("kernel", "fail", "A Python kernel started, but does not count right.")
    return Check("kernel", "ok", f"A Python kernel answered after {result.seconds:.1f} s.")


def check_browser(_: Service) -> Check:
    """Whether there is a Chromium, and its version."""
    from tools.browser.reading.chromium import executable

    path = executable() or own_chromium()
    if path is None:
        sentence = "There is no Chromium: pages that need scripts are read without them."
        return Check("browser", "warning", sentence, CHROMIUM_FIX)
    try:
        process = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        log.info("Chromium did not say its version", exc_info=True)
        return Check(
            "browser", "warning", "There is a Chromium, but it does not run.", CHROMIUM_FIX
        )
    version = one_line(process.stdout.partition(" built on ")[0], 60)
    return Check("browser", "ok", f"Pages are read with {version}.")


def own_chromium() -> str | None:
    """The path of the Chromium that Playwright has installed, None without one."""
    from playwright.sync_api import sync_playwright

    try:
        with sync_playwright() as playwright:
            path = Path(playwright.chromium.executable_path)
    except Exception:  # whatever keeps its driver from running
        log.info("Playwright could not be asked for its Chromium", exc_info=True)
        return None
    return str(path) if path.is_file() else None


def check_search(service: Service) -> Check:
    """Whether searching works, and with which services; makes one search."""
    browsing = service.browsing
    names = browsing.search.names
    problems = " ".join(browsing.search.problems)
    if not names:
        sentence = f"{problems} Nothing can be searched.".strip()
        return Check("search", "warning", sentence, SEARCH_FIX)
    found = browsing.search.search("GLM-4 model", None, 3)
    notes = " ".join(found.notes)
    if found.error or notes or problems:
        sentence = f"Searches ask {names}. {problems} {notes}"
        return Check("search", "warning", " ".join(sentence.split()), SEARCH_FIX)
    return Check("search", "ok", f"Searches ask {names}.")


def check_fonts(_: Service) -> Check:
    """Whether figures can show Chinese text."""
    from tools.python.kernels.fonts import font_names
    from tools.python.kernels.startup.figures import FALLBACK_FONTS

    names = font_names()
    found = next((name for name in FALLBACK_FONTS if name in names), None)
    if found:
        return Check("fonts", "ok", f"Chinese in figures is drawn with {found}.")
    fix = "Install one (Debian: apt install fonts-noto-cjk)."
    return Check("fonts", "warning", "There is no Chinese font: figures show boxes.", fix)


def check_transformers(service: Service) -> Check:
    """Whether weights in safetensors can be run."""
    if importlib.util.find_spec("transformers") and importlib.util.find_spec("torch"):
        version = metadata.version("transformers")
        sentence = f"transformers {version} is installed."
        if "torch" in sys.modules:  # the GPUs are only known to a loaded torch
            from backends.transformers.memory import devices

            sentence = f"{sentence} {devices()}"
        return Check("transformers", "ok", sentence)
    settings = service.settings
    needed = any(map(_is_weights, (settings.model, settings.vision_model)))
    missing = "transformers and torch are not installed"
    if not needed:
        return Check("transformers", "ok", f"{missing}; the model does not need them.")
    fix = "pip install torch transformers accelerate"
    return Check("transformers", "fail", f"{missing}, and the model needs them.", fix)


def _is_weights(model: str) -> bool:
    try:
        return parse_choice(model).kind == "weights"
    except ModelUnavailable:
        return False


def check_files(service: Service) -> Check:
    """Whether conversations can keep files."""
    folder = data_folder(service.settings)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        fix = "GLM_DATA names another folder."
        return Check("files", "fail", "The folder for files can't be written to.", fix)
    free = shutil.disk_usage(folder).free >> 20
    wanted = service.settings.python_workspace_mb
    if free < wanted:
        fix = "GLM_DATA names another folder, GLM_PYTHON_WORKSPACE_MB a smaller limit."
        return Check("files", "warning", f"There is room for {free:,} MB of files alone.", fix)
    return Check("files", "ok", f"There is room for {free:,} MB of files.")


def check_pages(service: Service) -> Check:
    """How many pages may be open at a time."""
    room = raise_limit()
    if not room.limit:
        return Check("pages", "ok", "This system sets no limit for open pages.")
    pages = min(room.pages, service.settings.pages or room.pages)
    sentence = f"There is room for {pages:,} more open pages ({room.limit:,} file descriptors)."
    if room.pages < FEW_PAGES:
        return Check("pages", "warning", sentence, "Raise the limit of open files (ulimit -Hn).")
    return Check("pages", "ok", sentence)


CHECKS: Sequence[Callable[[Service], Check]] = (
    check_settings,
    check_model,
    check_vision,
    check_documents,
    check_drawing,
    check_sandbox,
    check_kernel,
    check_files,
    check_pages,
    check_fonts,
    check_browser,
    check_search,
    check_transformers,
)


def examine(service: Service) -> Iterator[Check]:
    """Runs all checks, one after the other; an exception is a failed check."""
    for check in CHECKS:
        try:
            yield check(service)
        except Exception:
            log.exception("a check broke off")
            name = check.__name__.removeprefix("check_")
            yield Check(name, "fail", "This could not be checked; the log says why.")


def report(service: Service) -> int:
    """Prints a line for each check. Returns the exit status: 1 if a check failed, else 0."""
    with contextlib.suppress(BackendError):  # its check reports it
        service.model.wait()
    with contextlib.suppress(BackendError):
        service.vision.wait()
    failed = False
    for check in examine(service):
        failed = failed or check.state == "fail"
        print(
            f"{check.state:<8} {check.name:<13} {check.sentence} {check.fix}".rstrip(), flush=True
        )
    return 1 if failed else 0


def _sandbox_fix(trouble: str | None) -> str:
    if trouble is None:
        return "Unset GLM_PYTHON_SANDBOX: bubblewrap works here."
    if sys.platform != "linux":
        return "Run the app on Linux where strangers are to use it."
    if shutil.which("bwrap") is None:
        return "Install it (Debian: apt install bubblewrap)."
    return (
        "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
        "kernel.apparmor_restrict_unprivileged_userns=0; a container needs seccomp=unconfined)."
    )
