"""A local folder of pages with addresses such as `local://handbook/models.md`.

Files outside the folder, symbolic links and hidden files are not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from tools.documents.encoding.detect import decode_markup
from tools.safe_files import Listing, listing, read_regular

SCHEME = "local"
MAX_FILES = 200_000  # entries that a listing reads
MAX_FILE_BYTES = 5_000_000  # of one file; larger ones are not read


@dataclass(frozen=True)
class Document:
    """The indexed content of a file: its title, its headings and its text in lines."""

    title: str
    headings: str
    text: str


class Folder:
    """The folder at `root`; `name` is the host in its addresses, by default the folder's name."""

    def __init__(self, root: Path, name: str = "") -> None:
        self.root = root.expanduser().resolve()
        self.name = (
            re.sub(r"[^a-z0-9]+", "-", (name or self.root.name).lower()).strip("-") or "folder"
        )

    def files(self) -> Listing:
        """The files of supported formats, by relative path. Raises `OSError` without the folder."""
        if not self.root.is_dir():
            raise OSError("not a folder")
        found = listing(self.root, MAX_FILES)
        return Listing(
            {path: stamp for path, stamp in found.files.items() if suffix(path) in FORMATS},
            found.complete,
        )

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises `OSError`, also above `MAX_FILE_BYTES`."""
        return read_regular(self.root / path, MAX_FILE_BYTES)

    def address(self, path: str) -> str:
        """The address of a file."""
        return f"{SCHEME}://{self.name}/{quote(path)}"

    def path(self, address: str) -> str | None:
        """The relative path of an address; None for another folder and for unsupported files."""
        try:
            parts = urlsplit(address)
        except ValueError:
            return None
        if parts.scheme != SCHEME or parts.netloc != self.name:
            return None
        path = unquote(parts.path).lstrip("/")
        pure = PurePosixPath(path)
        if "\0" in path or any(part.startswith(".") for part in pure.parts):
            return None  # hidden, or outside the folder
        return path if suffix(path) in FORMATS and str(pure) == path else None


def suffix(path: str) -> str:
    """The extension of a file name in lower case, with its dot."""
    return PurePosixPath(path).suffix.lower()


def document(path: str, data: bytes) -> Document:
    """The indexed content of a file; the file's name replaces a missing title."""
    found = FORMATS[suffix(path)](decode_markup(data))
    stem = re.sub(r"[-_]+", " ", PurePosixPath(path).stem)
    headings = f"{found.headings}\n{stem}"
    return Document(" ".join(found.title.split()) or stem, headings, found.text)


def markdown_title(text: str) -> str:
    """The first heading of a Markdown text, without markup; empty without one."""
    found = re.search(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", text, re.MULTILINE)
    return re.sub(r"[*`]", "", found[1]) if found else ""


def _markdown(text: str) -> Document:
    headings = re.findall(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", text, re.MULTILINE)
    linked = re.sub(r"!?\[([^\]\n]*)\]\([^)\n]*\)", r"\1", text)
    words = re.sub(r"^#{1,6}[ \t]+.*$|[*`]|^[ \t]*[|>]|^```.*$", "", linked, flags=re.MULTILINE)
    return Document(markdown_title(text), "\n".join(headings), words)


def _plain(text: str) -> Document:
    return Document("", "", text)


def _html(text: str) -> Document:
    from lxml import html
    from lxml.etree import ParserError

    try:
        tree = html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))
    except (ParserError, ValueError):
        return Document("", "", "")
    title = tree.findtext(".//title") or ""
    for element in tree.xpath(
        "//script|//style|//noscript|//template|//nav|//aside|//footer|//form"
    ):
        element.drop_tree()
    headings = [" ".join(each.text_content().split()) for each in tree.xpath("//h1|//h2|//h3")]
    main = tree.xpath("//main|//*[@role='main']|//article") or tree.xpath("//body") or [tree]
    for element in main[0].iter("p", "li", "tr", "pre", "div", "br", "h1", "h2", "h3", "dt", "dd"):
        element.tail = "\n" + (element.tail or "")
    return Document(title or (headings or [""])[0], "\n".join(headings), main[0].text_content())


FORMATS: Mapping[str, Callable[[str], Document]] = {
    ".md": _markdown, ".markdown": _markdown,
    ".html": _html, ".htm": _html, ".xhtml": _html,
    ".txt": _plain, ".text": _plain, ".rst": _plain,
}  # fmt: skip
"""The supported formats by file extension."""
