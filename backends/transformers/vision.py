"""Input of a vision model of the GLM family: pictures as tokens, pixels and positions.

A picture is `<|begin_of_image|>`, one `<|image|>` for each patch of 28 x 28 pixels, and
`<|end_of_image|>`. Its tokens form a grid: each has a row and a column beside its position in
time, and the positions of the text after the picture continue from the largest of them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backends.errors import RequestRefused
from backends.messages import Picture

log = logging.getLogger(__name__)

FAMILIES = ("glm4v", "glm4v_moe", "glm46v", "glm_ocr")
"""Model types of transformers with this input."""


@dataclass(frozen=True)
class Placed:
    """A picture in a prompt.

    `start` is the position of its first token, `grid` its patches (time, rows, columns) before
    they are merged, `ids` its tokens, `keys` the keys that identify the picture in the cache.
    """

    picture: Picture
    start: int
    grid: tuple[int, int, int]
    ids: Sequence[int]
    keys: Sequence[int]

    @property
    def patches(self) -> range:
        """Positions of the tokens between the two that frame the picture."""
        return range(self.start + 1, self.start + len(self.ids) - 1)


class VisionInputs:
    """The pictures of one model. Raises `RequestRefused` for a file that can't be read."""

    def __init__(self, processor: Any, config: Any) -> None:
        self._processor = processor
        self._image_tokens = (config.image_start_token_id, config.image_end_token_id)
        self._token = config.image_token_id
        self._cached_layout = lru_cache(maxsize=256)(self._layout)

    def place(self, picture: Picture, start: int) -> Placed:
        """The picture at the position `start` of the prompt."""
        try:
            stamp = picture.path.stat().st_mtime_ns
        except OSError:
            raise _gone(picture) from None
        grid, key = self._cached_layout(picture, stamp)
        count = grid[1] * grid[2] // self._processor.merge_size**2
        begin, end = self._image_tokens
        ids = (begin, *[self._token] * count, end)
        return Placed(picture, start, grid, ids, (begin, *[key] * count, end))

    def pixels(self, picture: Picture) -> tuple[Any, Any]:
        """The vision tower's input: the tensor of patches, and that of their grid."""
        from PIL import Image

        try:
            with Image.open(picture.path) as image:
                inputs = self._processor(images=[image.convert("RGB")], return_tensors="pt")
        except Exception:
            log.info("a picture could not be read", exc_info=True)
            name = picture.name or "A picture of this conversation"
            raise RequestRefused(
                f"{name} can't be read as a picture. Attach another one."
            ) from None
        return inputs["pixel_values"], inputs["image_grid_thw"]

    def _layout(self, picture: Picture, _stamp: int) -> tuple[tuple[int, int, int], int]:
        """The picture's grid, and a key that identifies its content."""
        _, grids = self.pixels(picture)
        time, rows, columns = (int(each) for each in grids[0])
        digest = hashlib.sha256(picture.path.read_bytes()).digest()
        # Negative, unlike the id of any token.
        return (time, rows, columns), -1 - int.from_bytes(digest[:7], "big")


def _gone(picture: Picture) -> RequestRefused:
    name = picture.name or "A picture of this conversation"
    return RequestRefused(f"{name} is no longer there. Attach it again.")
