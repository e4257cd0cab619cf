"""A button that copies text; Streamlit has one only for code blocks."""

from __future__ import annotations

from app.ui.elements.component import Component
from app.ui.elements.markdown import drawable


def copy_button(text: str) -> None:
    """Draw a button that copies `text`, the Markdown of an answer, to the clipboard."""
    _COPY.draw({"text": drawable(text)}, key="copy", width="content", height="content")


_COPY_HTML = '<button type="button" aria-label="Copy the answer">Copy</button>'
_COPY_CSS = """
button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: none;
  border: 0; border-radius: var(--st-button-radius); padding: 0.25rem 0.5rem; cursor: pointer; }
button:hover, button:focus-visible { color: var(--st-primary-color); }
"""
_COPY_JS = """
export default function ({ data, parentElement }) {
  const { text } = decoded(data);
  const button = parentElement.querySelector("button");
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
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
_COPY = Component("copy_answer", html=_COPY_HTML, css=_COPY_CSS, js=_COPY_JS)
