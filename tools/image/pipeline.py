"""An image generator that runs a diffusers text-to-image pipeline, such as CogView4, in process.

The package diffusers is optional. The pipeline is loaded for the first picture and stays loaded.
Each picture needs the whole GPU, so a fair queue generates one at a time.
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
    """The pipeline in a folder, or of a name on the Hugging Face hub; shared by all sessions."""

    def __init__(self, where: str) -> None:
        self._folder_or_name = where
        self._queue = FairQueue(1)
        self._pipeline: Any = None

    def paint(self, prompt: str, context: ToolContext) -> bytes:
        """The picture as a PNG. Raises `ToolError` and `ToolCancelled`."""
        with self._queue.ticket(context.owner) as ticket:
            while not context.cancel.is_set() and ticket.wait(POLL_INTERVAL_S):
                pass
            if context.cancel.is_set():
                raise ToolCancelled("Stopped by the user.")
            pipeline = self._loaded(context)
            try:
                output = pipeline(prompt, callback_on_step_end=_step_callback(context))
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
        output.images[0].save(data, "PNG")
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
        folder = Path(self._folder_or_name).expanduser()
        try:
            pipeline = diffusers.DiffusionPipeline.from_pretrained(
                str(folder) if folder.is_dir() else self._folder_or_name,
                torch_dtype=torch.bfloat16 if on_gpu else torch.float32,
            )
        except Exception:  # the hub, the folder and the memory raise errors of many types
            log.exception("the model that draws could not be loaded")
            raise ToolError(
                "The model that draws could not be loaded; the app's log says why."
            ) from None
        if on_gpu:
            # Only the component that runs is in GPU memory.
            pipeline.enable_model_cpu_offload()
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline
        return pipeline


def _step_callback(context: ToolContext) -> Any:
    """A callback after each step of the pipeline, which raises `ToolCancelled` after Stop."""

    def after_step(_pipeline: Any, step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        if context.cancel.is_set():
            raise ToolCancelled("Stopped by the user.")
        context.progress(f"Drawing, step {step + 1}")
        return values

    return after_step
