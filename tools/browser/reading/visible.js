// What stands in the window, as HTML: shadow trees and slots in their places, without what is
// hidden. A frame is an empty <glm-frame> with the number that was written on its element.
// It runs in a world of its own, where the page has changed no function. But names that a page
// gives to fields of a form, or to pictures, still stand before the properties that are meant
// (https://html.spec.whatwg.org/#dom-form-nameditem), so that these are asked of the prototypes.
() => {
  const property = (prototype, name) => {
    const { get } = Object.getOwnPropertyDescriptor(prototype, name);
    return (node) => get.call(node);
  };
  const typeOf = property(Node.prototype, "nodeType");
  const childrenOf = property(Node.prototype, "childNodes");
  const tagOf = property(Element.prototype, "tagName");
  const shadowOf = property(Element.prototype, "shadowRoot");
  const attributeOf = (node, name) => Element.prototype.getAttribute.call(node, name);
  const LIMIT = 5_000_000;
  const LONGEST = 4_000; // of an attribute
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
    if (typeOf(node) === Node.TEXT_NODE) {
      if (seen) write(escaped(node.data.slice(0, LIMIT - size)));
      return;
    }
    if (typeOf(node) !== Node.ELEMENT_NODE) return;
    const name = tagOf(node).toUpperCase();
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
    // Elements of the page's own and spans that are laid out as blocks are blocks. A set of frames
    // is one of their texts.
    const own = name === "SPAN" || name.includes("-");
    const block = name === "FRAMESET" || (own && !/^(inline|contents)/.test(style.display));
    const tag = block ? "div" : name === "SLOT" ? "span" : name.toLowerCase();
    let opening = `<${tag}`;
    for (const attribute of KEPT) {
      const value = attribute === "href" ? node.href : attributeOf(node, attribute);
      const fits = typeof value === "string" && value && value.length < LONGEST;
      if (fits) opening += ` ${attribute}="${escaped(value)}"`;
    }
    write(`${opening}>`);
    if (VOID.has(name)) return;
    const assigned = name === "SLOT" ? node.assignedNodes({ flatten: true }) : [];
    const inside = assigned.length ? assigned : childrenOf(shadowOf(node) || node);
    for (const child of inside) walk(child, here);
    write(`</${tag}>`);
  };
  const root = property(Document.prototype, "body")(document);
  if (root) walk(root, true);
  const title = property(Document.prototype, "title")(document);
  const base = property(Node.prototype, "baseURI")(document);
  const state = property(Document.prototype, "readyState")(document);
  return [state, title.slice(0, LONGEST), base.slice(0, LONGEST), parts.join("")];
}
