"""Draws a tool call: its name and clock, its input as code, folded output, and figures."""

from __future__ import annotations

import json
from collections.abc import Callable

import streamlit as st

from app.core.agent.approvals import Decision
from app.ui.elements.keys import unique_key
from app.ui.elements.markdown import escaped, shown, shown_name
from app.ui.transcript.blocks import CallBlock
from app.ui.transcript.browser_step import draw_step
from app.ui.transcript.tool_output import draw_attachments
from tools.base import ToolCall, ToolError, ToolResult

# Longer code is drawn in a scrolling box of this height.
MAX_INPUT_LINES, INPUT_HEIGHT_PX = 14, 300
MAX_OUTPUT_LINES, OUTPUT_HEIGHT_PX = 18, 380
ICONS = {"python": ":material/terminal:", "cogview": ":material/brush:"}

Answer = Callable[[int, Decision], None]


def draw_call(block: CallBlock, answer: Answer | None = None) -> None:
    """Draw a call into the current container.

    Arguments:
        block: the call.
        answer: takes the user's decision on a call that waits for approval; None: no buttons.
    """
    if draw_step(block):
        return
    with st.container(border=True, gap="small"):
        st.markdown(_headline(block))
        text, language = shown_input(block.call)
        if text.strip():
            _code(text, language, MAX_INPUT_LINES, INPUT_HEIGHT_PX)
        if block.call.note:
            st.caption(f":material/healing: {escaped(block.call.note)}")
        if block.state == "running" and block.progress:
            st.caption(shown(block.progress)[:200])
        if block.state == "asking" and answer is not None:
            _draw_question(block.asked, answer)
        if block.result is not None:
            _draw_result(block.result)


def shown_input(call: ToolCall) -> tuple[str, str | None]:
    """A call's input as code, and its language for highlighting; JSON is indented."""
    try:
        arguments = call.arguments()
    except (ToolError, RecursionError):
        return shown(call.input), None
    if call.name == "python" and isinstance(arguments.get("code"), str):
        return shown(arguments["code"]), "python"
    if call.raw is not None:
        return shown(call.input), None
    return shown(json.dumps(arguments, ensure_ascii=False, indent=2)), "json"


def _headline(block: CallBlock) -> str:
    icon = ICONS.get(block.call.name, ":material/function:")
    # Backticks, which no honest name has, would end the code span.
    name = shown_name(block.call.name).replace("`", "'").replace("\n", " ")[:80] or "?"
    head = f"{icon} `{name}`"
    match block.state:
        case "writing":
            return f"{head} · writing…"
        case "waiting":
            return f"{head} · waiting"
        case "asking":
            return f"{head} · :orange[waits for your approval]"
        case "running":
            return f"{head} · running {block.seconds} s"
    result = block.result
    if result is not None and result.error:
        return f"{head} · :red[:material/close:] {result.seconds:.1f} s"
    return f"{head} · :green[:material/check:] {result.seconds if result else 0:.1f} s"


def _draw_question(number: int, answer: Answer) -> None:
    """Draws the buttons for the user's decision on a call with side effects."""
    st.caption("A page was read before this call, and may have asked for it. Run the call?")
    choices: tuple[tuple[str, Decision], ...] = (
        ("Run", "run"),
        ("Run always in this conversation", "always"),
        ("Refuse", "refuse"),
    )
    with st.container(horizontal=True, gap="small"):
        for label, decision in choices:
            key = unique_key(f"{decision}-{number}")
            st.button(label, key=key, on_click=answer, args=(number, decision))


def _draw_result(result: ToolResult) -> None:
    text = shown(result.text).strip("\n")
    if result.error:
        st.caption(f":material/error: {escaped(result.error)}")
    if text:
        lines = text.count("\n") + 1
        label = "Output" if lines == 1 else f"Output · {lines:,} lines"
        with st.expander(label):
            _code(text, None, MAX_OUTPUT_LINES, OUTPUT_HEIGHT_PX)
    draw_attachments(result.attachments)


def _code(text: str, language: str | None, max_lines: int, height: int) -> None:
    is_long = text.count("\n") >= max_lines
    st.code(text, language=language, wrap_lines=True, height=height if is_long else "content")
