"""What a vision model of the GLM family sees: pictures as tokens, pixels and places.

A picture is `<|begin_of_image|>`, one `<|image|>` for each patch of 28 x 28 pixels that the model
sees, and `<|end_of_image|>`. Its tokens stand on a grid: each has a row and a column beside its
place in time, and the text behind it goes on from the larger of the two.
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
"""Model types of transformers that see in this way."""


@dataclass(frozen=True)
class Placed:
    """A picture in a prompt: where its tokens begin, its grid (time, rows, columns) of patches
    before they are merged, its tokens, and the keys that tell which picture it is."""

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
    """Reads pictures for one model. Raises `RequestRefused` for a file that can't be read."""

    def __init__(self, processor: Any, config: Any) -> None:
        self._processor = processor
        self._frame = (config.image_start_token_id, config.image_end_token_id)
        self._token = config.image_token_id
        self._looked = lru_cache(maxsize=256)(self._look)

    def place(self, picture: Picture, start: int) -> Placed:
        """The picture's tokens, where `start` tokens stand before it."""
        try:
            stamp = picture.path.stat().st_mtime_ns
        except OSError:
            raise _gone(picture) from None
        grid, key = self._looked(picture, stamp)
        count = grid[1] * grid[2] // self._processor.merge_size**2
        begin, end = self._frame
        ids = (begin, *[self._token] * count, end)
        return Placed(picture, start, grid, ids, (begin, *[key] * count, end))

    def pixels(self, picture: Picture) -> tuple[Any, Any]:
        """The picture as the vision tower takes it: patches, and the grid that they form."""
        from PIL import Image

        try:
            with Image.open(picture.path) as image:
                made = self._processor(images=[image.convert("RGB")], return_tensors="pt")
        except Exception:
            log.info("a picture could not be read", exc_info=True)
            name = picture.name or "A picture of this conversation"
            raise RequestRefused(
                f"{name} can't be read as a picture. Attach another one."
            ) from None
        return made["pixel_values"], made["image_grid_thw"]

    def _look(self, picture: Picture, _stamp: int) -> tuple[tuple[int, int, int], int]:
        """The picture's grid, and a number that tells it from all others."""
        _, grids = self.pixels(picture)
        time, rows, columns = (int(each) for each in grids[0])
        digest = hashlib.sha256(picture.path.read_bytes()).digest()
        # Below zero, where no token's number is.
        return (time, rows, columns), -1 - int.from_bytes(digest[:7], "big")


def _gone(picture: Picture) -> RequestRefused:
    name = picture.name or "A picture of this conversation"
    return RequestRefused(f"{name} is no longer there. Attach it again.")
