"""Keys for widgets that are drawn several times on one page, or again while a turn runs.

Streamlit raises an error for two widgets with the same key, or without keys and with the same
arguments.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import streamlit as st

_COUNTS = "times-drawn"


def begin_page() -> None:
    """Reset the counts of `unique_key`, so that each run of a page makes the same keys.

    Called before anything is drawn.
    """
    st.session_state[_COUNTS] = Counter()


def unique_key(name: str) -> str:
    """A key that no other widget of the page has, by a hash of `name` and a count.

    Keys are visible in the page, and the hash keeps paths out of it.
    """
    times: Counter[str] = st.session_state.setdefault(_COUNTS, Counter())
    times[name] += 1
    return f"made-{_digest(name)}-{times[name]}"


def stable_key(name: str) -> str:
    """A key for a widget that is on the page once; also the same when a fragment is redrawn."""
    return f"one-{_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).hexdigest()
