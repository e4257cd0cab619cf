"""Draws a call of the browser as one line, which unfolds to the results and pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.core.rendering.browser_steps import MAX_STEP_BYTES, Found, Read, Step, read_step
from app.ui.elements.markdown import escaped, link, shown, words
from app.ui.elements.picture import draw_picture
from app.ui.transcript.blocks import CallBlock
from tools.base import Attachment, ToolError, ToolResult
from tools.media import BROWSER_STEP, PICTURES
from tools.safe_files import read_regular

FUNCTIONS = ("simple_browser", "search", "mclick", "open_url", "find", "scroll")
ICON = ":material/travel_explore:"
PICTURE_WIDTH_PX = 220
MAX_TEXT_CHARS = 100_000


def draw_step(block: CallBlock) -> bool:
    """Draw a call of the browser into the current container.

    Returns False, with nothing drawn, for other calls, and for browser calls without a step's
    record, such as those that failed early.
    """
    if block.result is None:
        if block.call.name not in FUNCTIONS or block.state not in ("waiting", "running"):
            return False
        text = block.progress or _wanted(block)
        clock = f" · {block.seconds} s" if block.state == "running" else ""
        st.caption(f"{ICON} {escaped(text, 120)}{clock}")
        return True
    step = _step_of(block.result)
    if step is None:
        return False
    with st.expander(_headline(step, block.result), icon=ICON):
        if block.result.error:
            st.caption(f":material/error: {escaped(block.result.error)}")
        if step.results:
            st.html(f'<div class="step">{"".join(map(_found, step.results))}</div>')
        for note in step.notes:
            st.caption(escaped(note))
        pictures = {each.name: each for each in block.result.attachments if each.mime in PICTURES}
        for page in step.pages:
            _draw_page(page, pictures)
        text = words(block.result.text, MAX_TEXT_CHARS)
        st.html(
            '<details class="step"><summary>The text that the model was given</summary>'
            f"<pre>{text}</pre></details>"
        )
    return True


def _step_of(result: ToolResult) -> Step | None:
    for each in result.attachments:
        if each.mime == BROWSER_STEP:
            try:
                return read_step(read_regular(each.path, MAX_STEP_BYTES))
            except OSError:
                return None
    return None


def _headline(step: Step, result: ToolResult) -> str:
    color = "red" if result.error else "gray"
    return f"{escaped(step.sentence, 200)} :{color}[{result.seconds:.1f} s]"


def _wanted(block: CallBlock) -> str:
    """The arguments of a call without a result yet, as text."""
    try:
        arguments = block.call.arguments()
    except ToolError:
        return block.call.input
    return " ".join(shown(str(value)) for value in arguments.values()) or block.call.name


def _found(each: Found) -> str:
    where = " · ".join(filter(None, (words(each.host, 200), words(each.published or "", 40))))
    return (
        f'<div class="found"><span class="number">{each.id}</span> {link(each.title, each.url)}'
        f'<div class="where">{where}</div><div>{words(each.snippet)}</div></div>'
    )


def _draw_page(page: Read, pictures: dict[str, Attachment]) -> None:
    where = [words(page.host, 200)]
    if page.error:
        where.append(f'<span class="trouble">{words(page.error, 300)}</span>')
    else:
        lines = f"lines {page.first}-{page.last} of {page.lines:,}" if page.lines else "no text"
        where += [str(page.status), lines, *([words(page.note, 200)] if page.note else [])]
    st.html(
        f'<div class="step"><div class="found"><span class="number">{page.id}</span> '
        f'{link(page.title or page.url, page.url)}<div class="where">{" · ".join(where)}</div>'
        "</div></div>"
    )
    picture = pictures.get(Path(page.screenshot).name) if page.screenshot else None
    if picture is not None:
        draw_picture(picture.path, f"Screenshot of {page.host}", PICTURE_WIDTH_PX)
