"""Chooses the reader for a file: by its content, and by its name only between kinds of text."""

from __future__ import annotations

import importlib
import mmap
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Literal, cast

from tools.documents.base import DocumentError, Reader
from tools.documents.encoding.detect import decode
from tools.documents.readers.office.encryption import OLE

Kind = Literal[
    "pdf",
    "picture",
    "docx",
    "pptx",
    "xlsx",
    "odt",
    "ods",
    "odp",
    "epub",
    "rtf",
    "csv",
    "html",
    "email",
    "notebook",
    "text",
    "code",
]

_HERE = "tools.documents.readers"
READERS: Mapping[Kind, str] = {
    "pdf": f"{_HERE}.pdf.reader:read",
    "picture": f"{_HERE}.image.image:read",
    "docx": f"{_HERE}.office.docx:read",
    "pptx": f"{_HERE}.office.pptx:read",
    "xlsx": f"{_HERE}.office.xlsx:read",
    "odt": f"{_HERE}.opendocument.odf:read",
    "ods": f"{_HERE}.opendocument.odf:read",
    "odp": f"{_HERE}.opendocument.odf:read",
    "epub": f"{_HERE}.text.epub:read",
    "rtf": f"{_HERE}.text.rtf:read",
    "csv": f"{_HERE}.tables.delimited:read",
    "html": f"{_HERE}.html.reader:read",
    "email": f"{_HERE}.text.email_message:read",
    "notebook": f"{_HERE}.text.ipynb:read",
    "text": f"{_HERE}.text.plain:read",
    "code": f"{_HERE}.text.plain:read_code",
}
"""`module:function` of each kind's reader, which is imported on first use."""

HEAD_BYTES = 64 << 10  # from the beginning of a file, which decide on its kind
MAX_CONTROL_SHARE = 0.02  # of the characters of a text; with more a file is binary

