"""Pictures that a user gives: every kind, every way to be broken, and how much memory they take."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from app.core.attachments import Upload, UploadRejected
from app.core.attachments.images import (
    MAX_EDGE_PX,
    MAX_FILE_BYTES,
    MAX_IMAGES,
    keep_pictures,
    original,
    pictures_folder,
    prepared,
)
from app.core.attachments.uploads import attach_files
from app.core.settings import Settings
from backends.messages import Document, Picture

ROOT = Path(__file__).resolve().parents[3]
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)
MEGABYTES = 500


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def shown(data: bytes, name: str = "a.png", longest: int = MAX_EDGE_PX) -> Image.Image:
    """The picture that a model is shown."""
    made = prepared(data, name, longest)
    image = Image.open(io.BytesIO(made.data))
    assert (image.get_format_mimetype(), image.mode) == (made.mime, "RGB")
    assert image.size == (made.width, made.height)
    return image


def near(pixel: object, wanted: tuple[int, int, int], by: int = 6) -> bool:
    return all(abs(a - b) <= by for a, b in zip(pixel, wanted, strict=True))  # type: ignore[call-overload]


def refused(data: bytes, name: str = "a.png") -> str:
    with pytest.raises(UploadRejected) as told:
        prepared(data, name)
    sentence = str(told.value)
    assert sentence.startswith(name) and sentence.endswith(".") and "\n" not in sentence
    return sentence


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def claimed(width: int, height: int, depth: int = 8, color: int = 2, rows: bytes = b"") -> bytes:
    """A PNG whose header says what we like."""
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels


# Every kind


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_the_kinds_of_files_by_their_content(kind: str) -> None:
    data = encoded(Image.new("RGB", (40, 30), RED), kind)
    for name in ("picture", "lies.txt", "lies.svg", "x.heic"):
        image = shown(data, name)
        assert image.size == (40, 30) and near(image.getpixel((20, 15)), RED)


@pytest.mark.parametrize(
    ("mode", "color", "kind", "wanted"),
    [
        ("1", 1, "PNG", WHITE),
        ("L", 128, "PNG", (128,) * 3),
        ("LA", (0, 0), "PNG", WHITE),
        ("P", 0, "PNG", (0, 0, 0)),
        ("RGBA", (255, 0, 0, 0), "PNG", WHITE),
        ("RGBA", (0, 0, 0, 128), "WEBP", (127,) * 3),
        ("I;16", 65_535, "PNG", WHITE),
        ("I;16", 32_896, "PNG", (128,) * 3),
        ("I;16B", 32_896, "TIFF", (128,) * 3),
        ("I", 32_896, "TIFF", (128,) * 3),
        ("F", 7.5, "TIFF", (0, 0, 0)),
        ("CMYK", (0, 255, 255, 0), "TIFF", RED),
        ("CMYK", (0, 255, 255, 0), "JPEG", RED),
        ("YCbCr", (76, 85, 255), "TIFF", RED),
    ],
)
def test_every_mode_becomes_rgb(
    mode: str, color: object, kind: str, wanted: tuple[int, int, int]
) -> None:
    image = shown(encoded(Image.new(mode, (9, 9), color), kind))  # type: ignore[arg-type]
    assert near(image.getpixel((4, 4)), wanted)


def test_grey_values_of_any_range_are_spread() -> None:
    ramp = Image.new("F", (3, 1))
    for at, value in enumerate((-2.0, 0.0, 2.0)):
        ramp.putpixel((at, 0), value)
    image = shown(encoded(ramp, "TIFF"))
    assert [image.getpixel((at, 0))[0] for at in range(3)] == [0, 127, 255]  # type: ignore[index]


def test_transparency_of_a_palette_and_of_one_color_is_white() -> None:
    palette = Image.new("P", (4, 4), 3)
    palette.putpalette([0, 0, 0] * 3 + [*RED])
    assert shown(encoded(palette, "PNG", transparency=3)).getpixel((1, 1)) == WHITE
    assert shown(encoded(palette, "GIF", transparency=3)).getpixel((1, 1)) == WHITE
    assert shown(encoded(palette, "PNG")).getpixel((1, 1)) == RED
    plain = Image.new("RGB", (4, 4), GREEN)
    assert shown(encoded(plain, "PNG", transparency=GREEN)).getpixel((1, 1)) == WHITE


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert near(shown(data).getpixel((4, 4)), RED)


# Upright, in sRGB, and nothing else with it


def turned(orientation: int) -> Image.Image:
    """Red on the left and blue on the right, lying as a camera keeps it with that tag."""
    upright = Image.new("RGB", (64, 32), BLUE)
    upright.paste(RED, (0, 0, 32, 32))
    lying = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    return upright.transpose(lying[orientation]) if orientation in lying else upright


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 8])
def test_exif_turns_it_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image = shown(encoded(turned(orientation), kind, exif=exif))
    assert image.size == (64, 32)
    assert near(image.getpixel((8, 16)), RED, 40) and near(image.getpixel((56, 16)), BLUE, 40)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\0\0junk", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 9])
def test_broken_exif_does_no_harm(exif: bytes) -> None:
    data = encoded(turned(1), "JPEG", exif=exif)
    assert shown(data).size == (64, 32)


def test_an_orientation_that_is_none_does_no_harm() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 99
    assert shown(encoded(turned(1), "JPEG", exif=exif)).size == (64, 32)


def test_colours_are_those_of_the_profile() -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # One in which red and blue have changed places.
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        data = encoded(Image.new("RGB", (8, 8), RED), kind, icc_profile=bytes(profile))
        assert near(shown(data).getpixel((4, 4)), BLUE, 20), kind
    palette = Image.new("RGB", (8, 8), RED).quantize(2)
    data = encoded(palette, "PNG", icc_profile=bytes(profile))
    assert near(shown(data).getpixel((4, 4)), BLUE, 20)
    seen_through = Image.new("RGBA", (8, 8), (*RED, 0))
    assert shown(encoded(seen_through, icc_profile=bytes(profile))).getpixel((4, 4)) == WHITE
    # Of another kind of picture, or none at all: passed over.
    for wrong in (bytes(profile), b"no profile"):
        for mode, color in (("L", 128), ("CMYK", (0, 255, 255, 0))):
            data = encoded(Image.new(mode, (8, 8), color), "JPEG", icc_profile=wrong)
            assert near(shown(data).getpixel((4, 4)), (128,) * 3 if mode == "L" else RED, 20)


SECRET = b"52.5200 N 13.4050 E"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
def test_metadata_is_not_kept(kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = exif[ExifTags.Base.ImageDescription] = SECRET.decode()
    notes = PngImagePlugin.PngInfo()
    notes.add_text("place", SECRET.decode())
    options = {
        "JPEG": {"exif": exif, "comment": SECRET, "xmp": b"<x>" + SECRET},
        "PNG": {"exif": exif, "pnginfo": notes},
        "WEBP": {"exif": exif, "xmp": b"<x>" + SECRET},
        "TIFF": {"exif": exif},
        "GIF": {"comment": SECRET},
    }[kind]
    for mode in ("RGB", "L"):
        data = encoded(Image.new(mode, (8, 8)), kind, **options)
        assert SECRET in data
        made = prepared(data, "a")
        assert SECRET not in made.data
        assert set(Image.open(io.BytesIO(made.data)).info) <= {
            "jfif", "jfif_version", "jfif_unit", "jfif_density",
        }  # fmt: skip


# Sizes


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((1, 1), (1, 1)),
        ((1120, 1120), (1120, 1120)),
        ((1121, 10), (1120, 10)),
        ((300, 2240), (150, 1120)),
        ((20_000, 20), (1120, 1)),
        ((20, 20_000), (1, 1120)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_long_side_is_shrunk_and_nothing_enlarged(
    kind: str, given: tuple[int, int], wanted: tuple[int, int]
) -> None:
    data = encoded(Image.new("RGB", given, RED), kind)
    assert shown(data).size == wanted
    smaller = shown(data, longest=100)
    assert max(smaller.size) == min(100, max(given))


def test_what_a_jpeg_would_blur_stays_sharp_unless_it_is_large() -> None:
    drawing = Image.new("RGB", (600, 400), WHITE)
    assert prepared(encoded(drawing), "a").mime == "image/png"
    assert prepared(encoded(drawing, "JPEG"), "a").mime == "image/jpeg"
    noise = Image.frombytes("RGB", (900, 900), random.Random(0).randbytes(900 * 900 * 3))
    made = prepared(encoded(noise, compress_level=1), "a")
    assert made.mime == "image/jpeg" and len(made.data) < 1_500_000


# Bad input


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "a.png is empty."),
        (b"hello", "is no picture, or damaged"),
        (b"\x89PNG\r\n\x1a\n", "is no picture, or damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><svg></svg>", "is an SVG drawing"),
        (b"<html><svg></svg></html>", "is no picture, or damaged"),
        (b"\0\0\0\x18ftypheic\0\0\0\0" + b"\0" * 99, "needs the package pillow-heif"),
        (b"%PDF-1.7", "is no picture, or damaged"),
        (b"x" * (MAX_FILE_BYTES + 1), "is larger than 50 MB"),
        (claimed(60_000, 60_000), "pixels"),
        (claimed(9_000, 9_000), "9,000 x 9,000 pixels; 40 million can be read"),
        (claimed(300, 300), "is damaged or cut short"),
        (claimed(0, 7), "is no picture, or damaged"),
        (claimed(2**31 - 1, 2**31 - 1), "pixels"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(data: bytes, wanted: str) -> None:
    if "pillow-heif" in wanted and importlib.util.find_spec("pillow_heif"):
        wanted = "is no picture, or damaged"
    assert wanted in refused(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_cut_short(kind: str, share: float) -> None:
    data = encoded(Image.effect_noise((90, 90), 80).convert("RGB"), kind)
    refused(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_damaged_anywhere_it_is_shown_or_refused(kind: str) -> None:
    data = encoded(Image.effect_noise((40, 40), 80).convert("RGB"), kind)
    for at in range(0, len(data), max(1, len(data) // 60)):
        broken = data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + 3]) + data[at + 3 :]
        with contextlib.suppress(UploadRejected):  # and nothing else
            shown(broken)


def test_the_name_in_the_sentence_is_one_line() -> None:
    assert refused(b"", "a b" + "x" * 30).startswith("a b")
    with pytest.raises(UploadRejected) as told:
        prepared(b"", "a\n" + "x" * 300)
    assert len(str(told.value)) < 100 and "\n" not in str(told.value)


def tiff(width: int, height: int, tile: int) -> bytes:
    """A TIFF whose one tile is larger than the picture."""
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1),
        (322, 4, tile), (323, 4, tile), (324, 4, 200), (325, 4, 8),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)
    return head.ljust(200, b"\0") + zlib.compress(b"\0" * 9)


def test_a_tile_that_is_a_bomb() -> None:
    assert "million can be read" in refused(tiff(64, 64, 48_000))


def test_a_jpeg_of_endless_passes() -> None:
    data = encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    assert shown(data).size == (64, 64)
    last = data.rindex(b"\xff\xda")
    assert "damaged" in refused(data[:-2] + data[last:-2] * 200 + data[-2:])


MEASURED = """
import sys
from app.core.attachments.images import prepared
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
prepared(open(sys.argv[1], "rb").read(), "small")
before = peak()
for path in sys.argv[2:]:
    prepared(open(path, "rb").read(), path)
