"""Parses HTML, and removes scripts, hidden text and consent banners from the tree."""

from __future__ import annotations

import html
import re

import lxml.html
from lxml.etree import ErrorLevels, ParserError, XMLSyntaxError
from lxml.html import HtmlElement

_NEVER_SHOWN = frozenset(
    {"script", "style", "noscript", "template", "head", "svg", "canvas", "video", "audio"}
    | {"object", "embed", "iframe", "progress", "meter", "map", "rp", "datalist", "noframes"}
)
_CONTROLS = frozenset(("button", "select", "textarea", "input"))

_XML = re.compile(r"\s*<\?xml\s|\s*(?:<!doctype[^>]{0,300}>\s*)?<html\s[^>]{0,400}xhtml", re.I)
_XML_HEAD = re.compile(r"(?:\s*<\?xml[^>]*>)?(?:\s*<!doctype[^>[]*(?:\[[^]]*\])?[^>]*>)?\s*", re.I)
_TAG = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<[^<>]*>", re.I | re.S)
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)[a-zA-Z]\w{1,30};")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])", re.I)
_TOO_SMALL = re.compile(r"font-size\s*:\s*0(?![.\d])", re.I)
_COLOURS = re.compile(r"(?:^|;)\s*(color|background(?:-color)?)\s*:\s*([^;]+)", re.I)
# Names of consent platforms, and common names of sites' own banners.
_BANNER = re.compile(
    r"""(?xi) (?:^|[\s_-])(?:
        (?:cookie|consent|gdpr|privacy)s?[_-]?
        (?:banner|notice|bar|wall|popup|modal|dialog|overlay|message|layer|box|law|warning|manager)
    |   onetrust | cybotcookiebot | cookiebot | didomi | usercentrics | qc-cmp | truste | osano
    |   iubenda-cs | cmplz | sp_message | fc-consent | cc-window | cookieconsent | paywall-consent
    )"""
)
MAX_REMOVED_SHARE = 0.5
"""The share of the page's text that a removed element has at most. A larger one is the page
itself, although it has a banner's name or is hidden until a script shows it."""
_TEX = "math/tex"  # the type of scripts with MathJax formulas


def parse(markup: str) -> HtmlElement | None:
    """Parse a page; None for markup without elements.

    Well-formed XHTML is parsed as XML, where any element may be self-closing. HTML that is
    nested too deeply for lxml is parsed as its text without tags.
    """
    markup = markup.replace("\x00", "")
    if _XML.match(markup) and (tree := _parsed_xml(markup)) is not None:
        return tree
    data = markup.encode("utf-8", "replace")
    parser = lxml.html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        tree = lxml.html.document_fromstring(data, parser=parser)
        if parser.error_log.filter_from_level(ErrorLevels.FATAL):  # nested too deeply
            tree = lxml.html.document_fromstring(_TAG.sub(" ", markup))
    except (ParserError, XMLSyntaxError):
        return None
    return tree


def _parsed_xml(markup: str) -> HtmlElement | None:
    # XML knows HTML's named entities only by the DTD, which is not fetched.
    markup = _ENTITY.sub(lambda found: html.unescape(found[0]), markup)
    body = markup[_XML_HEAD.match(markup).end() :]  # type: ignore[union-attr]
    parser = lxml.html.XHTMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        tree = lxml.html.fromstring(body.encode("utf-8", "replace"), parser=parser)
    except (ParserError, XMLSyntaxError):
        return None
    for element in tree.iter("*"):
        element.tag = element.tag.rpartition("}")[2].lower()
    return tree if tree.tag == "html" else None


def title_of(tree: HtmlElement) -> str:
    """The page's title: its `title` element, else its first heading `h1`; may be empty."""
    for path in ("//head/title", "//title[not(ancestor::svg)]", "//h1"):
        for element in tree.xpath(path):
            if text := " ".join(element.text_content().split()):
                return text
    return ""


def clean(tree: HtmlElement, web: bool = False) -> None:
    """Remove invisible elements from `tree`, in place.

    Arguments:
        tree: a page, see `parse`.
        web: whether to remove form controls and consent banners as well.
    """
    body = tree.find("body")
    if body is None:
        return
    for element in list(body.iter("template")):
        if element.get("shadowrootmode"):  # displayed instead of its host's children
            element.tag = "div"
    for script in list(body.iter("script")):
        if script.get("type", "").startswith(_TEX):
            _set_formula(script)
    unseen = _NEVER_SHOWN | _CONTROLS if web else _NEVER_SHOWN
    for element in list(body.iter()):
        if element.tag in unseen:
            _drop(element)
    for element in list(body.iter("math")):
        _drop_copies(element)
    length = len(body.text_content())
    for element in list(body.iter()):
        if _is_never_seen(element) or (
            _is_hidden(element) and len(element.text_content()) <= MAX_REMOVED_SHARE * length
        ):
            _drop(element)
    if not web:
        return
    length = len(body.text_content())
    candidates = body.xpath('.//*[@aria-hidden="true" or @id or @class or self::form]')
    for element in candidates:
        if _is_banner(element) and len(element.text_content()) <= MAX_REMOVED_SHARE * length:
            _drop(element)


def _set_formula(script: HtmlElement) -> None:
    """Replace the output of MathJax 2 by a `math` element with the script's TeX source."""
    while (drawn := script.getprevious()) is not None and "MathJax" in drawn.get("class", ""):
        _drop(drawn)
    script.tag = "math"
    script.set("alttext", script.text or "")


def _drop_copies(math: HtmlElement) -> None:
    """Remove the visual copies of a formula (KaTeX, MathJax), and unhide the formula itself."""
    part, around = math, math.getparent()
    for _ in range(3):
        if around is None or around.tag == "body":
            return
        copies = [one for one in around if one is not part and one.get("aria-hidden") == "true"]
        if copies:
            for copy in copies:
                _drop(copy)
            shown: HtmlElement = math
            while shown is not around:
                shown.attrib.pop("style", None)
                shown = shown.getparent()
            return
        part, around = around, around.getparent()


def _is_never_seen(element: HtmlElement) -> bool:
    """Whether the style makes text unreadable: font size 0, or the colour of its background."""
    style = element.get("style")
    return style is not None and (_TOO_SMALL.search(style) is not None or _is_covered(style))


def _is_hidden(element: HtmlElement) -> bool:
    """Whether the element is not displayed, or not until a script shows it."""
    hidden = element.get("hidden")
    if hidden is not None and hidden != "until-found":
        return True
    if element.tag == "dialog" and element.get("open") is None:
        return True
    style = element.get("style")
    return style is not None and _HIDDEN.search(style) is not None


def _is_covered(style: str) -> bool:
    """Whether text and background have the same colour."""
    colours = {name.lower()[:5]: value.strip().lower() for name, value in _COLOURS.findall(style)}
    return len(colours) == 2 and len(set(colours.values())) == 1


def _is_banner(element: HtmlElement) -> bool:
    if element.get("aria-hidden") == "true":  # also set on the whole page behind a dialog
        return element.find(".//main") is None and element.find(".//article") is None
    names = f"{element.get('id', '')} {element.get('class', '')}"
    return len(names) > 4 and element.tag != "body" and _BANNER.search(names) is not None


def _drop(element: HtmlElement) -> None:
    parent = element.getparent()
    if parent is not None:
        element.drop_tree()  # keeps the text after the element
