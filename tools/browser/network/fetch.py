"""One plain request for a page, through the proxy: bounded in time, in bytes and in redirects."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Literal
from urllib.parse import urljoin

import certifi
import httpx

from tools.base import file_size
from tools.browser.base import ReadFailed
from tools.browser.network.address_guard import AddressGuard, Refused
from tools.browser.network.quota import ProxyQuota

TEXT_BYTES = 5_000_000  # of one page, decompressed
DOCUMENT_BYTES = 30_000_000
TIMEOUT_S = 10.0  # for one page, with its redirects
REDIRECTS = 10
CHUNK_BYTES = 1 << 16

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) {} Safari/537.36"
"""Sites turn away who doesn't look like a browser; Chromium's version belongs in the gap."""

_REDIRECTS = (301, 302, 303, 307, 308)
Kind = Literal["html", "text", "document"]

_HEADERS = {
    "User-Agent": AGENT.format("Chrome/150.0.0.0"),
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,text/*;q=0.8,*/*;q=0.5",
    "Accept-Language": "en,*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("application/json", "application/xml", "application/javascript", "application/x-ndjson")
_LOOKS_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<meta")


@dataclass(frozen=True)
class Fetched:
    """What a server answered, and under which name.

    `media_type` is what it is, without parameters; `charset` is what the server said, if anything;
    `note` says what is missing.
    """

    url: str
    status: int
    kind: Kind
    media_type: str
    data: bytes
    charset: str | None = None
    name: str = ""
    note: str = ""


def tls() -> ssl.SSLContext:
    """Trusts what the system trusts (a company's own authority, too), and what certifi knows."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class Fetcher:
    """Fetches for one session; keeps its cookies. `account` is the session's at the proxy."""

    def __init__(
        self,
        wall: AddressGuard,
        proxy: str,
        account: ProxyQuota,
        context: ssl.SSLContext,
        seconds: float,
    ) -> None:
        self._wall = wall
        self._account = account
        self._seconds = seconds
        self._cookies = httpx.Cookies()
        self._transport = httpx.AsyncHTTPTransport(
            proxy=httpx.Proxy(proxy, auth=(account.name, account.secret)), verify=context
        )

    async def close(self) -> None:
        await self._transport.aclose()

    async def fetch(self, url: str) -> Fetched:
        """What stands at `url`, after redirects. Raises ReadFailed.

        A page that has begun but not ended when its time is over is given as far as it came.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._seconds
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._follow(url)
        except TimeoutError:
            raise ReadFailed(f"it did not answer within {self._seconds:g} s") from None
        try:
            return await _read(response, deadline, self._seconds)
        except httpx.HTTPError as error:
            raise ReadFailed(_why(error)) from None
        finally:
            # Not awaited for ever: the other side may never answer.
            await asyncio.shield(response.aclose())

    async def _follow(self, url: str) -> httpx.Response:
        for _ in range(REDIRECTS + 1):
            try:
                url = self._wall.check_url(url)
                response = await self._ask(url)
            except Refused as refused:
                raise ReadFailed(str(refused)) from None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ReadFailed(self._account.trouble(url) or _why(error)) from None
            # Over plain HTTP only the proxy says so: it lets no server's own header of this name
            # through. Through a tunnel it can't say anything.
            refusal = response.headers.get("x-refused", "") if url.startswith("http:") else ""
            if refusal:
                await response.aclose()
                raise ReadFailed(refusal)
            location = response.headers.get("location", "")
            if response.status_code not in _REDIRECTS or not location:
                return response
            await response.aclose()
            url = _joined(url, location)
        raise ReadFailed("it redirects in a circle")

    async def _ask(self, url: str) -> httpx.Response:
        request = httpx.Request("GET", url, headers=_HEADERS)
        self._cookies.set_cookie_header(request)
        # No limits on its parts: the whole of it is timed.
        response = await self._transport.handle_async_request(request)
        response.request = request
        self._cookies.extract_cookies(response)
        return response


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise ReadFailed("it redirects to what is no web address") from None


def _why(error: Exception) -> str:
    """An error of the connection in one line."""
    text = str(error).lower()
    if "certificate" in text:
        return "its certificate is not valid"
    if "ssl" in text or "tls" in text:
        return "no secure connection could be made"
    if isinstance(error, httpx.InvalidURL):
        return "it is not a web address"
    return "the connection broke off"


async def _read(response: httpx.Response, deadline: float, seconds: float) -> Fetched:
    status = response.status_code
    media_type, charset, name = _type(response)
    data, note = bytearray(), ""
    kind: Kind | None = None
    limit = TEXT_BYTES
    try:
        async with asyncio.timeout_at(deadline):
            async for piece in _decompressed(response):
                data += piece
                if kind is None and len(data) >= 512:
                    kind, media_type = _kind(media_type, bytes(data[:512]), name)
                    limit = DOCUMENT_BYTES if kind == "document" else TEXT_BYTES
                if len(data) > limit:
                    note = f"cut at {file_size(limit)}"
                    break
    except TimeoutError:
        if not data:
            raise ReadFailed(f"it sent nothing within {seconds:g} s") from None
        note = f"it had not ended after {seconds:g} s"
    except httpx.HTTPError:
        if not data:
            raise
        note = "the connection broke off in the middle"
    if kind is None:
        kind, media_type = _kind(media_type, bytes(data[:512]), name)
    url = str(response.url)
    del data[limit:]
    return Fetched(url, status, kind, media_type, bytes(data), charset, name, note)


def status_line(status: int) -> str:
    """A status as it is said to the model: `404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _type(response: httpx.Response) -> tuple[str, str | None, str]:
    """The media type, the charset and the file name that the headers declare."""
    message = Message()
    message["Content-Type"] = response.headers.get("content-type", "")
    message["Content-Disposition"] = response.headers.get("content-disposition", "")
    declared = message.get_content_type() if response.headers.get("content-type") else ""
    charset = message.get_param("charset")
    name = message.get_filename() or response.url.path.rpartition("/")[2]
    return declared, charset if isinstance(charset, str) else None, name


def _kind(media_type: str, head: bytes, name: str) -> tuple[Kind, str]:
    """What it is, and its media type. Where nothing or next to nothing is declared, the bytes
    are looked at."""
    if media_type in _HTML:
        return "html", media_type
    if media_type in ("", "application/octet-stream", "text/plain"):
        if head.startswith(b"%PDF-"):
            return "document", "application/pdf"
        if media_type != "text/plain" and head.lstrip().lower().startswith(_LOOKS_HTML):
            return "html", "text/html"
        binary = b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
        return (
            ("document", media_type or "application/octet-stream")
            if binary
            else (
                "text",
                "text/plain",
            )
        )
    if media_type.startswith("text/") or media_type.endswith(("+json", "+xml")):
        return "text", media_type
    return ("text" if media_type in _TEXT else "document"), media_type


async def _decompressed(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body in pieces of at most `CHUNK_BYTES` bytes, however well it was compressed."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        async for piece in response.aiter_raw():
            yield piece
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ReadFailed(f"it is packed in a way that was not asked for ({coding[:20]})")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # zlib or gzip, as its head says
    begun = False
    async for piece in response.aiter_raw():
        if not begun and coding == "deflate" and piece[:1] and piece[0] & 0x0F != 8:
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers leave the head out
        begun = True
        rest = piece
        while rest:
            try:
                yield unpacker.decompress(rest, CHUNK_BYTES)
            except zlib.error:
                raise ReadFailed("it is packed, and can't be unpacked") from None
            rest = unpacker.unconsumed_tail
            # One turn for everybody else: a bomb unpacks for long.
            await asyncio.sleep(0)
