"""Draws the attachments of a tool's result: images, charts, tables and formulas inline, others as
files, with previews of images and tables.

The files are untrusted and may change at any time, so they are read with size limits and checked
before they are drawn.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import streamlit as st

from app.core.rendering.charts import drawable_chart, formula
from app.core.rendering.tables import PREVIEW_BYTES, Table, displayed_table, file_table
from app.ui.elements.keys import unique_key
from app.ui.elements.markdown import drawable, escaped, shown
from app.ui.elements.picture import draw_picture
from app.ui.transcript.downloads import Offer, draw_offers
from tools.base import Attachment
from tools.media import LATEX, PICTURES, PLOTLY, TABLE, VEGA_LITE
from tools.safe_files import open_regular, read_regular

log = logging.getLogger(__name__)

MAX_DATA_BYTES = 6_000_000  # of a chart or table
TABLES = ("text/csv", "text/tab-separated-values")


def draw_attachments(attachments: Sequence[Attachment]) -> None:
    """Draw attachments into the current container: displayed output in its order, then files."""
    displayed = [each for each in attachments if each.inline]
    files = [each for each in attachments if not each.inline]
    for each in displayed:
        if not _draw_displayed(each):
            st.caption(f"{escaped(each.name)} can't be shown.")
    offered = [each for each in attachments if each.offered or not each.inline]
    if offered:
        draw_offers([Offer(each.name, each.mime, each.path) for each in offered])
    # Only the first one is open.
    opened = bool(displayed)
    for each in files:
        if each.mime in (*PICTURES, *TABLES):
            with st.expander(f"Preview of {escaped(each.name)}", expanded=not opened):
                if not _draw_preview(each):
                    st.caption("There is no preview of it.")
            opened = True


def _draw_displayed(thing: Attachment) -> bool:
    """Draw an attachment; False if that failed, with nothing drawn."""
    try:
        if thing.mime in PICTURES:
            return draw_picture(thing.path, thing.name)
        if thing.mime in (PLOTLY, VEGA_LITE):
            return _draw_chart(thing, read_regular(thing.path, MAX_DATA_BYTES))
        if thing.mime == TABLE:
            table = displayed_table(read_regular(thing.path, MAX_DATA_BYTES))
            if table is not None:
                draw_table(table)
            return table is not None
        if thing.mime == LATEX:
            latex = formula(read_regular(thing.path, MAX_DATA_BYTES))
            if latex is not None:
                st.latex(drawable(latex))
            return latex is not None
    except OSError:
        return False
    draw_offers([Offer(thing.name, thing.mime, thing.path)])
    return True


def _draw_preview(file: Attachment) -> bool:
    if file.mime in PICTURES:
        return draw_picture(file.path, file.name)
    try:
        with open_regular(file.path) as stream:
            data = stream.read(PREVIEW_BYTES)
            table = file_table(data, whole=not stream.read(1))
    except OSError:
        return False
    if table is not None:
        draw_table(table)
    return table is not None


def _draw_chart(thing: Attachment, data: bytes) -> bool:
    chart = drawable_chart(thing.mime, data)
    if chart is None:
        return False
    place = st.empty()
    try:
        key = unique_key(str(thing.path))
        if thing.mime == PLOTLY:
            place.plotly_chart(chart, key=key, alt="Chart")
        else:
            place.vega_lite_chart(chart, key=key, width="stretch", alt="Chart")
    except Exception:  # drawing libraries raise many types for faulty charts
        log.info("the chart %s was not drawn", thing.name, exc_info=True)
        place.empty()
        return False
    return True


def draw_table(table: Table) -> None:
    """Draw a table; a caption gives its full size if only a part is drawn."""
    # pandas is slow to import, and not needed for the first page.
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
