"""Uploaded pictures, converted to the form that models get.

A model gets a PNG or JPEG in sRGB, upright, on white, no larger than it uses, and without the
metadata on the place and the camera. The files are untrusted: the format is detected by content,
the size is checked in the header before anything is decoded, and one picture is decoded at a
time, so that memory stays bounded however many arrive at once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.core.attachments import Upload, UploadRejected
from backends.messages import Picture
from tools.base import Attachment
from tools.media import PICTURES
from tools.safe_files import free_name, no_room, read_regular, safe_name, write_into
from tools.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image, Transpose

log = logging.getLogger(__name__)

MAX_EDGE_PX = 1120
"""Pixels of the long side: GLM-4V sees 1120 x 1120."""
MAX_FILE_BYTES = 50_000_000  # bytes of a file
MAX_IMAGES = 20  # pictures with one message
ENDINGS = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif")
"""File name extensions in the page's file dialog; the format is detected by content."""

# Limits of decoded pixels. Pillow needs four bytes for each, and as many again with transparency;
# WebP's decoder holds three copies. A JPEG that is not progressive is shrunk while it is decoded.
_MAX_PIXELS = 40_000_000
_MAX_PIXELS_OF = {"WEBP": 20_000_000, "HEIF": 49_000_000, "JPEG": 178_000_000}
_MAX_PROGRESSIVE_PIXELS = 50_000_000
# Scans of a progressive JPEG: an ordinary one has about ten, and each takes as long as the first.
_MAX_SCANS = 100
_PLAIN = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
# A lossless picture stays a PNG up to this size in bytes, since JPEG would blur it.
_MAX_PNG_BYTES = 1_500_000
_QUALITY = 90
_ORIENTATION, _TILE_WIDTH, _TILE_HEIGHT = 0x0112, 322, 323  # tags of EXIF and TIFF
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Prepared:
    """A picture in the form that models get: a PNG or JPEG, with its size in pixels."""

    data: bytes
    mime: str
    width: int
    height: int


def pictures_folder(workspace: Path) -> Path:
    """The folder of a conversation's pictures: next to its workspace, where the code that the
    model runs can't change them."""
    return workspace.with_name(f"{workspace.name}.pictures")


def keep_pictures(
    files: Sequence[Upload], workspace: Path, whole: bool = True
) -> tuple[Picture, ...]:
    """Converts and stores the files as pictures of a message, with `whole` also the originals.
    Raises `UploadRejected`, and has stored nothing then.
    """
    made = [prepared(file.data, file.name) for file in files]
    return tuple(
        _store(file, picture, pictures_folder(workspace).resolve(), whole)
        for file, picture in zip(files, made, strict=True)
    )


def figure(made: Attachment, workspace: Path) -> Picture | None:
    """A tool's picture in the form that models get; None where the file is no picture."""
    folder = pictures_folder(workspace).resolve()
    try:
        data = read_regular(made.path, MAX_FILE_BYTES)
        stem = f"figure-{hashlib.blake2b(data, digest_size=16).hexdigest()}"
        for mime, ending in PICTURES.items():
            if (path := folder / f"{stem}.{ending}").is_file():
                return Picture(path, mime, made.name)
        picture = prepared(data, made.name)
        path = write_into(folder, f"{stem}.{PICTURES[picture.mime]}", picture.data)
    except (OSError, UploadRejected):
        log.info("a figure could not be shown to the model", exc_info=True)
        return None
    return Picture(path, picture.mime, made.name)


def original(picture: Picture) -> Path:
    """The path of the uploaded file itself, which exists if it was stored with `whole`."""
    return picture.path.with_suffix(".original")


def prepared(data: bytes | memoryview, name: str, longest: int = MAX_EDGE_PX) -> Prepared:
    """The picture in the form that models get, its longer side at limit `longest` pixels.

    Raises `UploadRejected`, with one sentence that has `name`.
    """
    shown = one_line(name, 80)
    if not data:
        raise UploadRejected(f"{shown} is empty.")
    if len(data) > MAX_FILE_BYTES:
        raise UploadRejected(f"{shown} is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    with _one_at_a_time:
        try:
            return _prepared(bytes(data), shown, longest)
        except UploadRejected:
            raise
        except Exception:  # decoders raise anything for a damaged file
            log.info("a picture could not be decoded", exc_info=True)
            raise UploadRejected(f"{shown} is damaged or cut short.") from None


def _prepared(data: bytes, name: str, longest: int) -> Prepared:
    from PIL import Image, UnidentifiedImageError

    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=_formats())
    except Image.DecompressionBombError:
        raise UploadRejected(f"{name} has too many pixels.") from None
    except UnidentifiedImageError:
        raise UploadRejected(_why_no_picture(data, name)) from None
    with image:
        _check_size(image, data, name)
        lossless = image.format not in ("JPEG", "MPO", "HEIF")
        turned = _orientation(image)
        profile = image.info.get("icc_profile")
        image = _eight_bits(image)
        # For a JPEG this sets the scale at which it is decoded.
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
        image.load()
        image = _on_white(image, profile)
        if turned is not None:
            image = image.transpose(turned)
        return _encoded(image, lossless)


