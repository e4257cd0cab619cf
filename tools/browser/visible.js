// What stands in the window, as HTML: shadow trees and slots in their places, without what is
// hidden. A frame is an empty <glm-frame> with the number that was written on its element.
() => {
  const LIMIT = 5_000_000;
  const NEVER = new Set(
    ("SCRIPT STYLE NOSCRIPT TEMPLATE SVG CANVAS VIDEO AUDIO OBJECT EMBED LINK META BUTTON SELECT " +
      "TEXTAREA INPUT").split(" ")
  );
  const KEPT = ["href", "id", "class", "role", "alt", "title", "aria-label", "aria-hidden", "start",
    "alttext", "encoding", "type"];
  const VOID = new Set(["BR", "IMG", "HR", "WBR"]);
  const escaped = (text) =>
    text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
  const parts = [];
  let size = 0;
  const write = (text) => {
    size += text.length;
    parts.push(text);
  };
  const walk = (node, seen) => {
    if (size > LIMIT) return;
    if (node.nodeType === Node.TEXT_NODE) {
      if (seen) write(escaped(node.data));
      return;
    }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const name = node.tagName.toUpperCase();
    // A password field says that the page asks to log in.
    if (NEVER.has(name) && !(name === "INPUT" && node.type === "password")) return;
    const style = getComputedStyle(node);
    if (style.display === "none" || style.opacity === "0") return;
    const covered = style.color === style.backgroundColor && !style.color.startsWith("rgba(");
    const here = style.visibility === "visible" && style.fontSize !== "0px" && !covered;
    if (name === "IFRAME" || name === "FRAME") {
      write(`<glm-frame>${escaped(node.dataset.glmFrame || "")}</glm-frame>`);
      return;
    }
    // Elements of the page's own and spans that are laid out as blocks are blocks.
    const block = (name === "SPAN" || name.includes("-")) && !/^(inline|contents)/.test(style.display);
    const tag = block ? "div" : name === "SLOT" ? "span" : node.tagName.toLowerCase();
    let opening = `<${tag}`;
    for (const attribute of KEPT) {
      const value = attribute === "href" ? node.href : node.getAttribute(attribute);
      if (typeof value === "string" && value) opening += ` ${attribute}="${escaped(value)}"`;
    }
    write(`${opening}>`);
    if (VOID.has(name)) return;
    const assigned = name === "SLOT" ? node.assignedNodes({ flatten: true }) : [];
    const inside = assigned.length ? assigned : (node.shadowRoot || node).childNodes;
    for (const child of inside) walk(child, here);
    write(`</${tag}>`);
  };
  const root = document.body;
  if (root) walk(root, true);
  return [document.readyState, document.title, document.baseURI, parts.join("")];
}
