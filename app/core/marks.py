"""The mark that stands in a text in place of a citation: no model can write one."""

from __future__ import annotations

import re

MARK_OPENS, MARK_CLOSES = "\ue100", "\ue101"
MARK = re.compile(f"{MARK_OPENS}(\\d+){MARK_CLOSES}")
"""The number is the place among the answer's citations, see `citations.Answer`."""
