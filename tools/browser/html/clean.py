"""HTML -> a tree of what a reader of the page would see: without scripts, hidden text, banners."""

from __future__ import annotations

import re

import lxml.html
from lxml.etree import ParserError, XMLSyntaxError
from lxml.html import HtmlElement

_NEVER = (
    "script style noscript template head svg canvas video audio object embed button select "
    "textarea input progress meter map"
)
_NEVER_SHOWN = frozenset(_NEVER.split())

_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])",
    re.I,
)
_COLOURS = re.compile(r"(?:^|;)\s*(color|background(?:-color)?)\s*:\s*([^;]+)", re.I)
# Names of consent platforms and what sites call their own banners.
_BANNER = re.compile(
    r"""(?xi) (?:^|[\s_-])(?:
        (?:cookie|consent|gdpr|privacy)s?[_-]?
        (?:banner|notice|bar|wall|popup|modal|dialog|overlay|message|layer|box|law|warning|manager)
    |   onetrust | cybotcookiebot | cookiebot | didomi | usercentrics | qc-cmp | truste | osano
    |   iubenda-cs | cmplz | sp_message | fc-consent | cc-window | cookieconsent | paywall-consent
    )"""
)
SHARE = 0.5
"""What holds more than this share of the page's text is the page, whatever it is called."""


def parse(html: str) -> HtmlElement | None:
    """The tree of a page, or None where there is none."""
    data = html.replace("\x00", "").encode("utf-8", "replace")
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        return lxml.html.document_fromstring(data, parser=parser)
    except (ParserError, XMLSyntaxError):
        return None


def title_of(tree: HtmlElement) -> str:
    for path in ("//head/title", "//title[not(ancestor::svg)]", "//h1"):
        for element in tree.xpath(path):
            if text := " ".join(element.text_content().split()):
                return text
    return ""


def clean(tree: HtmlElement) -> None:
    """Take out of `tree` what nobody sees, and consent banners."""
    body = tree.find("body")
    if body is None:
        return
    for element in list(body.iter("template")):
        if element.get("shadowrootmode"):  # shown in place of its host's children
            element.tag = "div"
    for element in list(body.iter()):
        if element.tag in _NEVER_SHOWN or _is_hidden(element):
            _drop(element)
    length = len(body.text_content())
    doubtful = body.xpath('.//*[@aria-hidden="true" or @id or @class or self::form]')
    for element in doubtful:
        if _is_banner(element) and len(element.text_content()) <= SHARE * length:
            _drop(element)


def _is_hidden(element: HtmlElement) -> bool:
    hidden = element.get("hidden")
    if hidden is not None and hidden != "until-found":
        return True
    if element.tag == "dialog" and element.get("open") is None:
        return True
    style = element.get("style")
    return style is not None and (_HIDDEN.search(style) is not None or _is_covered(style))


def _is_covered(style: str) -> bool:
    """Whether text has the colour of what it stands on."""
    colours = {name.lower()[:5]: value.strip().lower() for name, value in _COLOURS.findall(style)}
    return len(colours) == 2 and len(set(colours.values())) == 1


def _is_banner(element: HtmlElement) -> bool:
    if element.get("aria-hidden") == "true":  # a dialog hides the whole page in this way
        return element.find(".//main") is None and element.find(".//article") is None
    names = f"{element.get('id', '')} {element.get('class', '')}"
    return len(names) > 4 and element.tag != "body" and _BANNER.search(names) is not None


def _drop(element: HtmlElement) -> None:
    parent = element.getparent()
    if parent is not None:
        element.drop_tree()  # keeps the text that follows
