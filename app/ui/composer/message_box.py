"""What may be written into a page's boxes: a message has a longest length, and says so."""

from __future__ import annotations

import streamlit as st

MAX_MESSAGE_CHARS = 1_000_000
"""Characters of a message: more than the windows of today's models hold, and a size that a browser
still draws at once. Streamlit would break the connection off at 25 MB, without a word."""

# What is too long is refused before it is in the box: with 30 MB in it a browser stands still for a
# minute. Letters that are shaped together (Arabic, Indic scripts) are measured anew for each line
# that a word without blanks is broken into, which takes a minute with 50,000: they aren't broken.
GUARD = r"""<script>
if (!window.guardsBoxes) {
  window.guardsBoxes = true
  const MOST = MAX_CHARS, SHOWN = 12000
  const SHAPED = /[\u0590-\u1cff\ua840-\uabff\ufb1d-\ufeff]\S{2000}/
  const before = new WeakMap()
  let notice = null
  const refuse = (length) => {
    notice?.remove()
    const made = notice = document.createElement("div")
    made.className = "page-notice"
    made.setAttribute("role", "alert")
    made.append(`A message of ${length.toLocaleString("en")} characters is too long; at most ` +
      `${MOST.toLocaleString("en")} fit. Tools and Documents take a long text as a file.`)
    document.body.append(made)
    setTimeout(() => made.remove(), SHOWN)
  }
  const guard = (act) => (event) => {
    const box = event.composedPath()[0]
    if (box instanceof HTMLTextAreaElement) act(event, box)
  }
  document.addEventListener("beforeinput", guard((event, box) => {
    const added = event.data ?? event.dataTransfer?.getData("text/plain") ?? ""
    const length = box.value.length - (box.selectionEnd - box.selectionStart) + added.length
    if (added && length > MOST) {
      event.preventDefault()
      refuse(length)
    } else if (SHAPED.test(added)) box.style.overflowWrap = "normal"
  }), true)
  // What came in another way, from a program or an extension of the browser.
  document.addEventListener("input", guard((event, box) => {
    if (box.value.length > MOST) {
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
    """The script that guards the boxes, in a page that is drawn: once, however often."""
    with st.container(key="guard"):
        st.html(GUARD, unsafe_allow_javascript=True)


def is_too_long(text: str) -> bool:
    """Whether a message is refused, as a page without our script may have sent it; a sentence
    says so then."""
    if len(text) <= MAX_MESSAGE_CHARS:
        return False
    st.toast(
        f"A message of {len(text):,} characters is too long; at most {MAX_MESSAGE_CHARS:,} fit. "
        "Tools and Documents take a long text as a file.",
        icon=":material/error:",
        duration="long",
    )
    return True
