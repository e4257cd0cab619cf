"""Limits the uploads that are not sent with a message yet, which Streamlit keeps in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.RootContainer_pb2 import RootContainer
from streamlit.runtime import Runtime

from app.ui.limits.visitors import ClientIdentity

ENTRY_BYTES = 1 << 16
"""Bytes that a file counts for besides its content, so that many empty files reach the limit."""
MB = 1 << 20

TOAST_S = 10
"""Seconds for which the page shows a refusal."""
_toast_numbers = count()

Notify = Callable[[str, str], None]
"""Shows a sentence in the page of a Streamlit session; see `say_in_page`."""
Kept = Callable[[], Mapping[str, int]]
"""Returns the bytes in memory for each Streamlit session; see `kept_by_streamlit`."""


class UploadLimits:
    """ASGI middleware before Streamlit's upload route. `visitor_mb` and `all_mb` are the limits of
    one visitor and of all together in megabytes, running uploads included.

    Streamlit's page shows only the status of a refused upload: `notify` shows the sentence."""

    def __init__(
        self,
        app: ASGIApp,
        identity: ClientIdentity,
        visitor_mb: int,
        all_mb: int,
        kept: Kept,
        notify: Notify,
    ) -> None:
        self._app, self._identity, self._kept, self._notify = app, identity, kept, notify
        self._visitor_mb, self._all_mb = visitor_mb, all_mb
        self._owners: dict[str, str] = {}
        """The visitor of each Streamlit session with uploads."""
        self._coming: Counter[str] = Counter()
        """Bytes of running uploads, by visitor."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = _upload_session(scope)
        if session is None:
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdecimal():
            sentence = "The size of a file has to be said before it is sent."
            await PlainTextResponse(sentence, 411)(scope, receive, send)
            return
        size = int(length) + ENTRY_BYTES
        owner = self._identity.visitor(scope) or f"session {session}"
        if trouble := self._too_much(owner, session, size):
            # A browser that is cut off while it sends does not read why.
            if size <= self._all_mb * MB:
                await _discard(receive)
            await PlainTextResponse(trouble, 413)(scope, receive, send)
            self._notify(session, trouble)
            return
        self._coming[owner] += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[owner] -= size
            if not self._coming[owner]:
                del self._coming[owner]

    def _too_much(self, owner: str, session: str, size: int) -> str | None:
        kept = self._kept()
        self._owners = {name: holder for name, holder in self._owners.items() if name in kept}
        self._owners[session] = owner
        own = sum(kept.get(name, 0) for name, holder in self._owners.items() if holder == owner)
        if own + self._coming[owner] + size > self._visitor_mb * MB:
            return (
                f"Files that are not sent yet may have {self._visitor_mb:,} MB together. "
                "Send or remove some first."
            )
        if sum(kept.values()) + self._coming.total() + size > self._all_mb * MB:
            return "The server has no room for more files now. Please try again in a minute."
        return None


async def _discard(receive: Receive) -> None:
    """Reads a request's body and discards it."""
    while (await receive()).get("more_body"):
        pass


def _upload_session(scope: Scope) -> str | None:
    """The Streamlit session of an upload request; None for other requests."""
    if scope["type"] != "http" or scope["method"] != "PUT":
        return None
    _, found, rest = scope["path"].partition("/_stcore/upload_file/")
    return rest.partition("/")[0] if found else None


def kept_by_streamlit() -> Mapping[str, int]:
    """Bytes of the files that Streamlit keeps, by session."""
    storage = Runtime.instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return {
        session: sum(len(file.data) + ENTRY_BYTES for file in list(files.values()))
        for session, files in list(storage.items())
    }


def say_in_page(session_id: str, sentence: str) -> None:
    """Shows a sentence as `st.toast` would, in a page whose script does not run just now."""
    session = Runtime.instance().get_app_session(session_id)
    if session is None:
        return
    message = ForwardMsg()
    message.metadata.delta_path[:] = [RootContainer.EVENT, 0]
    toast = message.delta.new_element.toast
    toast.body, toast.icon = sentence, ":material/error:"
    # The page shows nothing that equals what it has shown last.
    toast.duration = TOAST_S + next(_toast_numbers) % 2
    session._enqueue_forward_msg(message)
