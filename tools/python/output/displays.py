"""The attachments of a call: displayed values, which are saved in the session's workspace for the
page, and files that the code wrote there.

Images keep their format. A chart gets a summary in words, for a model without vision.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tools.base import Attachment, file_size
from tools.media import (
    LATEX,
    PICTURES,
    PLOTLY,
    SHARP,
    TABLE,
    VEGA_LITE,
    PictureRefused,
    picture_size,
)
from tools.python.output.collector import Omitted, Piece
from tools.python.output.mime_bundle import MimeBundle, Picture
from tools.safe_files import Listing, is_text, link_into, safe_name, why_not_written, write_into
from tools.text import one_line

MAX_SHOWN_BYTES = 5_000_000  # of a chart or table that is sent to a browser
# Types that `mimetypes` does not know under these names.
_ENDINGS = {"audio/wav": ".wav", "audio/mpeg": ".mp3", "audio/ogg": ".ogg"}

MAX_SUMMARY_CHARS = 200
MAX_NESTED_CHARTS = 50

MAX_OFFERED_FILES = 20  # of one call
OUTPUT_FOLDER = ".outputs"


class Displays:
    """Saves the figures, charts, tables and sounds of one session, with a count for each kind."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._numbers: dict[str, int] = {}

    def keep(self, pieces: Sequence[Piece]) -> tuple[list[str | Omitted], list[Attachment]]:
        """The pieces, with a line of text for each displayed value, and the saved values."""
        texts: list[str | Omitted] = []
        attachments: list[Attachment] = []
        for piece, after in zip_longest(pieces, pieces[1:]):
            if isinstance(piece, str | Omitted):
                texts.append(piece)
                continue
            if isinstance(piece, MimeBundle) and piece.mime == TABLE and isinstance(after, str):
                table = json.loads(piece.data) | {"text": after}
                piece = MimeBundle(TABLE, json.dumps(table).encode())
            text, attachment = self._figure(piece) if isinstance(piece, Picture) else (
                self._rich(piece)
            )  # fmt: skip
            if text:
                texts.append(f"{text}\n")
            if attachment is not None:
                attachments.append(attachment)
        return texts, attachments

    def _figure(self, picture: Picture) -> tuple[str, Attachment | None]:
        number = self._number("figure")
        try:
            saved = save_picture(picture, self._workspace, number)
        except PictureRefused as error:
            return f"[figure {number} is not shown: {error}]", None
        return f"[figure {number}: {saved.width}x{saved.height}]", saved.attachment

    def _rich(self, rich: MimeBundle) -> tuple[str, Attachment | None]:
        match rich.mime:
            case str() if rich.mime in (PLOTLY, VEGA_LITE):
                number = self._number("chart")
                summary = f"[chart {number}: {chart_summary(rich.mime, json.loads(rich.data))}]"
                saved, why = self._saved(rich, f"chart-{number}.json", inline=True)
                return f"[chart {number} is not shown: {why}]" if why else summary, saved
            case str() if rich.mime in (TABLE, LATEX):
                kind, ending = ("table", "json") if rich.mime == TABLE else ("formula", "tex")
                name = f"{kind}-{self._number(kind)}.{ending}"
                return "", self._saved(rich, name, inline=True)[0]
            case mime:
                ending = _ENDINGS.get(mime) or mimetypes.guess_extension(mime) or ".bin"
                kind = "sound" if mime.startswith("audio/") else "drawing"
                name = f"{kind}-{self._number(kind)}{ending}"
                saved, why = self._saved(rich, name, inline=False)
                size = file_size(len(rich.data))
                return f"[{name} is not shown: {why}]" if why else f"[file {name}: {size}]", saved

    def _number(self, kind: str) -> int:
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    def _saved(self, rich: MimeBundle, name: str, inline: bool) -> tuple[Attachment | None, str]:
        """The attachment, or None and the reason why it can't be shown."""
        if inline and len(rich.data) > MAX_SHOWN_BYTES:
            return None, "it is too large"
        try:
            path = write_into(self._workspace / OUTPUT_FOLDER, name, rich.data)
        except OSError as error:
            return None, why_not_written(error)
        return Attachment(name, rich.mime, path, inline), ""


