"""Shows a notice in pages whose server doesn't answer, or was restarted meanwhile."""

from __future__ import annotations

import secrets

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.ui.service import service

BOOT = secrets.token_hex(8)
"""Id of this run of the server: running answers and Python variables end with it."""

# The server counts as gone after two refused requests, or one without a response for TIMEOUT_MS:
# within three seconds of its end. Hidden pages send no requests.
WATCH = """<script>
if (!window.watchesServer) {
  window.watchesServer = true
  const POLL_INTERVAL_MS = 1200, TIMEOUT_MS = 1500, RETRY_DELAY_MS = 300, KEY = "glm-boot"
  // Streamlit's own notice, which is modal: the page could neither be read nor copied.
  const DIALOG = '[data-testid="stDialog"]:not(:has([data-testid="stVerticalBlock"])) ' +
    'button[aria-label="Close"]'
  const GONE = "The server does not answer. This page tries again by itself. " +
    "If you run the app yourself, see whether it is still running."
  const KEPT = "The server was started anew. What was said is kept, and so are its files; an " +
    "answer that was being written ends where it was."
  const LOST = "The server was started anew. It keeps conversations in memory only: those that " +
    "were open are gone, and so are their files."
  const wait = (time) => new Promise((after) => setTimeout(after, time))
  // Access to the storage may be denied, for example in another page's frame.
  const kept = (boot) => {
    try {
      if (boot) sessionStorage.setItem(KEY, boot)
      return sessionStorage.getItem(KEY)
    } catch { return null }
  }
  let known = kept(), said = "", notice = null
  const say = (words, button) => {
    if (words === said) return
    said = words
    notice?.remove()
    if (!words) return
    notice = document.createElement("div")
    notice.className = "page-notice server-notice"
    notice.setAttribute("role", "alert")
    notice.append(words)
    if (button) notice.append(button)
    document.body.append(notice)
  }
  const ask = async () => {
    const reply = await fetch(new URL("alive", document.baseURI),
      { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (!reply.ok) throw new Error(reply.status)
    return reply.json().catch(() => ({}))
  }
  const look = async () => {
    let reply
    try {
      reply = await ask().catch(async (error) => {
        if (error.name === "TimeoutError") throw error
        await wait(RETRY_DELAY_MS)
        return ask()
      })
    } catch {
      document.querySelector(DIALOG)?.click()
      return say(GONE)
    }
    const { boot, kept: lasting } = reply
    known ??= boot && (kept(boot), boot)
    if (!boot || boot === known) return say("")
    const button = document.createElement("button")
    button.textContent = "Reload the page"
    button.onclick = () => { kept(boot); location.reload() }
    say(lasting ? KEPT : LOST, button)
  }
  const watch = async () => {
    for (;;) {
      if (!document.hidden) await look()
      await wait(POLL_INTERVAL_MS)
    }
  }
  document.addEventListener("visibilitychange", () => document.hidden || look())
  watch()
}
</script>"""


def draw_watch() -> None:
    """Draw the script that watches the server; it runs once per page load."""
    with st.container(key="alive"):
        st.html(WATCH, unsafe_allow_javascript=True)


async def send_boot(_request: Request) -> Response:
    """The id of this run of the server, and whether conversations outlive it, as JSON."""
    history = service().history
    kept = history is not None and history.database.lasting
    return JSONResponse({"boot": BOOT, "kept": kept})


ROUTES = [Route("/alive", send_boot)]
