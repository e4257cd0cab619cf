"""The `cogview` tool: draws a picture from a description and stores it in the workspace."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tools.base import Attachment, ToolCall, ToolContext, ToolError, ToolResult, ToolSpec, file_size
from tools.media import PICTURES, PictureRefused, picture_size
from tools.safe_files import free_name, safe_name, write_into

MAX_PROMPT_CHARS = 4000
"""Longest description; services accept between 1,000 and 32,000 characters."""
_MAX_NAME_CHARS = 60  # part of the description that the file's name contains


class ImageGenerator(Protocol):
    """Generates pictures; shared by all sessions and called from several threads."""

    def paint(self, prompt: str, context: ToolContext) -> bytes:
        """A picture of `prompt` as PNG or JPEG. Raises `ToolError` with a message for the model."""


class ImageTool:
    """The image tool of one session.

    `painter` is the shared generator. Pictures are stored in `workspace` under a name made of the
    description, each with a text file that holds the whole description.
    """

    name = "cogview"
    stateful = True
    taints = False
    citations = None

    def __init__(self, workspace: Path, painter: ImageGenerator) -> None:
        self._workspace = workspace.resolve()
        self._painter = painter
        self._drawn = 0

    def specs(self, native: bool) -> Sequence[ToolSpec]:
        """One function; the bundled model's adapter was trained with this description."""
        parameters = {
            "type": "object",
            "properties": {"prompt": {"type": "string"}},
            "required": ["prompt"],
        }
        raw = "prompt" if native else None
        return [ToolSpec(self.name, "Draw a picture from a description.", parameters, raw)]

    def has_side_effects(self, function: str) -> bool:
        """False: a picture is stored in the workspace only."""
        return False

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Draws and stores one picture. Raises `ToolError`."""
        started = time.monotonic()
        prompt = _prompt_of(call)
        context.progress("Drawing")
        data = self._painter.paint(prompt, context)
        try:
            mime, width, height = picture_size(data)
        except PictureRefused as error:
            raise ToolError(f"What the picture service sent can't be used: {error}.") from None
        self._drawn += 1
        path = self._store(prompt, data, PICTURES[mime])
        text = (
            f"[picture {self._drawn}: {width}x{height}]\n[file {path.name}: {file_size(len(data))}]"
        )
        return ToolResult(
            call.id,
            call.name,
            text,
            attachments=(Attachment(path.name, mime, path, offered=True),),
            seconds=time.monotonic() - started,
        )

    def close(self) -> None:
        """Does nothing: the generator is shared."""

    def _store(self, prompt: str, data: bytes, ending: str) -> Path:
        words = re.sub(r"[^\w-]+", " ", prompt)[:_MAX_NAME_CHARS].split()
        name = free_name(self._workspace, safe_name(f"{'-'.join(words) or 'picture'}.{ending}"))
        try:
            path = write_into(self._workspace, name, data)
            write_into(self._workspace, f"{name}.txt", prompt.encode("utf-8", "replace"))
        except OSError:
            raise ToolError("The picture was drawn, but could not be kept.") from None
        return path


def _prompt_of(call: ToolCall) -> str:
    prompt = call.arguments().get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise ToolError(f'{call.name} needs one argument "prompt": a description in words.')
    if len(prompt) > MAX_PROMPT_CHARS:
        raise ToolError(
            f"The description has {len(prompt):,} characters; {MAX_PROMPT_CHARS:,} can be drawn. "
            "Shorten it."
        )
    return prompt.strip()
