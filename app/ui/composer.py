"""Where a user writes: starters on an empty page, the message box, the choice of a tool, Stop,
and what can be done with the last exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from app.core.agent import TurnConfig
from app.core.given import FileRefused, Given, user_message
from app.core.session import Busy, Session
from app.core.settings import Settings
from app.ui.given import draw_given, draw_waiting, let_wait, take_files
from app.ui.markdown import drawable, escaped
from backends.base import Document, Message, Usage

AUTO = "Auto"
GREETING = {
    "chat": ("What's on your mind?", "Ask in your own words, or begin with one of these."),
    "tools": (
        "What shall we find out?",
        "The model can search the web, run Python and call your functions, and goes on from there.",
    ),
}

Config = Callable[[], TurnConfig]
# The session as it is when a button is pressed: the one that the page was drawn from may have
# been cleared in another tab since, or closed because nobody looked at it for long.
Current = Callable[[], Session]


def draw_empty(mode: str, starters: Sequence[str], send: Callable[[str], None]) -> None:
    """An empty page: a greeting and starters that can be clicked."""
    title, text = GREETING[mode]
    with st.container(key="greeting"):
        st.header(title, anchor=False)
        st.caption(text)
    with st.container(key="starters", horizontal=True, gap="small"):
        for at, starter in enumerate(starters):
            st.button(starter, key=f"starter-{mode}-{at}", on_click=send, args=(starter,))


def draw_composer(
    mode: str, current: Current, tools: Sequence[str], config: Config, settings: Settings
) -> None:
    """The message box at the foot of the page, with the tool choice and Stop above it. Where there
    are tools, files can be given with a message."""
    running = current().running
    box = f"prompt-{mode}"
    takes_files = mode == "tools" and not settings.kernel_gateway_url

    def sent() -> None:
        value = st.session_state[box]
        text, uploads = (value, ()) if isinstance(value, str) else (value.text, value.files)
        files = [Given(upload.name, upload.getbuffer()) for upload in uploads]
        try:
            documents = take_files(mode, current(), files, settings)
        except FileRefused as error:
            st.toast(escaped(str(error)), icon=":material/error:", duration="long")
            st.session_state[box] = text  # back into the box
            return
        accepted = submit(current, text, config(), documents)
        let_wait(mode, () if accepted else documents)
        if not accepted:
            st.session_state[box] = text

    with (
        st.bottom,
        st.container(horizontal=True, vertical_alignment="center", key="above-composer"),
    ):
        if tools:
            st.selectbox(
                "Tool to use",
                [AUTO, *tools],
                key=f"use-{mode}",
                format_func=lambda name: "Tool: auto" if name == AUTO else f"Use {name}",
                label_visibility="collapsed",
                width=220,
            )
        if running:
            st.button(
                "Stop",
                key="stop",
                icon=":material/stop_circle:",
                on_click=lambda: current().stop(),
                shortcut="Escape",
            )
        draw_waiting(mode)
    # Streamlit puts it at the bottom by itself, and only then the page follows the newest words.
    st.chat_input(
        "Writing… press Stop to interrupt" if running else "Message",
        key=box,
        disabled=running,
        on_submit=sent,
        accept_file="multiple" if takes_files else False,
        max_upload_size=settings.upload_mb,
    )


def chosen_tool(mode: str, offered: Sequence[str]) -> str | None:
    """The tool that the composer asks for by name, if it is still on."""
    chosen = st.session_state.get(f"use-{mode}", AUTO)
    return chosen if chosen in offered else None


def submit(
    current: Current, text: str, config: TurnConfig, documents: Sequence[Document] = ()
) -> bool:
    """Sends a message; one of blanks alone is not sent. False when it was refused."""
    if text.strip() or documents:
        message = user_message(text, documents)
        return started(lambda: current().start_turn(message, config))
    return True


def started(action: Callable[[], None]) -> bool:
    """Begins a turn, or says that one is running, as it may in another tab."""
    try:
        action()
    except Busy:
        st.toast("An answer is still being written. Stop it first.", icon=":material/hourglass:")
        return False
    return True


def guarded(action: Callable[[], None]) -> None:
    """`started`, as what a button does."""
    started(action)


def draw_actions(
    mode: str,
    current: Current,
    question: Message | None,
    text: str,
    usage: Usage | None,
    config: Config,
) -> None:
    """Under the last answer: its figures, copy, retry, edit, and Continue where it makes sense."""
    view = current().view()
    reason = view.ended.reason if view.ended else "stop"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="actions"):
        if text:
            copy_button(text)
        st.button(
            "Retry",
            key="retry",
            type="tertiary",
            icon=":material/refresh:",
            on_click=lambda: guarded(lambda: current().retry(config())),
        )
        if question is not None:
            st.button(
                "Edit",
                key="edit",
                type="tertiary",
                icon=":material/edit:",
                on_click=lambda: st.session_state.update({editing_key(mode): True}),
            )
        if reason in ("tool_limit", "length") or view.conversation.awaits_answer:
            st.button(
                "Continue",
                key="continue",
                type="tertiary",
                icon=":material/play_arrow:",
                on_click=lambda: guarded(lambda: current().start_turn(None, config())),
            )
        if usage is not None and usage.completion_tokens:
            st.caption(figures(usage))


def figures(usage: Usage) -> str:
    """Speed and wait, in words."""
    count = usage.completion_tokens
    parts = [f"{count:,} token{'' if count == 1 else 's'}"]
    if usage.tokens_per_second is not None:
        parts.append(f"{usage.tokens_per_second:.1f} tokens/s")
    if usage.first_token is not None:
        parts.append(f"first token after {usage.first_token:.1f} s")
    return " · ".join(parts)


def editing_key(mode: str) -> str:
    """Where a page remembers that its last message is being edited."""
    return f"editing-{mode}"


def draw_edit(mode: str, current: Current, question: Message, config: Config) -> None:
    """The last message as a form, to be sent again."""

    def done(send: bool) -> None:
        text = st.session_state.get("edited", "")
        st.session_state[editing_key(mode)] = False
        if send and (text.strip() or question.documents):
            message = user_message(text, question.documents)
            guarded(lambda: current().resend(message, config()))

    draw_given(question.documents)
    st.text_area("Edit your message", value=drawable(question.text), key="edited", height=140)
    with st.container(horizontal=True):
        st.button("Send", key="edit-send", icon=":material/send:", on_click=done, args=(True,))
        st.button("Cancel", key="edit-cancel", on_click=done, args=(False,))


_COPY: Any = None


def copy_button(text: str) -> None:
    """A button that puts the answer's Markdown on the clipboard."""
    global _COPY
    if _COPY is None:
        _COPY = st.components.v2.component(
            "copy_answer", html=_COPY_HTML, css=_COPY_CSS, js=_COPY_JS, isolate_styles=True
        )
    _COPY(data={"text": drawable(text)}, key="copy", width="content", height="content")


_COPY_HTML = '<button type="button" aria-label="Copy the answer">Copy</button>'
_COPY_CSS = """
button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: none;
  border: 0; border-radius: var(--st-button-radius); padding: 0.25rem 0.5rem; cursor: pointer; }
button:hover, button:focus-visible { color: var(--st-primary-color); }
"""
_COPY_JS = """
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(data.text);
    } catch {
      const area = document.createElement("textarea");
      area.value = data.text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
}
"""
