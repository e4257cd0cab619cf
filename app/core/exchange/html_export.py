"""A conversation as one HTML file: figures inside, no scripts, nothing fetched from elsewhere.

Texts are a model's or a stranger's: Markdown is rendered without raw HTML and without pictures,
everything else is escaped, and a policy in the page itself lets nothing run or load. Formulas
stay as text, charts that need a script are named.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from app.core.exchange.markdown_export import MAX_RESULT_CHARS, heading
from app.core.exchange.snapshot import Snapshot
from app.core.exchange.transcript import Answered, Asked, Called, Sources, transcript
from app.core.rendering.charts import formula
from app.core.rendering.nesting import is_too_deep
from app.core.rendering.notebook_export import code_of
from app.core.rendering.tables import Table, displayed_table
from backends.messages import Document, Picture
from tools.base import PAGE_ONLY, Attachment, ToolCall, ToolResult, file_size, for_user
from tools.media import LATEX, PICTURES, SHARP, TABLE, PictureRefused, picture_size
from tools.safe_files import read_regular
from tools.text import encodable

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""The Content-Security-Policy that the page is served with; sandboxed, it has no origin."""
_POLICY_INSIDE = POLICY.partition("; frame-ancestors")[0]  # a meta element can't say the rest

MAX_FIGURE_BYTES = 64_000_000
"""Bytes of figures in one page; further ones are named."""
MAX_MARKDOWN_CHARS = 2_000_000
"""Characters of Markdown that are rendered in one page, at 30 microseconds each; what is beyond
stands as it was written."""
MAX_LEVELS = 400
"""Nested elements that the renderer draws: `is_too_deep` lets 100 levels of a list through, each
of which is up to three."""
_WEB = ("http://", "https://", "mailto:")


def html(taken: Snapshot) -> bytes:
    """The branch as an HTML document."""
    return _Page(taken).document().encode()


class _Page:
    def __init__(self, taken: Snapshot) -> None:
        self._taken = taken
        self._figure_bytes = MAX_FIGURE_BYTES
        self._chars = MAX_MARKDOWN_CHARS

    def document(self) -> str:
        title = _words(" ".join(self._taken.entry.title.split()) or "Untitled")
        body = "\n".join(self._blocks())
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY_INSIDE)}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n'
            '<meta name="robots" content="noindex">\n'
            f"<title>{title}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n"
            f"<header><h1>{title}</h1><p>{_words(heading(self._taken))}</p></header>\n"
            f"{body}\n</main>\n</body>\n</html>\n"
        )

    def _blocks(self) -> Iterator[str]:
        for item in transcript(self._taken.messages, self._taken.citations):
            match item:
                case Asked(text, attached):
                    files = "".join(self._attached(each) for each in attached)
                    said = f'<div class="said">{_words(text.strip())}</div>' if text.strip() else ""
                    yield f'<section class="user"><h2>You</h2>{files}{said}</section>'
                case Answered(text, reasoning, trouble, begins):
                    if begins:
                        yield "<h2>Assistant</h2>"
                    if reasoning:
                        yield _folded("Reasoning", f'<div class="said">{_words(reasoning)}</div>')
                    if text:
                        yield f'<div class="answer">{self._markdown(text)}</div>'
                    if trouble:
                        yield f'<p class="trouble">{_words(trouble)}</p>'
                case Called(call, result):
                    yield self._call(call, result)
                case Sources(entries):
                    yield f'<ol class="sources">{"".join(map(_source, entries))}</ol>'

    def _markdown(self, text: str) -> str:
        self._chars -= len(text)
        text = encodable(text)
        if self._chars < 0 or is_too_deep(text):
            return f'<div class="said">{_words(text)}</div>'
        rendered: str = _renderer().render(text)
        return rendered

    def _call(self, call: ToolCall, result: ToolResult | None) -> str:
        code = code_of(call) if call.name == "python" else call.input
        text = "" if result is None else result.text[:MAX_RESULT_CHARS]
        inside = f"<pre><code>{_words(code)}</code></pre>"
        if text.strip():
            inside += f'<pre class="result">{_words(text)}</pre>'
        shown = () if result is None else result.attachments
        figures = "".join(self._figure(each) for each in shown if each.inline)
        offered = () if result is None else for_user(result)
        names = ", ".join(_words(each.name) for each in offered if not each.inline)
        files = f'<p class="file">{names}</p>' if names else ""
        return _folded(call.name, inside) + figures + files

    def _attached(self, part: Picture | Document) -> str:
        name = part.name or Path(part.path).name
        if isinstance(part, Picture):
            if picture := self._picture(part.path, name):
                return picture
            return f'<p class="file">{_words(name)}</p>'
        return f'<p class="file">{_words(name)} · {file_size(max(0, part.size))}</p>'

    def _figure(self, attachment: Attachment) -> str:
        if attachment.mime in PICTURES:
            return self._picture(attachment.path, attachment.name) or _named(attachment)
        if attachment.mime not in (TABLE, LATEX):
            return "" if attachment.path.parent.name == PAGE_ONLY else _named(attachment)
        data = self._read(attachment.path)
        if attachment.mime == TABLE and (table := displayed_table(data)):
            return _table(table)
        if attachment.mime == LATEX and (latex := formula(data)):
            return f'<p class="formula">{_words(latex)}</p>'
        return ""

    def _picture(self, path: Path, name: str) -> str:
        """The picture, empty for what is none or has no room."""
        data = self._read(path)
        try:
            mime, width, height = picture_size(data)
        except PictureRefused:
            return ""
        if path.stem.endswith(SHARP):
            width, height = width // 2, height // 2
        return (
            f'<img alt="{_words(name)}" width="{width}" height="{height}" '
            f'src="data:{mime};base64,{base64.b64encode(data).decode()}">'
        )

    def _read(self, path: Path) -> bytes:
        """A file's content, empty where it can't be had or has no room."""
        try:
            data = read_regular(path, self._figure_bytes)
        except (OSError, ValueError):
            return b""
        self._figure_bytes -= len(data)
        return data


