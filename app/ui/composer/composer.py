"""The composer: starters on an empty page, the message box, the choice of a tool, Stop, the actions
under the last answer, and the notice where a model can't see images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app.core.agent.context import no_vision_message
from app.core.agent.loop import TurnConfig
from app.core.attachments import Upload, UploadRejected
from app.core.attachments.image_text import read_pictures, unread
from app.core.attachments.images import ENDINGS
from app.core.attachments.uploads import Attached, user_message
from app.core.models.host import ModelHost
from app.core.modes import Mode
from app.core.people.limits import LimitReached
from app.core.sessions.session import Busy, Session
from app.core.settings import Settings
from app.ui.composer.attachments import draw_waiting, let_wait, take_files
from app.ui.composer.camera import draw_camera
from app.ui.composer.message_box import is_too_long
from app.ui.elements.copy_button import copy_button
from app.ui.elements.markdown import drawable, escaped
from app.ui.elements.user_files import draw_attached
from backends.base import Images
from backends.messages import Message, Usage

AUTO = "Auto"
PLACEHOLDERS = {"documents": "Ask about the documents, or add some"}
GREETING = {
    "chat": ("What's on your mind?", "Ask in your own words, or begin with one of these."),
    "tools": (
        "What shall we find out?",
        "The model can search the web, run Python and call your functions, and goes on from there.",
    ),
    "documents": (
        "What shall we read?",
        "Drag files here or choose them with +: PDF, Word, PowerPoint, Excel, web pages, e-books, "
        "text, pictures of pages. Then ask; answers name the page they stand on.",
    ),
    "vision": (
        "What shall we look at?",
        "Drag pictures here, paste them, choose them with +, or take one. Then ask about them.",
    ),
}

BUNDLED = (
    "The bundled model answers here: a very small one, to try the app with. It does what the "
    "examples show, and is often wrong about facts: check what it says."
)
BETTER = "Choose a better model"

Config = Callable[[], TurnConfig]
# Returns the current session when a button is pressed: the one from which the page was drawn may
# have been renewed in another tab, or closed after the idle time.
Current = Callable[[], Session]


def draw_empty(
    mode: Mode, starters: Sequence[str], send: Callable[[str], None], bundled: bool = False
) -> None:
    """An empty page: a greeting and starters that can be clicked; with the `bundled` model, what
    to expect of it and the way to a better one."""
    title, text = GREETING[mode]
    with st.container(key="greeting"):
        st.header(title, anchor=False)
        st.caption(text)
        if bundled:
            st.caption(BUNDLED)
            st.page_link("views/models.py", label=BETTER, icon=":material/neurology:")
    with st.container(key="starters", horizontal=True, gap="small"):
        for at, starter in enumerate(starters):
            st.button(starter, key=f"starter-{mode}-{at}", on_click=send, args=(starter,))


def draw_composer(
    mode: Mode,
    current: Current,
    tools: Sequence[str],
    config: Config,
    settings: Settings,
    images: Images,
) -> None:
    """The message box at the foot of the page, with the tool choice and Stop above it. Files go
    with a message where there are tools, pictures in Vision; `images` is what the model sees."""
    running = current().running
    box = f"prompt-{mode}"
    reads = mode == "documents"
    takes_files = mode == "vision" or reads or (mode == "tools" and not settings.kernel_gateway_url)
    several = not (mode == "vision" and images == "one")

    def sent() -> None:
        # Any look at the page's state may end this, when the page asks for something meanwhile:
        # so all of them come first, and files that were taken are not without their message.
        asked, value = config(), st.session_state[box]
        text, uploads = (value, ()) if isinstance(value, str) else (value.text, value.files)
        if is_too_long(text):
            return
        files = [Upload(upload.name, upload.getbuffer()) for upload in uploads]
        if not files and _is_being_answered(current(), text):
            return
        try:
            attached = take_files(mode, current(), files, settings, images)
        except UploadRejected as error:
            st.toast(escaped(str(error)), icon=":material/error:", duration="long")
            st.session_state[box] = text  # back into the box
            return
        if (documents := current().documents) is not None:
            documents.add(attached)
        if reads and not text.strip():
            current().save()
            return  # they are read meanwhile
        accepted = submit(current, text, asked, attached)
        let_wait(mode, () if accepted or reads else attached)
        if not accepted:
            st.session_state[box] = text

    if mode == "vision" and not running:
        with st.bottom:
            draw_camera(mode, current, settings, images)
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
        "Writing… press Stop to interrupt" if running else PLACEHOLDERS.get(mode, "Message"),
        key=box,
        disabled=running,
        on_submit=sent,
        accept_file=("multiple" if several else True) if takes_files else False,
        file_type=list(ENDINGS) if mode == "vision" else None,
        max_upload_size=settings.upload_mb,
    )


def chosen_tool(mode: Mode, offered: Sequence[str]) -> str | None:
    """The tool that the composer asks for by name, if it is still on."""
    chosen = st.session_state.get(f"use-{mode}", AUTO)
    return chosen if chosen in offered else None


def submit(
    current: Current, text: str, config: TurnConfig, attached: Sequence[Attached] = ()
) -> bool:
    """Sends a message; one of blanks alone is not sent. False when it was refused."""
    if is_too_long(text):
        return False
    if text.strip() or attached:
        message = user_message(text, attached)
        return started(lambda: current().start_turn(message, config))
    return True


def _is_being_answered(session: Session, text: str) -> bool:
    """Whether that very question is at work. Streamlit's page keeps a message among its widgets'
    values until a timer of 0 ms has sent them; where a fragment is asked for by the clock in
    between, as in a busy browser, that request has the message too. Its files came with the first
    one alone."""
    view = session.view()
    at = view.conversation.last_user
    return view.live is not None and at is not None and view.conversation.messages[at].text == text


def started(action: Callable[[], None]) -> bool:
    """Begins a turn, or says that one is running, as it may in another tab, or which limit is
    reached."""
    try:
        action()
    except Busy:
        st.toast("An answer is still being written. Stop it first.", icon=":material/hourglass:")
        return False
    except LimitReached as limit:
        st.toast(str(limit), icon=":material/hourglass:", duration="long")
        return False
    return True


def guarded(action: Callable[[], None]) -> None:
    """`started`, as what a button does."""
    started(action)


def draw_actions(
    mode: Mode,
    current: Current,
    question: Message | None,
    text: str,
    usage: Usage | None,
    config: Config,
    images: Images,
    end: str,
    branch: Callable[[], None] | None = None,
    inspect: Callable[[], None] | None = None,
) -> None:
    """Draws the actions under the last answer: Copy, Retry, Edit, where applicable Continue, Branch
    from here, what the model was sent, and the text recognition for a model that can't see images;
    and the answer's figures.
    `end` is the last message: meanwhile another page may have gone on."""
    view = current().view()
    reason = view.ended.reason if view.ended else "stop"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="actions"):
        if text:
            copy_button(text)
        if images == "none" and question is not None and unread(question):
            st.button(
                "Read the text in the picture",
                key="read-pictures",
                icon=":material/document_scanner:",
                on_click=lambda: guarded(lambda: current().retry(config(), read_pictures, end)),
            )
        st.button(
            "Retry",
            key="retry",
            type="tertiary",
            icon=":material/refresh:",
            on_click=lambda: guarded(lambda: current().retry(config(), id=end)),
        )
        if question is not None:
            st.button(
                "Edit",
                key="edit",
                type="tertiary",
                icon=":material/edit:",
                on_click=edit,
                args=(mode, question.id),
            )
        if branch is not None:
            st.button(
                "Branch from here",
                key="branch",
                type="tertiary",
                icon=":material/alt_route:",
                on_click=branch,
                help="A new conversation with all up to here.",
            )
        if inspect is not None:
            st.button(
                "Prompt",
                key="inspect",
                type="tertiary",
                icon=":material/data_object:",
                on_click=inspect,
                help="What the model was sent: the prompt, its tokens, the raw answer.",
            )
        last = view.conversation.messages[-1] if view.conversation.messages else None
        broken = last is not None and last.finish in ("length", "interrupted")
        if reason == "tool_limit" or broken or view.conversation.awaits_answer:
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
    """The answer's tokens, speed and time to the first token, as text."""
    count = usage.completion_tokens
    parts = [f"{count:,} token{'' if count == 1 else 's'}"]
    if usage.tokens_per_second is not None:
        parts.append(f"{usage.tokens_per_second:.1f} tokens/s")
    if usage.first_token is not None:
        parts.append(f"first token after {usage.first_token:.1f} s")
    return " · ".join(parts)


