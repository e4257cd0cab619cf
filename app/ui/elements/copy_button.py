"""A button that copies text; Streamlit has one only for code blocks."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.ui.elements.markdown import drawable

_COPY: Any = None


def copy_button(text: str) -> None:
    """Draw a button that copies `text`, the Markdown of an answer, to the clipboard."""
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
