"""One request on the page: figures, tokens by part, prompt, body, raw answer. All as plain text."""

from __future__ import annotations

import json
import time
from html import escape

import streamlit as st

from app.core.inspection.request_log import Inspected
from app.core.inspection.shown import (
    MAX_SHOWN_CHARS,
    MAX_TOKEN_ROWS,
    TokenRow,
    body_of,
    curl_of,
    prompt_of,
    shortened,
    token_rows,
)
from app.core.inspection.token_parts import NAMES, TokenParts, token_parts
from app.ui.elements.markdown import escaped, shown
from app.ui.http.media_files import download
from backends.errors import BackendError
from backends.messages import Message

MAX_ROW_CHARS = 120
"""Characters of a piece's text in the list of tokens."""
MAX_ROW_IDS = 64
"""Token ids in one row of that list."""
_HEIGHT = 380  # pixels of a text's box


def draw_figures(inspected: Inspected) -> None:
    """Draws when and to whom the request went, its times, and its tokens by part."""
    st.caption(" · ".join([escaped(inspected.request.model), *_figures(inspected)]))
    parts = token_parts(inspected)
    if parts.parts:
        st.html(_bars(parts))


def _figures(inspected: Inspected) -> list[str]:
    figures = [f"sent at {time.strftime('%H:%M:%S', time.localtime(inspected.sent_at))}"]
    if inspected.first is not None:
        figures.append(f"first piece after {inspected.first:.2f} s")
    if inspected.seconds is not None:
        figures.append(f"{inspected.seconds:.2f} s in all")
    usage = inspected.usage
    if usage is not None and usage.prompt_tokens:
        cached = f", {usage.cached_tokens:,} of them from the cache" if usage.cached_tokens else ""
        figures.append(f"{usage.prompt_tokens:,} tokens read{cached}")
    if usage is not None and usage.completion_tokens:
        figures.append(f"{usage.completion_tokens:,} written")
    if usage is not None and usage.tokens_per_second is not None:
        figures.append(f"{usage.tokens_per_second:.1f} tokens/s")
    return figures


def _bars(parts: TokenParts) -> str:
    """The tokens by part as a table with bars. It holds our own words and numbers alone."""
    most = max(parts.parts.values())
    rows = "".join(
        f"<tr><th>{escape(NAMES[name])}</th><td>{count:,}</td>"
        f'<td class="share"><span style="width: {100 * count / most:.1f}%"></span></td></tr>'
        for name, count in parts.parts.items()
    )
    how = "tokens" if parts.exact else "tokens, estimated from the texts' lengths"
    return f'<table class="token-parts"><caption>{parts.total:,} {how}</caption>{rows}</table>'


def draw_changes(answer: Message) -> None:
    """Draws what the request holds less of than the conversation."""
    used = answer.context
    if used is None:
        return
    changes = []
    if used.results_shortened:
        changes.append(f"{used.results_shortened:,} long results were cut in the middle")
    if used.images_left_out:
        changes.append(f"{used.images_left_out:,} pictures were left out")
    if used.compacted is not None:
        how = "summarised" if used.compacted.summary else "left out"
        changes.append(f"the first {used.compacted.messages:,} messages were {how}")
    if used.refused:
        changes.append("the model refused the whole documents as too long")
    if changes:
        st.caption(f":material/content_cut: To fit: {', '.join(changes)}.")


def draw_prompt(inspected: Inspected) -> None:
    """Draws the prompt as the model read it, with its special tokens."""
    try:
        _draw_text(prompt_of(inspected.request), "prompt.txt")
    except BackendError as error:
        st.info(escaped(str(error)))


def draw_tokens(inspected: Inspected) -> None:
    """Draws the prompt's token ids, the template's pieces apart from the messages' texts."""
    try:
        rows = token_rows(inspected.request)
    except BackendError as error:
        st.info(escaped(str(error)))
        return
    st.caption(
        "Pieces marked * are the template's own, where special tokens are read as such; all else "
        f"is text, whatever it spells. The first {MAX_TOKEN_ROWS:,} tokens."
    )
    _draw_text("\n".join(map(_row, rows)), "tokens.txt")


def _row(row: TokenRow) -> str:
    text = json.dumps(row.text, ensure_ascii=False)
    text = text if len(text) <= MAX_ROW_CHARS else f'{text[:MAX_ROW_CHARS]}…"'
    ids = " ".join(map(str, row.ids[:MAX_ROW_IDS]))
    more = f" … {len(row.ids):,} in all" if len(row.ids) > MAX_ROW_IDS else ""
    return f"{'*' if row.markup else ' '} {text}\n    {ids}{more}"


def draw_body(inspected: Inspected) -> None:
    """Draws the JSON that was sent: the whole request to a server, an engine's options."""
    if not inspected.request.url:
        st.caption("The options that the engine got beside the prompt.")
    _draw_text(body_of(inspected.request), "request.json", "json")


def draw_raw(inspected: Inspected) -> None:
    """Draws what came back, before anything was read out of it."""
    if inspected.raw_left_out:
        st.caption(f"{inspected.raw_left_out:,} more characters were not kept.")
    if inspected.raw:
        _draw_text(inspected.raw, "answer.txt")
    else:
        st.caption("Nothing came back.")


def draw_curl(inspected: Inspected) -> None:
    """Draws the shell command that sends the request again."""
    keyed = " It reads the key from the variable GLM_API_KEY." if inspected.request.keyed else ""
    pictures = any(message.pictures for message in inspected.request.messages)
    if pictures or keyed:
        st.caption(("Pictures are left out." if pictures else "") + keyed)
    _draw_text(curl_of(inspected.request), "request.sh", "bash")


def _draw_text(text: str, file_name: str, language: str | None = None) -> None:
    """Draws a text in a box with a button that copies it; a long one cut, and to download."""
    long = len(text) > MAX_SHOWN_CHARS
    st.code(
        shown(shortened(text)),
        language=None if long else language,  # colouring a long text stops the browser
        wrap_lines=True,
        height=_HEIGHT,
    )
    if long:
        st.download_button(
            f"Download all {len(text):,} characters",
            download(lambda: text.encode("utf-8", "replace")),
            file_name=file_name,
            mime="application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
            key=f"inspected-{file_name}",
        )