def chart_summary(mime: str, spec: Mapping[str, Any]) -> str:
    """The chart's types and title, such as `2 bar, scatter, "Sales"`."""
    if mime == PLOTLY:
        traces = spec.get("data")
        parts = traces if isinstance(traces, list) else []
        kinds = [str(part.get("type") or "scatter") for part in parts if isinstance(part, Mapping)]
        titles = [_title(spec.get("layout"))]
    else:
        charts = list(_charts(spec))
        kinds = [kind for chart in charts if (kind := _mark(chart))]
        titles = [_title(chart) for chart in charts]
    words = [kind if times == 1 else f"{times} {kind}" for kind, times in Counter(kinds).items()]
    words += [f'"{title}"' for title in titles if title][:1]
    return one_line(", ".join(words), MAX_SUMMARY_CHARS) or "empty"


def _charts(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A Vega-Lite chart, and the charts that it is composed of."""
    waiting: list[Any] = [spec]
    for _ in range(MAX_NESTED_CHARTS):
        if not waiting:
            return
        chart = waiting.pop(0)
        if isinstance(chart, Mapping):
            yield chart
            waiting.append(chart.get("spec"))
            for key in ("layer", "concat", "hconcat", "vconcat"):
                inner = chart.get(key)
                waiting += inner if isinstance(inner, list) else ()


def _mark(chart: Mapping[str, Any]) -> str:
    mark = chart.get("mark")
    kind = mark.get("type") if isinstance(mark, Mapping) else mark
    return kind if isinstance(kind, str) else ""


def _title(part: object) -> str:
    title = part.get("title") if isinstance(part, Mapping) else None
    if isinstance(title, Mapping):
        title = title.get("text")
    return one_line(title, 100) if isinstance(title, str) else ""


@dataclass(frozen=True)
class SavedPicture:
    """A picture in the workspace, with its size on the page in pixels."""

    attachment: Attachment
    width: int
    height: int


def save_picture(picture: Picture, workspace: Path, number: int) -> SavedPicture:
    """Write a PNG or JPEG as `figure-<number>` into the workspace. Raises `PictureRefused`."""
    mime, width, height = picture_size(picture.data)
    sharp = picture.shown is not None and picture.shown == (width // 2, height // 2)
    name = f"figure-{number}{SHARP if sharp else ''}.{PICTURES[mime]}"
    try:
        path = write_into(workspace / OUTPUT_FOLDER, name, picture.data)
    except OSError as error:
        raise PictureRefused(why_not_written(error)) from None
    shrink = 2 if sharp else 1
    return SavedPicture(Attachment(name, mime, path), width // shrink, height // shrink)


# -- files that a call wrote or changed in its workspace -------------------------------------------


def made_files(
    workspace: Path, before: Listing, after: Listing
) -> tuple[Sequence[str], tuple[Attachment, ...]]:
    """The files written between two listings: lines for the model, and the files to offer.

    Of more than `MAX_OFFERED_FILES` the latest are offered.
    """
    changed = [
        path
        for path, stamp in after.files.items()
        if before.files.get(path) != stamp and (before.complete or path in before.files)
    ]
    offered = sorted(changed, key=lambda path: -after.files[path][1])[:MAX_OFFERED_FILES]
    offered.sort()
    lines, files = [], []
    for path in offered:
        shown, file = _offer(workspace, path)
        lines.append(f"[file {shown}: {file_size(after.files[path][0])}]")
        files += [file] if file is not None else []
    rest = len(changed) - len(offered)
    if not after.complete:
        lines.append("[more files were written than can be listed]")
    elif rest:
        lines.append(f"[{rest:,} more file{'' if rest == 1 else 's'} written, not listed]")
    return lines, tuple(files)


def _offer(workspace: Path, path: str) -> tuple[str, Attachment | None]:
    """The file's name for the model, and the attachment; None where it can't be offered.

    A file whose name is no valid text (it has a line end, or bytes that are no UTF-8) is offered
    under another name, which can be shown on a page and in an address.
    """
    mime = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if is_text(path):
        return path, Attachment(path, mime, workspace / path, inline=False)
    name = safe_name(Path(path).name, instead="_")
    mark = hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
    try:
        # In a folder of its own, because the file is downloaded under its name there.
        linked = link_into(workspace / f"{OUTPUT_FOLDER}-{mark}", name, workspace / path)
    except OSError:
        return f"{path!r} is not offered to the user, for its name", None
    return f"{path!r}, offered to the user as {name}", Attachment(name, mime, linked, inline=False)
