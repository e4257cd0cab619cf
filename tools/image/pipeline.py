"""diffusers in process: a folder or a hub name of a text-to-image pipeline, CogView4 and others.

The package is optional. A pipeline is loaded at the first picture and kept; pictures are drawn one
after the other, the visitors in turn, for each takes the whole card.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

from tools.base import ToolCancelled, ToolContext, ToolError
from tools.fair_queue import POLL_INTERVAL_S, FairQueue

log = logging.getLogger(__name__)

MISSING = (
    "Pictures can't be drawn: the package diffusers is not installed. "
    "Whoever runs this app can install it, or set GLM_IMAGE_MODEL to an images endpoint."
)
_OUT_OF_MEMORY = "The picture needs more memory than there is."


class Pipeline:
    """Draws with the pipeline at `where`, shared by all sessions."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._queue = FairQueue(1)
        self._pipeline: Any = None

    def paint(self, prompt: str, context: ToolContext) -> bytes:
        """A PNG. Raises `ToolError`."""
        with self._queue.ticket(context.owner) as ticket:
            while not context.cancel.is_set() and ticket.wait(POLL_INTERVAL_S):
                pass
            if context.cancel.is_set():
                raise ToolCancelled("Stopped by the user.")
            pipeline = self._loaded(context)
            try:
                drawn = pipeline(prompt, callback_on_step_end=_watched(context))
            except ToolCancelled:
                raise
            except MemoryError:
                raise ToolError(_OUT_OF_MEMORY) from None
            except RuntimeError as error:
                if "out of memory" not in str(error):
                    raise
                log.warning("a picture did not fit into the memory", exc_info=True)
                raise ToolError(_OUT_OF_MEMORY) from None
        data = io.BytesIO()
        drawn.images[0].save(data, "PNG")
        return data.getvalue()

    def _loaded(self, context: ToolContext) -> Any:
        if self._pipeline is not None:
            return self._pipeline
        try:
            import diffusers
            import torch
        except ImportError:
            raise ToolError(MISSING) from None
        context.progress("Loading the model that draws")
        on_gpu = torch.cuda.is_available()
        folder = Path(self._where).expanduser()
        try:
            pipeline = diffusers.DiffusionPipeline.from_pretrained(
                str(folder) if folder.is_dir() else self._where,
                torch_dtype=torch.bfloat16 if on_gpu else torch.float32,
            )
        except Exception:  # whatever the hub, the folder or the memory is to blame for
            log.exception("the model that draws could not be loaded")
            raise ToolError(
                "The model that draws could not be loaded; the app's log says why."
            ) from None
        if on_gpu:
            # Only the part at work lies on the card.
            pipeline.enable_model_cpu_offload()
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline
        return pipeline


def _watched(context: ToolContext) -> Any:
    """What a pipeline calls after each step: Stop is heard there."""

    def after_step(_pipeline: Any, step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        if context.cancel.is_set():
            raise ToolCancelled("Stopped by the user.")
        context.progress(f"Drawing, step {step + 1}")
        return values

    return after_step
