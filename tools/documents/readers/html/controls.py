"""What a form of a saved page was filled with."""

from __future__ import annotations

from lxml.html import HtmlElement

_TYPED = ("", "text", "email", "tel", "url", "search", "number", "date", "time", "month", "week")
_LABELS = ("submit", "button", "reset")


def filled_in(control: HtmlElement) -> str:
    """What a control shows: the words typed, the option chosen, whether a box is ticked."""
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
    # A list that shows one option shows its first where none was chosen.
    one_shown = control.get("multiple") is None and control.get("size", "1") in ("", "0", "1")
    return chosen or (options[:1] if one_shown else [])