def _formats() -> list[str]:
    if importlib.util.find_spec("pillow_heif") is None:
        return [*_PLAIN]
    import pillow_heif

    pillow_heif.register_heif_opener()
    return [*_PLAIN, "HEIF"]


def _why_no_picture(data: bytes, name: str) -> str:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in head:
        return f"{name} is an SVG drawing, which models can't read. Give it as PNG."
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and "HEIF" not in _formats():
        return f"{name} is a HEIC photo, which needs the package pillow-heif. Give it as JPEG."
    return f"{name} is no picture, or damaged. PNG, JPEG, WebP, GIF, BMP and TIFF can be read."


def _check_size(image: Image, data: bytes, name: str) -> None:
    """Checks the size in the header before decoding. Raises `UploadRejected`."""
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    limit = _MAX_PIXELS_OF.get(kind, _MAX_PIXELS)
    if image.info.get("progressive"):
        limit = _MAX_PROGRESSIVE_PIXELS
        if data.count(b"\xff\xda") > _MAX_SCANS:
            raise UploadRejected(f"{name} is damaged or cut short.")
    width, height = image.size
    tags = getattr(image, "tag_v2", {})  # a TIFF is decoded in tiles of the size in its tags
    if max(width * height, tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_HEIGHT, 0)) > limit:
        raise UploadRejected(
            f"{name} has {width:,} x {height:,} pixels; {limit // 1_000_000} million can be read."
        )


def _orientation(image: Image) -> Transpose | None:
    """The transposition that turns the picture upright; None with broken EXIF too."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    if image.format in ("HEIF", "TIFF"):  # their decoders turn them
        return None
    try:
        return turns.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # any exception for broken EXIF
        log.info("a picture's EXIF could not be read", exc_info=True)
        return None


def _eight_bits(image: Image) -> Image:
    """The picture in a mode that can be resized smoothly, with eight bits a channel. Only pictures
    in other modes are decoded here."""
    mode = image.mode
    if mode in ("P", "PA"):
        return image.convert("RGBA" if mode == "PA" or "transparency" in image.info else "RGB")
    if mode == "1":
        return image.convert("L")
    if mode.startswith("I;16"):
        return _scaled(image.convert("I"), 0, 65_535)
    if mode in ("I", "F"):
        low, high = cast("tuple[float, float]", image.getextrema())
        if low >= 0 and high <= 65_535 and mode == "I":
            low, high = 0, 65_535
        return _scaled(image, low, high)
    return image


def _scaled(image: Image, low: float, high: float) -> Image:
    factor = 255 / ((high - low) or 1)
    return image.point(lambda value: value * factor - low * factor).convert("L")


def _on_white(image: Image, profile: bytes | None) -> Image:
    """The picture in sRGB, on a white background."""
    from PIL import Image as images

    alpha = None
    if image.mode in ("RGBA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    image = _in_srgb(image, profile)
    if alpha is not None:
        white = images.new("RGB", image.size, "white")
        white.paste(image, mask=alpha)
        image = white
    return image


def _in_srgb(image: Image, profile: bytes | None) -> Image:
    from PIL import ImageCms

    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if turned is not None:
                return turned
        except (ImageCms.PyCMSError, OSError, ValueError):  # broken, or of another kind of picture
            log.info("a colour profile was passed over", exc_info=True)
    return image.convert("RGB")


def _encoded(image: Image, lossless: bool) -> Prepared:
    image.info.clear()  # else comments and profiles are written too
    data = io.BytesIO()
    mime = "image/png"
    if lossless:
        image.save(data, "PNG")
    if not lossless or data.tell() > _MAX_PNG_BYTES:
        data, mime = io.BytesIO(), "image/jpeg"
        image.save(data, "JPEG", quality=_QUALITY)
    return Prepared(data.getvalue(), mime, image.width, image.height)


def _store(file: Upload, picture: Prepared, folder: Path, whole: bool) -> Picture:
    safe = safe_name(file.name)
    # The file has the free name; the message shows the user's.
    name = free_name(folder, f"{safe}.{PICTURES[picture.mime]}")
    try:
        path = write_into(folder, name, picture.data)
        if whole:
            write_into(folder, Path(name).with_suffix(".original").name, file.data)
    except OSError as error:
        if no_room(error):
            raise UploadRejected(
                f"{one_line(file.name, 80)} could not be kept: the disk of this server is full."
            ) from None
        log.exception("a picture could not be kept")
        raise UploadRejected(
            f"{one_line(file.name, 80)} could not be kept. Try once more."
        ) from None
    return Picture(path, picture.mime, safe)
