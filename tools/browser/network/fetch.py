"""An HTTP request for a page through the proxy, limited in time, bytes and redirects."""

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

MAX_TEXT_BYTES = 5_000_000  # of one page, decompressed
MAX_DOCUMENT_BYTES = 30_000_000
TIMEOUT_S = 10.0  # of one page, with its redirects
MAX_REDIRECTS = 10
CHUNK_BYTES = 1 << 16

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) {} Safari/537.36"
"""Template of the User-Agent header, with a gap for Chromium's version; many sites refuse
clients that don't look like a browser."""

_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
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
    """A server's response.

    `url` is the address after redirects. `media_type` is the type without parameters, corrected
    by the content where the header is missing or generic. `charset` is the one of the header, if
    any. `name` is the file's name. `note` is one line on what is missing ("cut at 5 MB").
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
    """A TLS context with the system's certificate authorities (a company's, too) and certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class Fetcher:
    """Fetches pages for one session, with its cookies, through `proxy` as the user of `quota`.

    `seconds` is the timeout of one page.
    """

    def __init__(
        self,
        guard: AddressGuard,
        proxy: str,
        quota: ProxyQuota,
        context: ssl.SSLContext,
        seconds: float,
    ) -> None:
        self._guard = guard
        self._quota = quota
        self._seconds = seconds
        self._cookies = httpx.Cookies()
        self._transport = httpx.AsyncHTTPTransport(
            proxy=httpx.Proxy(proxy, auth=(quota.name, quota.secret)), verify=context
        )

    async def close(self) -> None:
        await self._transport.aclose()

    async def fetch(self, url: str) -> Fetched:
        """The response at `url`, after redirects. Raises ReadFailed.

        When the timeout expires in the middle of the body, the part received is returned.
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
            raise ReadFailed(_error_text(error)) from None
        finally:
            # Shielded, so that a cancellation still closes the connection.
            await asyncio.shield(response.aclose())

    async def _follow(self, url: str) -> httpx.Response:
        for _ in range(MAX_REDIRECTS + 1):
            try:
                url = self._guard.check_url(url)
                response = await self._request(url)
            except Refused as refused:
                raise ReadFailed(str(refused)) from None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ReadFailed(self._quota.trouble(url) or _error_text(error)) from None
            # Over plain HTTP this header comes from the proxy alone, which removes it from the
            # servers' responses. In a tunnel the proxy can't send one.
            refusal = response.headers.get("x-refused", "") if url.startswith("http:") else ""
            if refusal:
                await response.aclose()
                raise ReadFailed(refusal)
            location = response.headers.get("location", "")
            if response.status_code not in _REDIRECT_STATUSES or not location:
                return response
            await response.aclose()
            url = _joined(url, location)
        raise ReadFailed("it redirects in a circle")

    async def _request(self, url: str) -> httpx.Response:
        request = httpx.Request("GET", url, headers=_HEADERS)
        self._cookies.set_cookie_header(request)
        # No timeouts of single steps: the caller's timeout covers the whole request.
        response = await self._transport.handle_async_request(request)
        response.request = request
        self._cookies.extract_cookies(response)
        return response


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise ReadFailed("it redirects to what is no web address") from None


def _error_text(error: Exception) -> str:
    """An error of the connection as one line for the model."""
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
    limit = MAX_TEXT_BYTES
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in _decompressed(response):
                data += chunk
                if kind is None and len(data) >= 512:
                    kind, media_type = _kind(media_type, bytes(data[:512]), name)
                    limit = MAX_DOCUMENT_BYTES if kind == "document" else MAX_TEXT_BYTES
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
    """An HTTP status as text for the model: `404 Not Found`."""
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
    """The kind and the media type of a response.

    Where the declared type is missing or generic, the first bytes of the body decide.
    """
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
    """The decompressed body in chunks; compressed data yields at most `CHUNK_BYTES` at a time."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        async for chunk in response.aiter_raw():
            yield chunk
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ReadFailed(f"it is packed in a way that was not asked for ({coding[:20]})")
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)  # zlib or gzip, by its header
    started = False
    async for chunk in response.aiter_raw():
        if not started and coding == "deflate" and chunk[:1] and chunk[0] & 0x0F != 8:
            decompressor = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers omit the zlib header
        started = True
        rest = chunk
        while rest:
            try:
                yield decompressor.decompress(rest, CHUNK_BYTES)
            except zlib.error:
                raise ReadFailed("it is packed, and can't be unpacked") from None
            rest = decompressor.unconsumed_tail
            # Lets other tasks run: a decompression bomb takes long.
            await asyncio.sleep(0)
