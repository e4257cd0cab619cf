"""Where in a page something stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lxml.html import HtmlElement

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LABELS = ("summary", "caption", "legend", "dt")
_SIDES = ("nav", "aside", "footer", "form")
_SIDE_ROLES = ("navigation", "complementary", "contentinfo", "search", "banner")


@dataclass(frozen=True)
class Place:
    """Where in the page a run of text stands."""

    main: bool = False  # in <main> or role=main
    article: bool = False
    side: bool = False  # in navigation, an aside, a footer, a form
    heading: int = 0
    label: bool = False  # in what names that which follows: a summary, a caption, a term
    indent: str = ""
    quote: str = ""
    group: int = 0  # the outermost list that it is in, counted from 1
    bullet: list[str] = field(default_factory=list)  # of a list item that has said nothing yet

    def inside(self, element: HtmlElement, form_is_page: bool) -> Place:
        """The place of what is in `element`, which is in this one."""
        tag, role = element.tag, element.get("role", "")
        side = (tag in _SIDES and not (tag == "form" and form_is_page)) or role in _SIDE_ROLES
        return replace(
            self,
            main=self.main or tag == "main" or role == "main",
            article=self.article or tag == "article",
            side=self.side or side,
            heading=int(tag[1]) if tag in _HEADINGS else self.heading,
            label=self.label or tag in _LABELS,
            quote="> " if tag == "blockquote" else self.quote,
        )
