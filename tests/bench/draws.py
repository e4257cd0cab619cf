"""Sees an answer being drawn: in the page, by the page's own clock.

A draw is a change of the last answer's text as it stands in the page, heard by a
`MutationObserver`; so what React commits counts, not what was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from playwright.sync_api import Page

# Buttons have Markdown in them too, so it is the element of `st.markdown` that is looked for.
_WATCH = """
() => {
  const answers = () => {
    const messages = document.querySelectorAll('[data-testid="stChatMessage"]')
    const last = messages[messages.length - 1]
    return last ? [...last.querySelectorAll(
      '[data-testid="stMarkdown"] [data-testid="stMarkdownContainer"]')] : []
  }
  window.answerParagraphs = () =>
    answers().flatMap(answer => [...answer.children].map(child => child.textContent))
  window.draws = []
  let before = -1
  window.drawsObserver?.disconnect()
  window.drawsObserver = new MutationObserver(() => {
    const length = answers().reduce((sum, answer) => sum + answer.textContent.length, 0)
    if (length && length !== before) window.draws.push([performance.now() / 1000, length])
    before = length
  })
  window.drawsObserver.observe(document.body, {subtree: true, childList: true, characterData: true})
}
"""


@dataclass(frozen=True)
class Draw:
    """At `time` (seconds of the page's clock) the answer was `length` characters long."""

    time: float
    length: int


def watch_draws(page: Page) -> None:
    """Begins to watch; before the message is sent."""
    page.evaluate(_WATCH)


def draws(page: Page) -> list[Draw]:
    """The draws of the last answer since `watch_draws`."""
    seen = [Draw(time, length) for time, length in page.evaluate("() => window.draws")]
    # An answer only grows: where it shrank, another one began.
    begins = [at for at, (one, other) in enumerate(pairwise(seen), 1) if other.length < one.length]
    return seen[begins[-1] if begins else 0 :]


def paragraphs(page: Page) -> list[str]:
    """The last answer as it stands in the page, a paragraph an item."""
    shown: list[str] = page.evaluate("() => window.answerParagraphs()")
    return shown


def gaps(drawn: Sequence[Draw]) -> list[float]:
    """Seconds between two draws."""
    return [later.time - earlier.time for earlier, later in pairwise(drawn)]


def most_in_a_second(drawn: Sequence[Draw]) -> int:
    """The most draws within any one second."""
    times = [draw.time for draw in drawn]
    return max(sum(start <= time < start + 1 for time in times) for start in times)