_NO_TEXT = re.compile("[\ufffd\x7f\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (rb"\{\\rtf", "rtf"),
    (rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|BM.{4}\0\0\0\0", "picture"),
    (rb"II\*\0|MM\0\*|.{4}ftypavif", "picture"),
)
_OTHERS = (
    (rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|.{257}ustar", "a packed archive"),
    (rb"\x7fELF|MZ.{58}|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe", "a program"),
    (rb"ID3|\xff[\xfb\xf3\xf2]|OggS|fLaC|RIFF....WAVE", "a sound recording"),
    (rb".{4}ftyp(?:hei|mif)", "a picture of a kind that is not read here (HEIC)"),
    (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF....AVI ", "a video"),
    (rb"SQLite format 3\0", "a database"),
)
_OLD = (
    ("WordDocument", "an old Word file (.doc). Save it as .docx"),
    ("PowerPoint Document", "an old PowerPoint file (.ppt). Save it as .pptx"),
    ("Workbook", "an old Excel file (.xls). Save it as .xlsx"),
    ("Book", "an old Excel file (.xls). Save it as .xlsx"),
    ("__substg1.0_", "an Outlook message (.msg). Save it as .eml"),
)
_MAIN_PARTS: tuple[tuple[str, Kind], ...] = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))
_OPEN_DOCUMENTS: tuple[tuple[str, Kind], ...] = (
    ("text", "odt"),
    ("spreadsheet", "ods"),
    ("presentation", "odp"),
)

_HTML = re.compile(
    r"\s*+(?:<\?xml[^>]*>\s*+)?(?><!--.*?-->\s*+)*+(?:<!doctype\s+html|<html|<head|<body)",
    re.I | re.S,
)
_TAGS = re.compile(r"<(?:p|div|table|h[1-6]|br|span|body|ul|ol|a)\b[^>]*>", re.I)
_MAIL_FIELD = re.compile(
    r"(received|return-path|from|to|cc|subject|date|message-id|mime-version|delivered-to|"
    r"reply-to|sender|content-type|x-[\w-]+|dkim-signature|thread-topic):\s",
    re.I,
)
_NOTEBOOK = re.compile(r'"nbformat"\s*:\s*\d')

_TABLES = frozenset((".csv", ".tsv", ".tab", ".psv"))
_CODE = re.compile(
    r"\.(?:py|pyi|pyx|js|mjs|cjs|jsx|tsx?|java|kt|kts|scala|c|h|cc|cpp|cxx|hpp|hh|cs|go|rs|rb|php|"
    r"swift|mm?|r|jl|lua|pl|pm|sh|bash|zsh|fish|ps1|bat|cmd|sql|css|scss|sass|less|vue|svelte|"
    r"json|jsonl|ndjson|json5|ya?ml|toml|ini|cfg|conf|env|properties|xml|xsd|xslt?|svg|proto|"
    r"graphql|tf|hcl|gradle|cmake|mk|make|dockerfile|asm|s|v|sv|vhdl?|hs|ml|mli|fs|fsx|ex|exs|erl|"
    r"clj|cljs|lisp|el|scm|rkt|dart|zig|nim|d|f|f90|f95|for|pas|ada|vb|vbs|groovy|awk|sed|tcl|"
    r"diff|patch|lock|ipynb|geojson|webmanifest|plist|gql|sol|cu|cl|glsl|hlsl|wgsl)",
    re.I,
)
_CODE_NAMES = frozenset(("makefile", "dockerfile", "rakefile", "gemfile", "jenkinsfile"))


def reader(kind: Kind) -> Reader:
    """The function that reads files of a kind. Imports its module."""
    module, _, function = READERS[kind].partition(":")
    return cast("Reader", getattr(importlib.import_module(module), function))


def kind_of(path: Path, name: str) -> Kind:
    """The kind of the file at `path`; `name`: the user's name for it.

    Raises DocumentError for a format without a reader, with advice where there is any; OSError
    if the file can't be opened.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise DocumentError("The file is empty.")
    if head.startswith(b"%PDF-"):
        return "pdf"
    suffix = PurePath(name.replace("\\", "/")).suffix.lower()
    binary = _is_binary(head)
    if b"%PDF-" in head[:1024] and (binary or suffix == ".pdf"):
        return "pdf"
    for pattern, kind in _MAGIC:
        if re.match(pattern, head, re.S):
            return kind
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return _zip_kind(path)
    if head.startswith(OLE):
        raise _old_format_error(path)
    if binary:
        nouns = (noun for pattern, noun in _OTHERS if re.match(pattern, head, re.S))
        raise DocumentError(f"This is {next(nouns, 'binary data')}, not a document.")
    return _text_kind(decode(head), PurePath(name.replace("\\", "/")))


def _zip_kind(path: Path) -> Kind:
    from tools.documents.readers.safe_zip import Archive

    with Archive(path) as archive:
        if "mimetype" in archive:
            mime = archive.read("mimetype")[:200].decode("ascii", "replace").strip()
            if mime == "application/epub+zip":
                return "epub"
            for noun, kind in _OPEN_DOCUMENTS:
                if f"opendocument.{noun}" in mime:
                    return kind
        names = [name.replace("\\", "/").lower().lstrip("/") for name in archive.names]
    if "xl/workbook.bin" in names:
        raise DocumentError(
            "This is a binary Excel file (.xlsb). Save it as .xlsx to have it read."
        )
    for folder, kind in _MAIN_PARTS:
        if any(name.startswith(folder) and name.endswith(".xml") for name in names):
            return kind
    if "meta-inf/container.xml" in names:
        return "epub"
    if any(name.startswith("index/") and name.endswith(".iwa") for name in names):
        raise DocumentError("This is an Apple iWork file. Export it as PDF or for Office.")
    raise DocumentError("This is a zip archive: unpack it and add the documents in it.")


def _old_format_error(path: Path) -> DocumentError:
    """The error for an OLE file, by its streams' names, which it contains in UTF-16."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for stream, noun in _OLD:
            if data.find(stream.encode("utf-16-le")) >= 0:
                return DocumentError(f"This is {noun} to have it read.")
    return DocumentError("This is an old Office file. Save it in a newer format to have it read.")


def _is_binary(head: bytes) -> bool:
    text = decode(head)
    return len(_NO_TEXT.findall(text)) > MAX_CONTROL_SHARE * len(text)


def _text_kind(text: str, name: PurePath) -> Kind:
    suffix = name.suffix.lower()
    is_code = _CODE.fullmatch(suffix) is not None or name.name.lower() in _CODE_NAMES
    if text.lstrip().startswith("{") and (suffix == ".ipynb" or _NOTEBOOK.search(text)):
        return "notebook"
    if not is_code and (_HTML.match(text) or _is_tagged(text, suffix)):
        return "html"
    if not is_code and _is_mail(text, suffix):
        return "email"
    if suffix in _TABLES or (suffix in (".xls", ".xlsx") and "\t" in text):
        return "csv"
    if is_code:
        return "code"
    return "text"


def _is_tagged(text: str, suffix: str) -> bool:
    named = suffix in (".html", ".htm", ".xhtml", ".mht", ".mhtml")
    return named and (_TAGS.search(text) is not None)


def _is_mail(text: str, suffix: str) -> bool:
    """Whether it begins with header fields of an e-mail: four, or two if the suffix fits."""
    if text.startswith("From "):
        text = text.partition("\n")[2]
    found: set[str] = set()
    for line in text.splitlines()[:60]:
        field = _MAIL_FIELD.match(line)
        if field:
            found.add(field[1].lower())
        elif not line.startswith((" ", "\t")):
            break
    return len(found) >= (2 if suffix in (".eml", ".mht", ".mhtml", ".email") else 4)
