"""E-mail files (eml), and web pages that a browser saved as mht."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import MIMEPart
from pathlib import Path

from tools.documents.base import DocumentError, Options, ReaderEvent, Remark
from tools.documents.encoding.detect import decode, decode_markup
from tools.documents.readers.html.reader import blocks
from tools.documents.readers.layout.pagination import Block, pages
from tools.documents.readers.layout.symbols import tidy
from tools.documents.readers.safe_zip import DAMAGED

MAX_NESTED_MESSAGES = 5  # forwarded inside one another
_FIELDS = ("From", "To", "Cc", "Date", "Subject")


def read(path: Path, options: Options) -> Iterator[ReaderEvent]:
    """See `base.Reader`."""
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    yield from pages(_message(message, 0), options)


def _message(message: MIMEPart, depth: int) -> Iterator[Block | Remark]:
    if depth > MAX_NESTED_MESSAGES:
        yield Remark("Messages that are forwarded many times in one another were left out.")
        return
    yield from _head(message)
    body = _body(message)
    if body is not None:
        yield from _text(body)
    for part in _attached(message, body):
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload(0) if part.is_multipart() else None
            if isinstance(inner, MIMEPart):
                yield Block("Forwarded message:")
                yield from _message(inner, depth + 1)
        elif name := _name(part):
            yield Block(f"[Attachment: {name}]", unread=("attachment",))


def _head(message: MIMEPart) -> Iterator[Block]:
    for field in _FIELDS:
        if text := " ".join(_field(message, field).split()):
            yield Block(f"{field}: {tidy(text)}", tight=True)


def _field(message: MIMEPart, field: str) -> str:
    """A header field's text, also with raw bytes beyond ASCII, or a wrongly declared encoding."""
    raw = next((value for name, value in message.raw_items() if name.lower() == field.lower()), "")
    if raw.isascii():
        try:
            text = str(message.get(field, ""))
        except (ValueError, IndexError, LookupError, MessageError, AttributeError):
            text = ""  # bugs of the standard library's parser
        if text and "\ufffd" not in text and "=?" not in text:
            return text
    try:
        parts = decode_header(raw.encode("utf-8", "surrogateescape").decode("latin-1"))
    except (ValueError, HeaderParseError):
        return ""
    return "".join(
        decode(part.encode("latin-1") if isinstance(part, str) else part, charset)
        for part, charset in parts
    )


def _body(message: MIMEPart) -> MIMEPart | None:
    # HTML first, as in mail programs: the plain version may only refer to the HTML one.
    found = message.get_body(("html", "plain")) if message.is_multipart() else message
    return found if isinstance(found, MIMEPart) else None


def _text(part: MIMEPart) -> Iterator[Block | Remark]:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        raise DocumentError(DAMAGED)
    charset = part.get_content_charset()
    text = decode(data, charset)
    if part.get_content_type() == "text/html" or text.lstrip()[:15].lower().startswith("<!doctype"):
        yield from blocks(decode_markup(data, charset))
        return
    for paragraph in tidy(text).split("\n\n"):
        yield Block(paragraph.strip("\n"))


def _attached(message: MIMEPart, body: MIMEPart | None) -> Iterator[MIMEPart]:
    """The attachments: parts that are neither the body, another version of it, nor its images."""
    if not message.is_multipart():
        return
    for part in _leaves(message):
        beside = part.get_content_disposition() == "attachment" or not part.get("Content-ID")
        named = part.get_filename() is not None and beside
        if part is not body and (named or part.get_content_type() == "message/rfc822"):
            yield part


def _leaves(message: MIMEPart) -> Iterator[MIMEPart]:
    for part in message.iter_parts():
        if part.get_content_maintype() == "multipart":
            yield from _leaves(part)
        else:
            yield part


def _name(part: MIMEPart) -> str:
    return " ".join(tidy(part.get_filename() or "").split())
