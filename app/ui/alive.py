"""A page that has lost its server says so, and that the server was started anew when it is back."""

from __future__ import annotations

import secrets

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

BOOT = secrets.token_hex(8)
"""This run of the server: conversations end with it."""

# The server counts as gone when it has refused twice, or has said nothing for PATIENCE; both come
# within three seconds of its end. A hidden page asks nothing.
WATCH = """<script>
if (!window.watchesServer) {
  window.watchesServer = true
  const EVERY = 1200, PATIENCE = 1500, AGAIN = 300, KEY = "glm-boot"
  // Streamlit's own word for it: it would keep the page from being read and copied.
  const DIALOG = '[data-testid="stDialog"]:not(:has([data-testid="stVerticalBlock"])) ' +
    'button[aria-label="Close"]'
  const GONE = "The server does not answer. This page tries again by itself. " +
    "If you run the app yourself, see whether it is still running."
  const ANEW = "The server was started anew. The conversations that were open are gone, " +
    "and so are their files."
  const wait = (time) => new Promise((after) => setTimeout(after, time))
  // A page in a frame of somebody else's may keep nothing.
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
      { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
    if (!reply.ok) throw new Error(reply.status)
    return (await reply.json().catch(() => ({}))).boot
  }
  const look = async () => {
    let boot
    try {
      boot = await ask().catch(async (error) => {
        if (error.name === "TimeoutError") throw error
        await wait(AGAIN)
        return ask()
      })
    } catch {
      document.querySelector(DIALOG)?.click()
      return say(GONE)
    }
    known ??= boot && (kept(boot), boot)
    if (!boot || boot === known) return say("")
    const button = document.createElement("button")
    button.textContent = "Reload the page"
    button.onclick = () => { kept(boot); location.reload() }
    say(ANEW, button)
  }
  const watch = async () => {
    for (;;) {
      if (!document.hidden) await look()
      await wait(EVERY)
    }
  }
  document.addEventListener("visibilitychange", () => document.hidden || look())
  watch()
}
</script>"""


def draw_watch() -> None:
    """The script that watches the server, in a page that is drawn: once, however often."""
    with st.container(key="alive"):
        st.html(WATCH, unsafe_allow_javascript=True)


async def send_boot(_request: Request) -> Response:
    """Which run of the server answers."""
    return JSONResponse({"boot": BOOT})


ROUTES = [Route("/alive", send_boot)]
