// The list of conversations. `data` has the groups of rows as `list_component.py` describes them;
// what a person asks for goes back as the trigger "asked": {what, id, title}.

const made = (tag, className, text) => {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

const words = (className, text) => {
  const node = made("span", className, text)
  node.dir = "auto"
  return node
}

// As the browser's own buttons do it, which Streamlit listens to: one entry of its history, and no
// page is loaded.
const show = address => {
  history.pushState({}, "", address)
  dispatchEvent(new PopStateEvent("popstate"))
  // On a phone the sidebar lies over the page (Streamlit's own width for that).
  if (innerWidth < 768) document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const nav = parentElement.querySelector("nav")
  const menu = parentElement.querySelector("[role=menu]")
  // The page may be drawn anew at any time: not under somebody who is writing a title.
  const list = (nav.list ??= { renaming: false })
  list.data = decoded(data)
  list.ask = what => setTriggerValue("asked", what)
  if (!list.renaming) draw()

  function draw() {
    const { data } = list
    const at = nav.scrollTop
    const focused = parentElement.activeElement?.closest("li")?.dataset.id
    const parts = data.groups.map(group)
    if (!data.groups.length) parts.push(made("p", "", data.empty))
    if (data.further) {
      const further = made("button", "further", data.further)
      further.type = "button"
      further.onclick = () => list.ask({ what: "further" })
      parts.push(further)
    }
    if (menu.matches(":popover-open")) menu.hidePopover()
    nav.replaceChildren(...parts)
    nav.scrollTop = at
    if (focused) nav.querySelector(`li[data-id="${focused}"] a`)?.focus({ preventScroll: true })
    const current = nav.querySelector(".current")
    if (current && list.shown !== current.dataset.id) {
      const beyond = current.offsetTop + current.offsetHeight > nav.offsetTop + nav.clientHeight + at
      if (beyond) nav.scrollTop = current.offsetTop - nav.offsetTop - nav.clientHeight / 2
      list.shown = current.dataset.id
    }
  }

  function group({ name, rows }) {
    const section = made("section")
    section.ariaLabel = name
    const ul = made("ul")
    ul.append(...rows.map(row))
    section.append(made("h3", "", name), ul)
    return section
  }

  function row(entry) {
    const li = made("li", entry.current ? "current" : "")
    li.dataset.id = entry.id
    const link = made("a")
    link.href = entry.address
    link.title = `${entry.title} · ${entry.mode}`
    if (entry.current) link.ariaCurrent = "page"
    const icon = made("span", "icon", entry.icon)
    icon.ariaHidden = "true"
    const both = made("span", "words")
    both.append(words("title", entry.title))
    if (entry.excerpt) both.append(words("excerpt", entry.excerpt))
    link.append(icon, both)
    link.onclick = event => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return // a tab of its own
      event.preventDefault()
      if (!entry.current) show(link.href)
    }
    const options = made("button", "options", "⋯")
    options.type = "button"
    options.ariaLabel = `Options of ${entry.title}`
    options.ariaHasPopup = "menu"
    options.ariaExpanded = "false"
    options.onclick = () => openMenu(entry, li, options)
    li.append(link, options)
    return li
  }

  function openMenu(entry, li, options) {
    const { pinned, listed } = list.data.menus
    menu.replaceChildren(...(entry.pinned ? pinned : listed).map(({ what, label, icon }) => {
      const item = made("button")
      item.type = "button"
      item.setAttribute("role", "menuitem")
      const sign = made("span", "icon", icon)
      sign.ariaHidden = "true"
      item.append(sign, made("span", "", label))
      item.onclick = () => {
        menu.hidePopover()
        if (what === "rename") rename(entry, li)
        else list.ask({ what, id: entry.id })
      }
      return item
    }))
    menu.ontoggle = ({ newState }) => {
      options.ariaExpanded = String(newState === "open")
      if (newState === "open") menu.firstChild.focus()
    }
    menu.onkeydown = event => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (!step) return
      event.preventDefault()
      const items = [...menu.children]
      const next = items.indexOf(parentElement.activeElement) + step + items.length
      items[next % items.length].focus()
    }
    menu.showPopover()
    const place = options.getBoundingClientRect()
    const { offsetWidth: width, offsetHeight: height } = menu
    const below = place.bottom + height < innerHeight ? place.bottom : place.top - height
    menu.style.top = `${Math.max(4, below)}px`
    menu.style.left = `${Math.max(4, Math.min(place.right - width, innerWidth - width - 4))}px`
  }

  function rename(entry, li) {
    list.renaming = true
    const form = made("form")
    const input = made("input")
    input.value = entry.title
    input.maxLength = list.data.longest
    input.ariaLabel = "Title"
    input.dir = "auto"
    form.append(input)
    li.replaceChildren(form)
    input.focus()
    input.select()
    const done = save => {
      if (!list.renaming) return
      list.renaming = false
      const title = input.value.trim()
      if (save && title && title !== entry.title) list.ask({ what: "rename", id: entry.id, title })
      draw()
    }
    form.onsubmit = event => { event.preventDefault(); done(true) }
    input.onblur = () => done(true)
    input.onkeydown = event => {
      event.stopPropagation()
      if (event.key === "Escape") done(false)
    }
  }
}
