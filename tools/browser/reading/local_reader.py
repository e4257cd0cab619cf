"""Pages of a folder, read under their own address, and the one reader for both kinds."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import urldefrag, urljoin, urlsplit

from tools.browser.base import LINK_CLOSES, LINK_OPENS, Link, Page, Reader, ReadFailed
from tools.browser.search.local_folder import SCHEME, Folder, markdown_title, suffix
from tools.documents.encoding.detect import decode_markup

# A host that can't exist (RFC 6761) stands in for the folder while links are put together:
# no library joins addresses of a scheme that it doesn't know.
_STAND_IN = "http://local.invalid/"
_MARKDOWN_LINK = re.compile(r"(!?)\[([^\]\n]*)\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'][^)\n]*)?\)")


class LocalReader:
    """Reads the files of `folders` by addresses like `local://handbook/models.md`."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        self._folders = tuple(folders)

    def expect(self, urls: Sequence[str]) -> None:
        """There is nothing to start."""

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        """See `Reader`."""
        return [self._page(url) if not cancel.is_set() else _STOPPED for url in urls]

    def close(self) -> None:
        """There is nothing to let go of."""

    def _page(self, url: str) -> Page | ReadFailed:
        address, _ = urldefrag(url)
        for folder in self._folders:
            path = folder.path(address)
            if path is None:
                continue
            try:
                data = folder.read(path)
            except OSError:
                continue
            return _read(folder, path, decode_markup(data))
        return ReadFailed("there is no such page")


class EveryReader:
    """Local pages from `local`, all others from `web`, at the same time and in their order."""

    def __init__(self, local: LocalReader, web: Reader) -> None:
        self._local, self._web = local, web

    def expect(self, urls: Sequence[str]) -> None:
        """See `Reader`."""
        if foreign := [url for url in urls if not _is_local(url)]:
            self._web.expect(foreign)

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        """See `Reader`."""
        own = [url for url in urls if _is_local(url)]
        foreign = [url for url in urls if not _is_local(url)]
        read = dict(zip(own, self._local.read(own, cancel), strict=True))
        if foreign:
            read |= dict(zip(foreign, self._web.read(foreign, cancel), strict=True))
        return [read[url] for url in urls]

    def close(self) -> None:
        """Let go of what both hold."""
        self._local.close()
        self._web.close()


def _is_local(url: str) -> bool:
    return url.lower().startswith(f"{SCHEME}:")


_STOPPED = ReadFailed("it was stopped by the user")


def _read(folder: Folder, path: str, text: str) -> Page:
    from tools.browser.html.main_text import html_text, plain_text

    ending = suffix(path)
    stem = PurePosixPath(path).stem
    links: Sequence[Link] = ()
    if ending in (".html", ".htm", ".xhtml"):
        found = html_text(text, _STAND_IN + path)
        lines, links, title = found.lines, found.links, found.title or stem
    elif ending in (".md", ".markdown"):
        lines, links = _markdown(text, _STAND_IN + path)
        title = markdown_title(text) or stem
    else:
        lines, title = plain_text(text.splitlines(), stem).lines, stem
    own = tuple(Link(link.text, _own(folder, link.url)) for link in links)
    return Page(folder.address(path), title, 200, lines, own, datetime.now(UTC))


def _markdown(text: str, url: str) -> tuple[tuple[str, ...], list[Link]]:
    from tools.browser.html.main_text import plain_text

    links: list[Link] = []
    places: list[str] = []

    def kept(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        try:
            joined = urldefrag(urljoin(url, target)).url
        except ValueError:
            joined = ""
        if picture or target.startswith("#") or not joined.startswith(("http://", "https://")):
            return words
        links.append(Link(words, joined))
        places.append(f"\ue002{len(links) - 1}\ue003")
        return places[-1]

    # What the text itself has of the link marks is taken out before ours are put in.
    clean = re.sub("[\ue000-\ue003]", "", text)
    lines = plain_text(_MARKDOWN_LINK.sub(kept, clean).splitlines()).lines
    marks: Mapping[int, str] = {0xE002: LINK_OPENS, 0xE003: LINK_CLOSES}
    return tuple(line.translate(marks) for line in lines), links


def _own(folder: Folder, url: str) -> str:
    """A link's address, of the folder where it leads there."""
    if not url.startswith(_STAND_IN):
        return url
    return f"{SCHEME}://{folder.name}{urlsplit(url).path}"
