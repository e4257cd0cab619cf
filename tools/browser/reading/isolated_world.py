"""A world of our own in each frame of a page: what Chromium calls an isolated world.

What runs there has the page's elements, but functions that no script of the page has changed: a
page can neither break what looks at it, nor have it hand over more than it was written to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Error, Frame

NAME = "reader"


class IsolatedWorld:
    """The world of one page. `cdp` is the page's session."""

    def __init__(self, context: BrowserContext, cdp: CDPSession) -> None:
        self._context = context
        self._sessions = [cdp]  # and those of frames that have a process of their own

    async def run(self, frame: Frame, function: str) -> Any:
        """What a JavaScript function returns in that frame, as JSON has it. Raises Playwright's
        Error, also where the frame leads somewhere else meanwhile."""
        session, id = await self._place(frame)
        world = await session.send("Page.createIsolatedWorld", {"frameId": id, "worldName": NAME})
        answer = await session.send(
            "Runtime.evaluate",
            {
                "expression": f"({function})()",
                "contextId": world["executionContextId"],
                "returnByValue": True,
            },
        )
        if "exceptionDetails" in answer:
            raise Error(str(answer["exceptionDetails"].get("text")))
        return answer["result"].get("value")

    async def _place(self, frame: Frame) -> tuple[CDPSession, str]:
        """The session that a frame is in, and Chromium's name of it, which Playwright doesn't
        tell: it is known by its address, and among those of the same address by its place."""
        same = [each for each in frame.page.frames if each.url == frame.url]
        for session in list(self._sessions):
            try:
                tree = (await session.send("Page.getFrameTree"))["frameTree"]
            except Error:
                self._sessions.remove(session)  # its process is gone
                raise
            ids = [id for id, url in _frames(tree) if url == frame.url]
            if frame.parent_frame is None:
                return session, tree["frame"]["id"]
            if frame in same and same.index(frame) < len(ids):
                return session, ids[same.index(frame)]
        own = await self._context.new_cdp_session(frame)
        self._sessions.append(own)
        return own, (await own.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]


def _frames(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    frame = tree["frame"]
    yield frame["id"], frame["url"] + frame.get("urlFragment", "")
    for child in tree.get("childFrames", ()):
        yield from _frames(child)
