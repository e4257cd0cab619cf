"""The context of a segment in its page: landmarks, headings, lists and quotations around it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lxml.html import HtmlElement

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LABELS = ("summary", "caption", "legend", "dt")
_SIDES = ("nav", "aside", "footer", "form")
_SIDE_ROLES = ("navigation", "complementary", "contentinfo", "search", "banner")


@dataclass(frozen=True)
class Place:
    """The context of a segment, given by the elements around it.

    Attributes:
        main: whether it is in `<main>` or `role=main`.
        article: whether it is in `<article>`.
        side: whether it is in navigation, an aside, a footer or a form.
        heading: level of the heading that it is in, 1 to 6; 0 outside of headings.
        label: whether it is in a summary, caption, legend or term, which names what follows.
        indent: spaces before each line, by the lists around it.
        quote: the Markdown prefix of a quotation, or empty.
        group: number of the outermost list around it, from 1; 0 outside of lists.
        bullet: the marker of a list item whose first line is still to come, as the one element
            of a list; empty otherwise.
    """

    main: bool = False
    article: bool = False
    side: bool = False
    heading: int = 0
    label: bool = False
    indent: str = ""
    quote: str = ""
    group: int = 0
    bullet: list[str] = field(default_factory=list)

    def inside(self, element: HtmlElement, form_is_page: bool) -> Place:
        """The context of the content of `element`, which is itself in this context.

        Arguments:
            element: any element.
            form_is_page: whether a form encloses most of the page, and so is not a side part.
        """
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
