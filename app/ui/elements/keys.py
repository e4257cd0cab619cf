"""Keys for what may be drawn several times on one page, or anew while a turn is watched.

Streamlit takes two things with one key, or alike in everything, for a mistake.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import streamlit as st

_PLACE = "times-drawn"


def begin_page() -> None:
    """To be called before anything is drawn: the same things get the same keys each time."""
    st.session_state[_PLACE] = Counter()


def own_key(what: str) -> str:
    """A key that nothing else on the page has. It says nothing of `what`: keys are in the page."""
    times: Counter[str] = st.session_state.setdefault(_PLACE, Counter())
    times[what] += 1
    digest = hashlib.blake2b(what.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"made-{digest}-{times[what]}"


def key_for(what: str) -> str:
    """A key for what is on the page but once, the same at every draw, of a part of the page too."""
    return f"one-{hashlib.blake2b(what.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"
