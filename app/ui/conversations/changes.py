"""A page at rest notices that its conversation went on in another tab, and is drawn again."""

from __future__ import annotations

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core.sessions.session import Session, View

# A page that a turn keeps drawing, and one with an edit in it, is left alone; a hidden page asks
# nothing. What was asked for once is not asked for again.
WATCH = """<script>
if (!window.watchesChanges) {
  window.watchesChanges = true
  const EVERY = 1500
  let asked = ""
  const busy = () => document.hidden || document.querySelector('[class*="st-key-edited-"]') ||
    !document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
  const look = async () => {
    const drawn = document.querySelector(".drawn-version")
    if (!drawn || busy()) return
    const { session, version } = drawn.dataset
    const reply = await fetch(new URL(`changes/${session}`, document.baseURI),
      { cache: "no-store", signal: AbortSignal.timeout(EVERY) })
    const now = reply.ok ? `${(await reply.json()).version}` : version
    const still = document.querySelector(".drawn-version")?.dataset
    if (now === version || busy() || still?.session !== session || still.version !== version) return
    if (asked === `${session} ${now}`) return
    asked = `${session} ${now}`
    document.querySelector(".st-key-changed button")?.click()
  }
  const watch = async () => {
    for (;;) {
      await look().catch(() => null)
      await new Promise((after) => setTimeout(after, EVERY))
    }
  }
  watch()
}
</script>"""


def draw_watch(session: Session, view: View) -> None:
    """Draws what tells the script which version of the conversation stands on the page, and the
    button that it clicks where there is a newer one."""
    with st.container(key="changes"):
        st.html(WATCH, unsafe_allow_javascript=True)
        name = session.workspace.name
        st.html(
            f'<div class="drawn-version" data-session="{name}" data-version="{view.version}"></div>'
        )
        st.button("Show what is new", key="changed")


async def send_version(
    session: Session, names: tuple[str, ...], _request: Request
) -> Response | None:
    """Which version of the conversation is the newest."""
    if names:
        return None
    return JSONResponse({"version": session.version}, headers={"Cache-Control": "no-store"})