def editing_key(mode: Mode) -> str:
    """The key in the session state that has the message that is being edited, by its id."""
    return f"editing-{mode}"


def edit(mode: Mode, id: str) -> None:
    """Has a user's message be drawn as a form."""
    st.session_state[editing_key(mode)] = id


def draw_edit(mode: Mode, current: Current, question: Message, config: Config) -> None:
    """Draws a user's message as a form, to be edited and sent again."""
    key = f"edited-{question.id}"  # each message has its own: a form keeps what was written

    def done(send: bool) -> None:
        text = st.session_state.get(key, "")
        if send and is_too_long(text):
            return
        if send and (text.strip() or question.attached):
            message, asked = user_message(text, question.attached), config()
            if not started(lambda: current().ask_from(question.id, asked, message)):
                return  # the form stays, with what was written
        st.session_state[editing_key(mode)] = ""

    draw_attached(question.attached)
    st.text_area("Edit your message", value=drawable(question.text), key=key, height=140)
    with st.container(horizontal=True):
        st.button("Send", key="edit-send", icon=":material/send:", on_click=done, args=(True,))
        st.button("Cancel", key="edit-cancel", on_click=done, args=(False,))


def draw_no_vision(host: ModelHost) -> None:
    """The sentence and what would change it, once the model is there; else nothing."""
    if host.backend is not None and host.images == "none":
        st.info(
            f"{escaped(no_vision_message(host.backend), 400)} "
            "What is written in a picture can be read for it.",
            icon=":material/visibility_off:",
        )
