"""Limits the length of messages, in the browser and on the server."""

from __future__ import annotations

import streamlit as st

MAX_MESSAGE_CHARS = 1_000_000
"""Characters of a message: more than the windows of today's models hold, and a size that browsers
draw without delay. Streamlit would close the connection at 25 MB, without a message."""

# Longer text is rejected before it is in the box, because a browser hangs for a minute with 30 MB
# in it. In scripts whose letters are shaped together (Arabic, Indic), browsers measure a long word
# again for each line that it is broken into, which takes a minute with 50,000 letters; such words
# aren't broken.
GUARD = r"""<script>
if (!window.guardsBoxes) {
  window.guardsBoxes = true
  const LIMIT = MAX_CHARS, NOTICE_MS = 12000
  const SHAPED = /[\u0590-\u1cff\ua840-\uabff\ufb1d-\ufeff]\S{2000}/
  const before = new WeakMap()
  let notice = null
  const refuse = (length) => {
    notice?.remove()
    const made = notice = document.createElement("div")
    made.className = "page-notice"
    made.setAttribute("role", "alert")
    made.append(`A message of ${length.toLocaleString("en")} characters is too long; at most ` +
      `${LIMIT.toLocaleString("en")} fit. Tools and Documents take a long text as a file.`)
    document.body.append(made)
    setTimeout(() => made.remove(), NOTICE_MS)
  }
  const guard = (act) => (event) => {
    const box = event.composedPath()[0]
    if (box instanceof HTMLTextAreaElement) act(event, box)
  }
  document.addEventListener("beforeinput", guard((event, box) => {
    const added = event.data ?? event.dataTransfer?.getData("text/plain") ?? ""
    const length = box.value.length - (box.selectionEnd - box.selectionStart) + added.length
    if (added && length > LIMIT) {
      event.preventDefault()
      refuse(length)
    } else if (SHAPED.test(added)) box.style.overflowWrap = "normal"
  }), true)
  // Text that is inserted otherwise, by a program or an extension of the browser.
  document.addEventListener("input", guard((event, box) => {
    if (box.value.length > LIMIT) {
      event.stopImmediatePropagation()
      refuse(box.value.length)
      box.value = before.get(box) ?? ""
      return
    }
    before.set(box, box.value)
    box.style.overflowWrap = SHAPED.test(box.value) ? "normal" : ""
  }), true)
}
</script>""".replace("MAX_CHARS", str(MAX_MESSAGE_CHARS))


def draw_guard() -> None:
    """Draw the script that limits the boxes; it runs once per page load."""
    with st.container(key="guard"):
        st.html(GUARD, unsafe_allow_javascript=True)


def is_too_long(text: str) -> bool:
    """Whether a message is too long, which a page without our script can send; shows a notice."""
    if len(text) <= MAX_MESSAGE_CHARS:
        return False
    st.toast(
        f"A message of {len(text):,} characters is too long; at most {MAX_MESSAGE_CHARS:,} fit. "
        "Tools and Documents take a long text as a file.",
        icon=":material/error:",
        duration="long",
    )
    return True
