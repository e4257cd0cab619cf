"""A reader for the pages of local folders, and one that combines it with a web reader."""

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

# A reserved host (RFC 6761) replaces the folder while relative links are resolved: libraries
# don't join URLs of a scheme that they don't know.
_STAND_IN = "http://local.invalid/"
_MARKDOWN_LINK = re.compile(r"(!?)\[([^\]\n]*)\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'][^)\n]*)?\)")


class LocalReader:
    """Reads the files of `folders` by addresses like `local://handbook/models.md`."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        self._folders = tuple(folders)

    def expect(self, urls: Sequence[str]) -> None:
        """Does nothing: files need no preparation."""

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        """See `Reader`."""
        return [self._page(url) if not cancel.is_set() else _STOPPED for url in urls]

    def close(self) -> None:
        """Does nothing: no resources are held."""

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
    """Reads local pages with `local` and all others with `web`; results keep the order of URLs."""

    def __init__(self, local: LocalReader, web: Reader) -> None:
        self._local, self._web = local, web

    def expect(self, urls: Sequence[str]) -> None:
        """See `Reader`."""
        if remote := [url for url in urls if not _is_local(url)]:
            self._web.expect(remote)

    def read(self, urls: Sequence[str], cancel: threading.Event) -> list[Page | ReadFailed]:
        """See `Reader`."""
        own = [url for url in urls if _is_local(url)]
        remote = [url for url in urls if not _is_local(url)]
        read = dict(zip(own, self._local.read(own, cancel), strict=True))
        if remote:
            read |= dict(zip(remote, self._web.read(remote, cancel), strict=True))
        return [read[url] for url in urls]

    def close(self) -> None:
        """Closes both readers."""
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
    own = tuple(Link(link.text, _local_url(folder, link.url)) for link in links)
    return Page(folder.address(path), title, 200, lines, own, datetime.now(UTC))


def _markdown(text: str, url: str) -> tuple[tuple[str, ...], list[Link]]:
    from tools.browser.html.main_text import plain_text

    links: list[Link] = []
    places: list[str] = []

    def replace_link(found: re.Match[str]) -> str:
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

    # Link markers in the text itself are removed before the real ones are inserted.
    clean = re.sub("[\ue000-\ue003]", "", text)
    lines = plain_text(_MARKDOWN_LINK.sub(replace_link, clean).splitlines()).lines
    marks: Mapping[int, str] = {0xE002: LINK_OPENS, 0xE003: LINK_CLOSES}
    return tuple(line.translate(marks) for line in lines), links


def _local_url(folder: Folder, url: str) -> str:
    """A link's URL, with the folder's address in place of the stand-in host."""
    if not url.startswith(_STAND_IN):
        return url
    return f"{SCHEME}://{folder.name}{urlsplit(url).path}"
