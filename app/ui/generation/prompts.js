// The saved prompts above the message box, while its text begins with a slash.
const BOX = '[data-testid="stChatInputTextArea"]'
const MOST = 60

export default function ({ data, parentElement, setTriggerValue }) {
  const { prompts, all } = decoded(data)
  const menu = parentElement.querySelector("[role=listbox]")
  let shown = [], at = 0, box = null

  const close = () => {
    if (menu.matches(":popover-open")) menu.hidePopover()
    box?.removeAttribute("aria-activedescendant")
    shown = []
  }
  const choose = (entry) => {
    close()
    setTriggerValue("chosen", entry.name === undefined ? { manage: true } : { name: entry.name })
  }
  const mark = () => {
    for (const [index, option] of [...menu.children].entries())
      option.setAttribute("aria-selected", String(index === at))
    box.setAttribute("aria-activedescendant", `saved-prompt-${at}`)
    menu.children[at]?.scrollIntoView({ block: "nearest" })
  }
  const draw = () => {
    menu.replaceChildren(...shown.map((entry, index) => {
      const option = document.createElement("div")
      option.id = `saved-prompt-${index}`
      option.setAttribute("role", "option")
      const name = document.createElement("span")
      name.textContent = entry.name ?? entry.label
      option.append(name)
      if (entry.hint) {
        const hint = document.createElement("small")
        hint.textContent = entry.hint
        option.append(hint)
      }
      // Before the box loses the focus.
      option.onpointerdown = (event) => { event.preventDefault(); choose(entry) }
      return option
    }))
    const place = box.getBoundingClientRect()
    menu.style.left = `${place.left}px`
    menu.style.width = `${Math.min(place.width, 480)}px`
    menu.style.bottom = `${window.innerHeight - place.top + 20}px`
    if (!menu.matches(":popover-open")) menu.showPopover()
    mark()
  }
  const look = ({ target }) => {
    if (!(target instanceof HTMLTextAreaElement) || !target.matches(BOX)) return
    box = target
    const text = box.value
    if (!text.startsWith("/") || text.includes("\n") || text.length > MOST) return close()
    const wanted = text.slice(1).trim().toLowerCase()
    shown = prompts.filter((prompt) => prompt.name.toLowerCase().includes(wanted))
    if (!wanted) shown = [...shown, { label: all }]
    at = 0
    shown.length ? draw() : close()
  }
  const press = (event) => {
    if (!shown.length || event.target !== box || event.isComposing) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) {
      at = (at + step + shown.length) % shown.length
      mark()
    } else if (event.key === "Enter" || event.key === "Tab") choose(shown[at])
    else if (event.key === "Escape") close()
    else return
    event.preventDefault()
    event.stopImmediatePropagation()
  }
  document.addEventListener("input", look, true)
  document.addEventListener("keydown", press, true)
  document.addEventListener("focusout", close, true)
  look({ target: document.activeElement }) // drawn anew while somebody writes
  return () => {
    close()
    document.removeEventListener("input", look, true)
    document.removeEventListener("keydown", press, true)
    document.removeEventListener("focusout", close, true)
  }
}
