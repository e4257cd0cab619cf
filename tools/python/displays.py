"""What code displayed beside text, written into the session's workspace for the page."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from tools.base import Attachment, file_size
from tools.files import why_not_written, write_into
from tools.mime import LATEX, PLOTLY, TABLE, VEGA_LITE
from tools.pictures import PictureRefused
from tools.python.charts import chart_summary
from tools.python.clips import Gap, Piece
from tools.python.pictures import FOLDER, save_picture
from tools.python.rich import Picture, Rich

LARGEST_SHOWN = 5_000_000  # bytes of a chart or a table that a browser is sent
# What the standard library knows by other names alone.
_ENDINGS = {"audio/wav": ".wav", "audio/mpeg": ".mp3", "audio/ogg": ".ogg"}


class Displays:
    """The figures, charts, tables and sounds of one session, each kind numbered through."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._numbers: dict[str, int] = {}

    def keep(self, pieces: Sequence[Piece]) -> tuple[list[str | Gap], list[Attachment]]:
        """The pieces with a line of text for each thing that was displayed, and the things."""
        texts: list[str | Gap] = []
        attachments: list[Attachment] = []
        for piece, after in zip_longest(pieces, pieces[1:]):
            if isinstance(piece, str | Gap):
                texts.append(piece)
                continue
            if isinstance(piece, Rich) and piece.mime == TABLE and isinstance(after, str):
                table = json.loads(piece.data) | {"text": after}
                piece = Rich(TABLE, json.dumps(table).encode())
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

    def _rich(self, rich: Rich) -> tuple[str, Attachment | None]:
        match rich.mime:
            case str() if rich.mime in (PLOTLY, VEGA_LITE):
                number = self._number("chart")
                said = f"[chart {number}: {chart_summary(rich.mime, json.loads(rich.data))}]"
                saved, why = self._saved(rich, f"chart-{number}.json", inline=True)
                return f"[chart {number} is not shown: {why}]" if why else said, saved
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

    def _saved(self, rich: Rich, name: str, inline: bool) -> tuple[Attachment | None, str]:
        """The thing, or None and why it can't be shown."""
        if inline and len(rich.data) > LARGEST_SHOWN:
            return None, "it is too large"
        try:
            path = write_into(self._workspace / FOLDER, name, rich.data)
        except OSError as error:
            return None, why_not_written(error)
        return Attachment(name, rich.mime, path, inline), ""
