"""What a page's HTML says about itself beside its text: that scripts write it, or that it asks
who is there. Looked for where text is taken out of pages, in a process of its own."""

from __future__ import annotations

import re
from typing import Literal

from lxml.html import HtmlElement

PageSignal = Literal["scripts", "empty root", "asks for scripts", "captcha", "password"]
"""It has scripts, frames or a refresh; the element that scripts write into is empty; it asks to
turn scripts on; it asks for a proof that one is human; it asks to log in."""

_ROOTS = ("root", "app", "__next", "__nuxt")  # of React, Vue, Next and Nuxt
_MAX_NOSCRIPT_CHARS = 1_000  # characters of a <noscript> that are looked at
_ASKS = re.compile("enable|activate|require|need|turn on|启用|开启", re.I)
_CAPTCHA = re.compile(r"captcha|cf[-_]chl|challenge-platform|just a moment\.\.\.", re.I)


def signs_of(tree: HtmlElement, html: str) -> tuple[PageSignal, ...]:
    """The signs of a page, which was parsed and not cleaned yet."""
    found: dict[PageSignal, bool] = {
        "scripts": _needs_more(tree),
        "empty root": any(_is_empty(root) for root in tree.iter("div", "main")),
        "asks for scripts": any(_asks(element) for element in tree.iter("noscript")),
        "captcha": _CAPTCHA.search(html) is not None,
        "password": any(
            field.get("type", "").strip().lower() == "password" for field in tree.iter("input")
        ),
    }
    return tuple(sign for sign, there in found.items() if there)


def _needs_more(tree: HtmlElement) -> bool:
    if next(tree.iter("script", "frame", "iframe"), None) is not None:
        return True
    return any(meta.get("http-equiv", "").lower() == "refresh" for meta in tree.iter("meta"))


def _is_empty(element: HtmlElement) -> bool:
    return element.get("id") in _ROOTS and len(element) == 0 and not (element.text or "").strip()


def _asks(element: HtmlElement) -> bool:
    said = element.text_content()[:_MAX_NOSCRIPT_CHARS]
    return "javascript" in said.lower() and _ASKS.search(said) is not None
