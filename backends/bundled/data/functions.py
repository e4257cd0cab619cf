"""The functions that come with the app, called and really run (but for the weather's network)."""

from __future__ import annotations

from backends.bundled.data import chance, offsets, places, quantities, spans
from backends.bundled.data.tasks import DatedSkill

# A skill: its function, and how often it is drawn.
OWN: dict[DatedSkill, tuple[str, float]] = {
    **quantities.OWN,
    **places.OWN,
    **chance.OWN,
    **spans.OWN,
    **offsets.OWN,
}
