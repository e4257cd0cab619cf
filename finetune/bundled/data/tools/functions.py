"""Tasks for the app's functions, with real results, except for the weather's."""

from __future__ import annotations

from finetune.bundled.data.dates import offsets, spans
from finetune.bundled.data.maths import chance, quantities
from finetune.bundled.data.tasks import DatedSkill
from finetune.bundled.data.tools import places

# By skill: its function, and its relative frequency.
OWN: dict[DatedSkill, tuple[str, float]] = {
    **quantities.OWN,
    **places.OWN,
    **chance.OWN,
    **spans.OWN,
    **offsets.OWN,
}
