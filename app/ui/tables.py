"""Draws a table that can be scrolled, sorted and searched."""

from __future__ import annotations

import streamlit as st

from app.core.rendering.tables import Table
from app.ui.markdown import shown


def draw_table(table: Table) -> None:
    """Draws the table, with a word on what is not here."""
    # pandas takes long to import, and the first page is without it.
    import pandas as pd

    columns = {
        shown(column.name): [
            shown(cell) if isinstance(cell, str) else cell for cell in column.cells
        ]
        for column in table.columns
    }
    frame = pd.DataFrame(columns)
    if table.index:
        frame = frame.set_index(list(frame.columns[: table.index]))
    st.dataframe(frame, hide_index=not table.index, alt=f"Table: {table.size}")
    if table.rows != table.height or table.width != len(table.columns) - table.index:
        st.caption(f"{table.size}.")
