"""The second file of a GGUF model that sees: `mmproj`, which turns pictures into embeddings.

Makers lay it beside the model, as `mmproj-<model>-f16.gguf`, `mmproj-model-f16.gguf` or
`<model>.mmproj-Q8_0.gguf`. One that belongs to another model would keep this one from loading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SIGN = re.compile(r"mmproj", re.IGNORECASE)
# What stands in a file's name beside the model's own: its precision, its part, its kind.
_EXTRAS = re.compile(
    r"mmproj|\bmodel\b|(?:ud-)?i?q\d(?:_[a-z0-9]+)*|b?f(?:p)?(?:16|32)|\d{5}-of-\d{5}|\.gguf$",
    re.IGNORECASE,
)
PREFERENCE = ("f16", "bf16", "q8_0")
"""Which one is taken where there are several: smaller ones see worse, larger ones no better."""


def beside(model: Path) -> Path | None:
    """The file that belongs to the model in its folder; None where there is none, or no telling."""
    try:
        names = [entry.name for entry in model.parent.iterdir() if entry.is_file()]
    except OSError:
        return None
    name = matching(model.name, names)
    return None if name is None else model.parent / name


def matching(model: str, names: Iterable[str]) -> str | None:
    """The one of `names` that belongs to the file `model`: the one that is named after it, or any
    where `model` is the only model among them."""
    ggufs = [name for name in names if name.lower().endswith(".gguf")]
    projectors = sorted(name for name in ggufs if _SIGN.search(name))
    models = {_own(name) for name in ggufs if not _SIGN.search(name)}
    named = [name for name in projectors if _own(name) == _own(model)]
    general = [name for name in projectors if not _own(name)]
    return _best(named or (general if models <= {_own(model)} else []))


def _own(name: str) -> str:
    """What is left of a file's name without what two files of one model may differ in."""
    return re.sub(r"[^a-z0-9]+", "", _EXTRAS.sub("", Path(name).name.lower()))


def _best(names: list[str]) -> str | None:
    for wanted in PREFERENCE:
        for name in names:
            if re.search(rf"(?<![a-z]){wanted}", name.lower()):
                return name
    return names[0] if names else None
