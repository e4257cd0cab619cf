"""Runs JavaScript in an isolated world of a page's frame.

In an isolated world, Chromium gives a script access to the page's elements, but not to functions
that the page's scripts have changed. A page can therefore neither break the script nor make it
return other data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Error, Frame

NAME = "reader"


class IsolatedWorld:
    """The isolated worlds of one page's frames. `cdp` is the page's DevTools session."""

    def __init__(self, context: BrowserContext, cdp: CDPSession) -> None:
        self._context = context
        self._sessions = [cdp]  # and those of frames in other processes

    async def run(self, frame: Frame, function: str) -> Any:
        """The JSON value that a JavaScript function returns in `frame`.

        Raises Playwright's Error, also when the frame navigates meanwhile.
        """
        session, id = await self._locate(frame)
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

    async def _locate(self, frame: Frame) -> tuple[CDPSession, str]:
        """A frame's DevTools session and Chromium's ID of the frame.

        Playwright doesn't expose the ID. It is found by the frame's URL, and among frames of the
        same URL by their order.
        """
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
