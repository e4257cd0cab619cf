"""The rows of buttons at the exchanges, as Streamlit mounts them."""

from __future__ import annotations

from app.ui.elements.component import Component

_JS = """
const SVG = "http://www.w3.org/2000/svg"
const PATHS = {
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  done: "M4 12l6 6L20 6",
  retry: "M20 12a8 8 0 1 1-2.5-5.8L20 8.500M20 4v4.500h-4.500",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  inspect: "M8 5c-3 0 0 6-4 7 4 1 1 7 4 7M16 5c3 0 0 6 4 7-4 1-1 7-4 7",
  branch: "M7 8v8M7 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4z" +
    "M17 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM17 8c0 4-10 3-10 8",
}
const NAMES = {
  copy: (n) => `Copy answer ${n}`,
  retry: (n) => `Retry answer ${n}`,
  edit: (n) => `Edit message ${n}`,
  branch: (n) => `Branch from answer ${n}`,
  inspect: (n) => `What the model was sent for answer ${n}`,
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
const pager = (row, { what, at, count, previous, next }, act) => {
  const made = document.createElement("span")
  made.className = "pager"
  made.setAttribute("role", "group")
  made.setAttribute("aria-label", `Versions of this ${what}`)
  const go = (id) => id && (() => act({ row, show: id }))
  const place = document.createElement("span")
  place.textContent = `${at}/${count}`
  place.setAttribute("role", "img")
  place.setAttribute("aria-label", `Version ${at} of ${count}`)
  made.append(button("previous", `Previous version of this ${what}`, go(previous)), place,
    button("next", `Next version of this ${what}`, go(next)))
  return made
}
const fill = (element, { id, pagers, text, number, actions }, act) => {
  const focused = document.activeElement?.closest(".exchange-row") === element &&
    document.activeElement.getAttribute("aria-label")
  const parts = pagers.map((each) => pager(id, each, act))
  if (text) parts.push(button("copy", NAMES.copy(number), (made) => copy(made, text)))
  for (const name of actions ?? [])
    parts.push(button(name, NAMES[name](number), () => act({ row: id, do: name })))
  element.replaceChildren(...parts)
  for (const each of element.querySelectorAll("button:enabled"))
    if (each.getAttribute("aria-label") === focused) each.focus()
}
export default function ({ data, setTriggerValue }) {
  const act = (what) => setTriggerValue("act", what)
  const rows = new Map(decoded(data).map((row) => [row.id, row]))
  const filled = new WeakSet()
  // A place may come later than this, or anew.
  const look = () => {
    for (const element of document.querySelectorAll(".exchange-row")) {
      const row = rows.get(element.dataset.row)
      if (!row || filled.has(element)) continue
      filled.add(element)
      fill(element, row, act)
    }
  }
  look()
  const observer = new MutationObserver(look)
  observer.observe(document.querySelector('[data-testid="stMain"]') ?? document.body,
    { childList: true, subtree: true })
  return () => observer.disconnect()
}
"""
ROWS = Component("exchange_rows", js=_JS, isolate_styles=False)
"""The component that fills the page's elements of the class `exchange-row`.

Its data are a list of rows: `id` is the element's `data-row`, `pagers` are drawn first; a row
under an answer also has the `text` to copy, the exchange's `number` and the names of its
`actions`. What is clicked comes as the trigger `act`: the `row`, and what to `do` or `show`.
"""
