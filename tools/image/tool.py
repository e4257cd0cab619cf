"""The `cogview` tool: a description in, a picture in the workspace out."""

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
"""Characters of a description; services take between 1,000 and 32,000."""
_MAX_NAME_CHARS = 60  # characters of a file's name that are taken from the description


class ImageGenerator(Protocol):
    """What draws; shared by all sessions, and called from several threads."""

    def paint(self, prompt: str, context: ToolContext) -> bytes:
        """A PNG or JPEG. Raises `ToolError` with what the model should read."""


class ImageTool:
    """One session's way to a `painter`. Pictures lie in its workspace, named after what they
    show, each beside a text file with the whole description."""

    name = "cogview"
    stateful = True
    taints = False
    citations = None

    def __init__(self, workspace: Path, painter: ImageGenerator) -> None:
        self._workspace = workspace.resolve()
        self._painter = painter
        self._drawn = 0

    def specs(self, native: bool) -> Sequence[ToolSpec]:
        """One function, in the words that the bundled model's adapter was trained with."""
        parameters = {
            "type": "object",
            "properties": {"prompt": {"type": "string"}},
            "required": ["prompt"],
        }
        raw = "prompt" if native else None
        return [ToolSpec(self.name, "Draw a picture from a description.", parameters, raw)]

    def has_side_effects(self, function: str) -> bool:
        """A picture lies in the workspace alone."""
        return False

    def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Draws. Raises `ToolError`."""
        begun = time.monotonic()
        prompt = _prompt_of(call)
        context.progress("Drawing")
        data = self._painter.paint(prompt, context)
        try:
            mime, width, height = picture_size(data)
        except PictureRefused as error:
            raise ToolError(f"What the picture service sent can't be used: {error}.") from None
        self._drawn += 1
        path = self._kept(prompt, data, PICTURES[mime])
        text = (
            f"[picture {self._drawn}: {width}x{height}]\n[file {path.name}: {file_size(len(data))}]"
        )
        return ToolResult(
            call.id,
            call.name,
            text,
            attachments=(Attachment(path.name, mime, path, offered=True),),
            seconds=time.monotonic() - begun,
        )

    def close(self) -> None:
        """Nothing is held: the painter is everybody's."""

    def _kept(self, prompt: str, data: bytes, ending: str) -> Path:
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
