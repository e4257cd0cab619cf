"""The functions that come with the app, called and really run (but for the weather's network)."""

from __future__ import annotations

from finetune.bundled.data.dates import offsets, spans
from finetune.bundled.data.maths import chance, quantities
from finetune.bundled.data.tasks import DatedSkill
from finetune.bundled.data.tools import places

# A skill: its function, and how often it is drawn.
OWN: dict[DatedSkill, tuple[str, float]] = {
    **quantities.OWN,
    **places.OWN,
    **chance.OWN,
    **spans.OWN,
    **offsets.OWN,
}