print(peak() - before)
"""


@pytest.mark.slow
def test_the_memory_for_the_largest_is_bounded(tmp_path: Path) -> None:
    rows = zlib.compress(b"\0" * (5001 * 8000), 1)
    palette = struct.pack(">IIBBBBB", 8000, 5000, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", palette), (b"PLTE", bytes(RED)), (b"tRNS", b"\x80"), (b"IDAT", rows)]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in (*parts, (b"IEND", b"")))
    files = {
        "small": encoded(Image.new("RGB", (9, 9))),
        "palette": png,
        "webp": encoded(Image.new("RGBA", (5000, 4000), (9, 9, 9, 99)), "WEBP", lossless=True),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in files]
    command = [sys.executable, "-c", MEASURED, *paths]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert ended.returncode == 0, ended.stderr
    assert 100 < int(ended.stdout) < MEGABYTES


# In a message


LARGE = {color: encoded(Image.new("RGB", (2000, 1000), color)) for color in (RED, BLUE)}


def given(name: str = "a.png", color: tuple[int, int, int] = RED) -> Upload:
    return Upload(name, LARGE[color])


def test_pictures_are_kept_beside_the_workspace(tmp_path: Path) -> None:
    workspace = tmp_path / "session"
    workspace.mkdir()
    one, two = keep_pictures([given(), given(color=BLUE)], workspace)
    assert (one.name, two.name) == ("a.png", "a.png") and one.path != two.path
    assert one.path.parent == pictures_folder(workspace) and not list(workspace.iterdir())
    assert Image.open(one.path).size == (1120, 560) and one.mime == "image/png"
    assert original(one).read_bytes() == given().data
    assert original(two).read_bytes() == given(color=BLUE).data


def test_all_are_kept_or_none(tmp_path: Path) -> None:
    with pytest.raises(UploadRejected, match=r"b\.txt is no picture"):
        keep_pictures([given(), Upload("b.txt", b"x")], tmp_path / "w")
    assert not pictures_folder(tmp_path / "w").exists()


def test_a_name_leads_nowhere(tmp_path: Path) -> None:
    (picture,) = keep_pictures([given("../../etc/pass\nwd")], tmp_path / "w")
    assert picture.path.parent == pictures_folder(tmp_path / "w") and picture.name == "passwd"


Take = Callable[..., tuple[Picture | Document, ...]]


@pytest.fixture
def vision(tmp_path: Path) -> Take:
    def taken(count: int, images: str, waiting: object = ()) -> tuple[Picture | Document, ...]:
        files = [given(f"{at}.png") for at in range(count)]
        return attach_files("vision", files, tmp_path / "w", Settings(), images, waiting)  # type: ignore[arg-type]

    return taken


def test_no_more_pictures_than_the_model_sees(vision: Take) -> None:
    (first,) = vision(1, "one")
    with pytest.raises(
        UploadRejected, match="This model sees one picture in a message; these are 2"
    ):
        vision(2, "one")
    with pytest.raises(UploadRejected, match="these are 2"):
        vision(1, "one", (first,))
    assert len(vision(1, "several", (first,))) == 2
    with pytest.raises(UploadRejected, match=f"At most {MAX_IMAGES} pictures .* these are 50"):
        vision(50, "several")


def test_the_pictures_of_a_conversation_have_an_end(tmp_path: Path) -> None:
    small = Settings(python_workspace_mb=1)
    noise = random.Random(0).randbytes(400 * 400 * 3)
    file = Upload("a.png", encoded(Image.frombytes("RGB", (400, 400), noise), compress_level=0))
    (kept,) = attach_files("vision", [file], tmp_path / "w", small, "several")
    assert isinstance(kept, Picture)
    with pytest.raises(UploadRejected, match="would hold more than 1 MB"):
        attach_files("vision", [file], tmp_path / "w", small, "several")


def test_in_tools_a_picture_is_a_file_and_seen_where_the_model_sees(tmp_path: Path) -> None:
    files = [given("a b.png"), Upload("t.csv", b"x"), Upload("broken.png", b"\x89PNG")]
    blind = attach_files("tools", files, tmp_path, Settings(), "none")
    assert [type(part) for part in blind] == [Document] * 3
    seen = attach_files("tools", files, tmp_path, Settings(), "several")
    assert [type(part) for part in seen] == [Document] * 3 + [Picture]
    assert seen[-1].name == seen[0].name == "a b (2).png"
    assert isinstance(seen[0], Document) and seen[0].path.read_bytes() == given().data
    assert isinstance(seen[-1], Picture) and not original(seen[-1]).exists()
