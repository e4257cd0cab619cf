"""Startup code of every kernel that prepares plotting libraries; see `session`.

matplotlib and altair are configured when the code imports them, so that other calls don't wait for
them.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

# The first installed one draws the characters that the chosen font has no glyph for.
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)


def prepare(shell: Any, keep: int) -> None:
    """Set up figures: inline, at double resolution, with fonts for CJK. `keep` is not used."""
    # "retina": two pixels for each one on the page, for high-resolution screens.
    shell.config.InlineBackend.figure_formats = {"retina"}
    activate = shell.enable_matplotlib
    shell.enable_matplotlib = lambda gui=None: activate(
        "inline"
    )  # %matplotlib notebook, widget, qt
    actions = {
        "PIL.Image": _show_pictures,
        "matplotlib": _keep_backend,
        "matplotlib.pyplot": _keep_switched_backend,
        "matplotlib.font_manager": _complete_fonts,
        "altair": _as_specification,
    }
    sys.meta_path.insert(0, _AfterImport(actions))


class _AfterImport:
    """An import hook: calls a function with a module after its first import."""

    def __init__(self, actions: dict[str, Callable[[ModuleType], None]]) -> None:
        self.actions = actions

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        action = self.actions.pop(name, None)
        if action is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            action(module)

        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec


def _keep_backend(matplotlib: Any) -> None:
    """Ignore `matplotlib.use`, because figures of another backend are not shown."""
    matplotlib.use = lambda backend, *, force=True: None


def _keep_switched_backend(pyplot: Any) -> None:
    """Ignore `switch_backend`, for the same reason. pyplot itself calls it with the inline one."""
    switch = pyplot.switch_backend

    def keep(backend: Any) -> None:
        if "inline" in str(backend).lower():
            switch(backend)

    pyplot.switch_backend = keep


def _show_pictures(image: Any) -> None:
    """Display the picture of `Image.show`, which would start a viewer on this machine."""

    def show(self: Any, title: str | None = None) -> None:
        from IPython.display import display

        display(self)  # type: ignore[no-untyped-call]

    image.Image.show = show


def _as_specification(altair: Any) -> None:
    """Display charts as data; altair's default is HTML that loads a library from the network."""
    altair.renderers.enable("mimetype")


def _complete_fonts(font_manager: Any) -> None:
    """Add a fallback font for Chinese, Japanese and Korean to every font that the code chooses."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Glyph .* missing from")
    properties = font_manager.FontProperties
    search = font_manager.FontManager._find_fonts_by_props

    def search_further(self: Any, prop: Any, *args: Any, **kwargs: Any) -> list[Any]:
        found: list[Any] = search(self, prop, *args, **kwargs)
        installed = {entry.name for entry in self.ttflist}
        family = next((name for name in FALLBACK_FONTS if name in installed), None)
        if family is not None:
            wanted = properties._from_any(prop).copy()
            wanted.set_family(family)
            path = self.findfont(wanted)
            if path not in found:
                found.append(path)
        return found

    font_manager.FontManager._find_fonts_by_props = search_further
