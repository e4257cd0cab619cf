"""The page for admins: people, what they use, and the limits; never what they say."""

from __future__ import annotations

import time
from dataclasses import fields

import pandas as pd
import streamlit as st

from app.core.history.database import HistoryError
from app.core.people.limits import LABELS, Limits
from app.core.people.usage import UsageRow
from app.ui.help_page import draw_help_link
from app.ui.people.admins import is_admin
from app.ui.service import service


def show_usage() -> None:
    """Draws the tables; for anybody but an admin a sentence."""
    st.header("Usage", anchor=False)
    if not is_admin():
        st.info("This page is for admins.", icon=":material/lock:")
        return
    draw_help_link("people-and-limits", "People and limits in the handbook")
    meter = service().meter
    if meter is None:
        return
    try:
        rows = meter.usage.table()
    except HistoryError as error:
        st.error(str(error))
        return
    sessions = len(service().sessions)
    with st.container(horizontal=True):
        st.metric("Open conversations", sessions)
        st.metric("Answers being written", meter.running)
        st.metric("People in 30 days", len(rows))
    st.subheader("People", anchor=False)
    if rows:
        st.dataframe(_people(rows), hide_index=True, width="stretch")
    else:
        st.caption("Nobody has sent a message yet.")
    st.subheader("Limits", anchor=False)
    _draw_limits(meter.limits.person, meter.limits.address, meter.limits.sessions)


def _people(rows: list[UsageRow]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Person": [row.name or f"Browser {row.key[:8]}" for row in rows],
            "Messages today": [row.today.messages for row in rows],
            "Tokens today": [row.today.tokens for row in rows],
            "Messages, 30 days": [row.month.messages for row in rows],
            "Tokens, 30 days": [row.month.tokens for row in rows],
            "Conversations": [row.conversations for row in rows],
            "Files, MB": [round(row.stored_mb, 1) for row in rows],
            "Last day": [time.strftime("%Y-%m-%d", time.gmtime(row.last)) for row in rows],
        }
    )


def _draw_limits(person: Limits, address: Limits, sessions: int) -> None:
    table = [
        {
            "Limit": LABELS[each.name],
            "A person": _shown(getattr(person, each.name)),
            "An address": _shown(getattr(address, each.name)),
        }
        for each in fields(Limits)
    ]
    table.append({"Limit": "Open conversations", "A person": "", "An address": _shown(sessions)})
    st.table(table)


def _shown(limit: int) -> str:
    return f"{limit:,}" if limit else "none"
