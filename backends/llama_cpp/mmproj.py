"""The second file of a GGUF model with vision: `mmproj`, which turns pictures into embeddings.

Publishers put it into the model's folder, as `mmproj-<model>-f16.gguf`, `mmproj-model-f16.gguf`
or `<model>.mmproj-Q8_0.gguf`. With the file of another model loading fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_MMPROJ = re.compile(r"mmproj", re.IGNORECASE)
# Parts of a file name other than the model's name: precision, part number, kind.
_OTHER_PARTS = re.compile(
    r"mmproj|\bmodel\b|(?:ud-)?i?q\d(?:_[a-z0-9]+)*|b?f(?:p)?(?:16|32)|\d{5}-of-\d{5}|\.gguf$",
    re.IGNORECASE,
)
PREFERENCE = ("f16", "bf16", "q8_0")
"""Precisions in the order of preference: smaller files are less exact, larger ones no better."""


def beside(model: Path) -> Path | None:
    """The mmproj file of `model` in its folder; None where there is none or it is ambiguous."""
    try:
        names = [entry.name for entry in model.parent.iterdir() if entry.is_file()]
    except OSError:
        return None
    name = matching(model.name, names)
    return None if name is None else model.parent / name


def matching(model: str, names: Iterable[str]) -> str | None:
    """The mmproj file of `model` among `names`: one with the model's name, or any where `model` is
    the only model among them. None where there is none."""
    ggufs = [name for name in names if name.lower().endswith(".gguf")]
    projectors = sorted(name for name in ggufs if _MMPROJ.search(name))
    models = {_model_name(name) for name in ggufs if not _MMPROJ.search(name)}
    named = [name for name in projectors if _model_name(name) == _model_name(model)]
    general = [name for name in projectors if not _model_name(name)]
    return _best(named or (general if models <= {_model_name(model)} else []))


def _model_name(name: str) -> str:
    """The model's name in a file name: equal for the GGUF and mmproj files of one model."""
    return re.sub(r"[^a-z0-9]+", "", _OTHER_PARTS.sub("", Path(name).name.lower()))


def _best(names: list[str]) -> str | None:
    for wanted in PREFERENCE:
        for name in names:
            if re.search(rf"(?<![a-z]){wanted}", name.lower()):
                return name
    return names[0] if names else None