def _words(text: str) -> str:
    """Text with nothing in it that HTML would read."""
    return escape(encodable(text))


def _folded(title: str, inside: str) -> str:
    return f"<details><summary>{_words(title)}</summary>{inside}</details>"


def _named(attachment: Attachment) -> str:
    return f'<p class="file">{_words(attachment.name)}</p>'


def _source(entry: tuple[int, str, str]) -> str:
    number, title, url = entry
    words = _words(title or url)
    if url.lower().startswith(_WEB[:2]):
        words = f'<a href="{_words(url)}" target="_blank" rel="noopener noreferrer">{words}</a>'
    return f'<li value="{number}">{words}</li>'


def _table(table: Table) -> str:
    def row(cells: Iterable[object], tag: str) -> str:
        shown = ("" if cell is None else _words(str(cell)) for cell in cells)
        return "".join(f"<{tag}>{cell}</{tag}>" for cell in shown)

    head = row([column.name for column in table.columns], "th")
    body = "".join(
        f"<tr>{row(cells, 'td')}</tr>"
        for cells in zip(*(column.cells for column in table.columns), strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@cache
def _renderer() -> MarkdownIt:
    """Markdown without raw HTML and pictures, whose links lead to the web alone."""
    renderer = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_LEVELS})
    renderer.enable(["table", "strikethrough"]).disable("image")
    renderer.validateLink = lambda url: url.lower().startswith(_WEB)  # type: ignore[method-assign]

    def link_open(
        self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
    ) -> str:
        tokens[at].attrSet("target", "_blank")
        tokens[at].attrSet("rel", "noopener noreferrer")
        return self.renderToken(tokens, at, options, env)

    renderer.add_render_rule("link_open", link_open)
    return renderer


_CSS = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; }
header p { opacity: .75; }
h1, .answer, .said, td { overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
.user { background: var(--soft); border-radius: .6rem; padding: .1rem 1rem 1rem; }
.user h2 { margin-top: .75rem; }
.said { white-space: pre-wrap; }
.trouble { border-left: 3px solid #c33; padding-left: .75rem; }
.file { display: inline-block; border: 1px solid var(--line); border-radius: .4rem;
  padding: .1rem .6rem; margin: .5rem 0; font-size: .9rem; overflow-wrap: anywhere; }
.file + .said { margin-top: .25rem; }
details { border: 1px solid var(--line); border-radius: .6rem; margin: .75rem 0;
  padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--soft); border-radius: .4rem; padding: .7rem; }
code, pre { font: .86em/1.5 ui-monospace, monospace; }
pre code { font: inherit; }
img { max-width: 100%; height: auto; background: #fff; border-radius: .4rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: .75rem 0; }
td, th { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; }
.sources { font-size: .9rem; opacity: .9; }
blockquote { border-left: 3px solid var(--line); margin-left: 0; padding-left: 1rem; }
"""
