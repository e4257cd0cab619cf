"""The row of buttons of an exchange, as Streamlit mounts it."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st


@cache
def component() -> Any:
    """The component. Its data are `pagers`, and for a row under an answer `text` to copy, the
    exchange's `number` and the names of the `actions`; what is clicked comes as the trigger
    `act`."""
    return st.components.v2.component(
        "exchange_actions", html=_HTML, css=_CSS, js=_JS, isolate_styles=True
    )


_HTML = '<div class="row"></div>'
_CSS = """
.row { display: flex; flex-wrap: wrap; align-items: center; gap: 0.1rem 0.35rem; }
.row:empty { display: none; }
button { display: inline-flex; align-items: center; justify-content: center; min-width: 2rem;
  height: 2rem; padding: 0 0.3rem; font: inherit; font-size: 0.875rem; cursor: pointer; border: 0;
  background: none; color: var(--st-text-color); border-radius: var(--st-button-radius); }
button:hover:not(:disabled) { color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }
button:disabled { opacity: 0.35; cursor: default; }
.quiet { opacity: 0.75; }
.quiet:hover, .quiet:focus-visible { opacity: 1; }
.pager { display: inline-flex; align-items: center; font-size: 0.875rem;
  font-variant-numeric: tabular-nums; color: var(--st-text-color); }
svg { width: 1.1rem; height: 1.1rem; fill: none; stroke: currentColor; stroke-width: 1.8;
  stroke-linecap: round; stroke-linejoin: round; }
"""
_JS = """
const SVG = "http://www.w3.org/2000/svg"
const PATHS = {
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  done: "M4 12l6 6L20 6",
  retry: "M20 12a8 8 0 1 1-2.5-5.8L20 8.500M20 4v4.500h-4.500",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  branch: "M7 8v8M7 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4z" +
    "M17 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM17 8c0 4-10 3-10 8",
}
const NAMES = {
  copy: (n) => `Copy answer ${n}`,
  retry: (n) => `Retry answer ${n}`,
  edit: (n) => `Edit message ${n}`,
  branch: (n) => `Branch from answer ${n}`,
}
const icon = (name) => {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const path = document.createElementNS(SVG, "path")
  path.setAttribute("d", PATHS[name])
  svg.append(path)
  return svg
}
const button = (name, label, act) => {
  const made = document.createElement("button")
  made.type = "button"
  made.title = label
  made.setAttribute("aria-label", label)
  made.append(icon(name))
  if (act) made.onclick = () => act(made)
  else made.disabled = true
  return made
}
const copy = async (made, text) => {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    const area = document.createElement("textarea")
    area.value = text
    document.body.append(area)
    area.select()
    document.execCommand("copy")
    area.remove()
  }
  made.replaceChildren(icon("done"))
  setTimeout(() => made.replaceChildren(icon("copy")), 1500)
}
export default function ({ data, parentElement, setTriggerValue }) {
  const row = parentElement.querySelector(".row")
  const focused = row.getRootNode().activeElement?.getAttribute("aria-label")
  const parts = []
  for (const { what, at, count, previous, next } of data.pagers) {
    const pager = document.createElement("span")
    pager.className = "pager"
    pager.setAttribute("role", "group")
    pager.setAttribute("aria-label", `Versions of this ${what}`)
    const go = (id) => id && (() => setTriggerValue("act", { show: id }))
    const place = document.createElement("span")
    place.textContent = `${at}/${count}`
    place.setAttribute("role", "status")
    place.setAttribute("aria-label", `Version ${at} of ${count}`)
    pager.append(button("previous", `Previous version of this ${what}`, go(previous)), place,
      button("next", `Next version of this ${what}`, go(next)))
    parts.push(pager)
  }
  const { text, number } = data
  if (text) parts.push(button("copy", NAMES.copy(number), (made) => copy(made, text)))
  for (const name of data.actions ?? [])
    parts.push(button(name, NAMES[name](number), () => setTriggerValue("act", { do: name })))
  for (const part of parts) if (part.localName === "button") part.classList.add("quiet")
  row.replaceChildren(...parts)
  for (const each of row.querySelectorAll("button:enabled"))
    if (each.getAttribute("aria-label") === focused) each.focus()
}
"""
