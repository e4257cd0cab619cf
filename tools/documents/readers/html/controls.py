"""Reads the values of form controls in a saved page."""

from __future__ import annotations

from lxml.html import HtmlElement

_TYPED = ("", "text", "email", "tel", "url", "search", "number", "date", "time", "month", "week")
_LABELS = ("submit", "button", "reset")


def filled_in(control: HtmlElement) -> str:
    """The text that a form control shows: its value, its selected options, or ☑ or ☐ for a box.

    Arguments:
        control: a `textarea`, `select`, `input` or `button` element.
    """
    if control.tag == "textarea":
        return str(control.text_content())
    if control.tag == "select":
        return ", ".join(" ".join(one.text_content().split()) for one in _chosen(control))
    kind = control.get("type", "").strip().lower()
    if kind in ("checkbox", "radio"):
        return "☑" if control.get("checked") is not None else "☐"
    return str(control.get("value", "")) if kind in (*_TYPED, "datetime-local", *_LABELS) else ""


def _chosen(control: HtmlElement) -> list[HtmlElement]:
    options = list(control.iter("option"))
    chosen = [one for one in options if one.get("selected") is not None]
    # A drop-down list shows its first option until another one is selected.
    is_drop_down = control.get("multiple") is None and control.get("size", "1") in ("", "0", "1")
    return chosen or (options[:1] if is_drop_down else [])
