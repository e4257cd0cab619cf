"""Detects signals in a page's HTML: scripts that write the text, a captcha, a login.

Runs in the worker processes that extract the text.
"""

from __future__ import annotations

import re
from typing import Literal

from lxml.html import HtmlElement

PageSignal = Literal["scripts", "empty root", "asks for scripts", "captcha", "password"]
"""The page has scripts, frames or a refresh; the root element for scripts is empty; the page asks
to enable scripts; it shows a captcha; it has a password field."""

_ROOTS = ("root", "app", "__next", "__nuxt")  # of React, Vue, Next and Nuxt
_MAX_NOSCRIPT_CHARS = 1_000  # of a <noscript> that are searched
_ASKS = re.compile("enable|activate|require|need|turn on|启用|开启", re.I)
_CAPTCHA = re.compile(r"captcha|cf[-_]chl|challenge-platform|just a moment\.\.\.", re.I)


def signs_of(tree: HtmlElement, html: str) -> tuple[PageSignal, ...]:
    """The signals of a page; `tree` is its parsed HTML before cleaning."""
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
    text = element.text_content()[:_MAX_NOSCRIPT_CHARS]
    return "javascript" in text.lower() and _ASKS.search(text) is not None
