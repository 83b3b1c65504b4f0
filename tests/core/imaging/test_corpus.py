"""Hundreds of hostile and odd files: each gives right pixels or an `InputError` of one line, and none takes long."""

import gzip
import io
import pickle
import signal
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pytest
from picture_files import chunk, encoded, jpeg_with, matrix_profile, noise, png, png_with, smooth, tiff_block
from PIL import Image

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io

pytestmark = pytest.mark.heavy

SIZE = (64, 48)
PICTURE = smooth(SIZE[1], SIZE[0])
LONGEST = 5
"""Seconds after which a file counts as one that hangs. Most take a few milliseconds."""

FORMATS = {
    "png": "PNG",
    "jpg": "JPEG",
    "webp": "WEBP",
    "tif": "TIFF",
    "gif": "GIF",
    "bmp": "BMP",
    "ppm": "PPM",
    "jp2": "JPEG2000",
    "avif": "AVIF",
}
LOSSY = {"jpg": 3, "webp": 5, "gif": 12, "avif": 6}
"""Mean difference from the picture that each encoder is allowed."""

Check = Callable[[np.ndarray], bool]


class Case(NamedTuple):
    label: str
    data: bytes
    right: Check | None
    """Whether pixels are right; None: the file must be refused."""
    must_decode: bool = False


def equals(expected, tolerance=1.0):
    wanted = np.asarray(expected, float)
    return lambda pixels: pixels.shape == wanted.shape and np.abs(pixels - wanted).mean() <= tolerance


def anyhow_turned(pixels):
    """The picture, in one of the eight orientations that a mutated tag may ask for."""
    turned = [np.rot90(pixels[:, ::-1] if mirrored else pixels, k) for mirrored in (0, 1) for k in range(4)]
    return any(equals(PICTURE, 3)(each) for each in turned)


def anything(pixels):
    return pixels.ndim == 3 and pixels.shape[2] == 3


def files():
    options = {"jpg": {"quality": 95}, "webp": {"quality": 95}, "avif": {"quality": 90}}
    return {suffix: encoded(PICTURE, form, **options.get(suffix, {})) for suffix, form in FORMATS.items()}


def truncations():
    for suffix, data in files().items():
        right = equals(PICTURE, LOSSY.get(suffix, 0))
        yield Case(f"whole.{suffix}", data, right, True)
        kept = [2**k for k in range(20) if 2**k < len(data)]
        for size in (*kept, len(data) * 3 // 4, len(data) - 50):
            yield Case(f"cut at {size}.{suffix}", data[:size], right)


def mutations():
    random = np.random.default_rng(0)
    for suffix, data in files().items():
        for k in range(8):
            damaged = bytearray(data)
            for at in random.integers(0, min(len(data), 400), 3):
                damaged[at] = random.integers(0, 256)
            yield Case(f"mutation {k}.{suffix}", bytes(damaged), anything)


def bombs():
    sizes = {
        "png": png(60_000, 60_000, 8, 2, []),
        "png of one row": png(2**31 - 1, 16, 8, 0, []),
        "png interlaced": png(60_000, 60_000, 16, 6, [], interlaced=True),
        "gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6) + files()["gif"][13:],
        "bmp": files()["bmp"][:18] + struct.pack("<ii", 60_000, 60_000) + files()["bmp"][26:],
        "bmp upside down": files()["bmp"][:18] + struct.pack("<ii", 60_000, -60_000) + files()["bmp"][26:],
        "ppm": b"P6 60000 60000 255\n" + bytes(100),
        "ppm of digits": b"P3 " + b"9" * 5000 + b" 100 255\n",
        "pgm with no end of a comment": b"P5 #" + b"x" * 100_000,
        "webp": b"RIFF\x1c\0\0\0WEBPVP8L\x0f\0\0\0\x2f" + struct.pack("<I", 16383 | 16383 << 14) + bytes(10),
        "jpeg": files()["jpg"].replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 65500, 65500), 1),
        "tiff": tiff_block(
            (256, 4, 1, struct.pack("<I", 60_000)),
            (257, 4, 1, struct.pack("<I", 60_000)),
            (258, 3, 1, b"\x08\0\0\0"),
            (262, 3, 1, b"\1\0\0\0"),
            (273, 4, 1, b"\x08\0\0\0"),
            (279, 4, 1, b"\x08\0\0\0"),
        ),
        "jp2": files()["jp2"].replace(struct.pack(">II", 48, 64), struct.pack(">II", 60_000, 60_000)),
        "avif": files()["avif"].replace(struct.pack(">II", 64, 48), struct.pack(">II", 60_000, 60_000)),
    }
    return [Case(f"bomb, {label}", data, None) for label, data in sizes.items()]


def descriptions_that_inflate():
    bomb = zlib.compress(bytes(40 << 20), 9)
    for label, body in {
        "zTXt": (b"zTXt", b"comment\0\0" + bomb),
        "iTXt": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb),
        "iCCP": (b"iCCP", b"name\0\0" + bomb),
        "many": (b"tEXt", b"k\0" + bytes(1 << 20)),
    }.items():
        yield Case(f"{label} that inflates", png_with(PICTURE, *[chunk(*body)] * 3), equals(PICTURE, 0), True)


def no_pictures():
    def archive(make):
        out = io.BytesIO()
        make(out)
        return out.getvalue()

    def zipped(out):
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("a.png", files()["png"])

    def tarred(out):
        with tarfile.open(fileobj=out, mode="w") as file:
            file.addfile(tarfile.TarInfo("a.png"))

    kinds = {
        "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "json": b'{"message": "Not Found"}',
        "zip": archive(zipped),
        "tar": archive(tarred),
        "gzip": gzip.compress(files()["png"]),
        "pickle": pickle.dumps({"a": 1}),
        "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "eps": encoded(PICTURE, "EPS"),
        "ico": encoded(PICTURE, "ICO"),
        "icns": encoded(PICTURE.resize((64, 64)), "ICNS"),
        "psd": b"8BPS\0\1" + bytes(100),
        "sgi": encoded(PICTURE, "SGI"),
        "pcx": encoded(PICTURE, "PCX"),
        "wmf": b"\xd7\xcd\xc6\x9a" + bytes(60),
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "fits": b"SIMPLE  =                    T".ljust(2880),
        "mp4": b"\0\0\0\x20ftypisom" + bytes(100),
        "elf": b"\x7fELF" + bytes(200),
        "shell": b"#!/bin/sh\nexit 1\n",
        "lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "empty": b"",
        "one byte": b"\x89",
        "zeros": bytes(5000),
        "noise": noise(5000).tobytes(),
        "signature alone, png": b"\x89PNG\r\n\x1a\n",
        "signature alone, jpeg": b"\xff\xd8\xff",
        "signature alone, tiff": b"II*\0",
        "tiff that leads to itself": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "bigtiff": b"II+\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f",
    }
    return [Case(f"no picture: {label}", data, None) for label, data in kinds.items()]


def animations():
    frames = [PICTURE, Image.new("RGB", SIZE, "blue"), Image.new("RGB", SIZE, "red")]
    for suffix in ("gif", "png", "webp", "tif", "avif"):
        data = encoded(frames[0], FORMATS[suffix], save_all=True, append_images=frames[1:])
        yield Case(f"animation.{suffix}", data, equals(PICTURE, max(LOSSY.get(suffix, 0), 6)), True)


def layouts():
    levels = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE[1], SIZE[0])
    for depth in (1, 2, 4, 8, 16):
        grey = levels * 7 % 2**depth
        bits = np.unpackbits(grey.astype(">u2").view(np.uint8).reshape(*grey.shape, 2), axis=2)[..., -depth:]
        data = png(*SIZE, depth, 0, [np.packbits(row).tobytes() for row in bits])
        wanted = np.repeat((grey * 255 / (2**depth - 1))[..., None], 3, 2)
        yield Case(f"grey of {depth} bits.png", data, equals(wanted, 0.5), True)
    for colour, channels in ((2, 3), (4, 2), (6, 4)):
        for depth in (8, 16):
            values = noise(SIZE[1], SIZE[0], channels).astype(int) * (1 if depth == 8 else 257)
            if channels != 3:
                values[..., -1] = 2**depth - 1
            rows = [row.astype(f">u{depth // 8}").tobytes() for row in values]
            seen = values[..., :3] if channels > 2 else np.repeat(values[..., :1], 3, 2)
            label = f"{channels} channels of {depth} bits.png"
            yield Case(label, png(*SIZE, depth, colour, rows), equals(seen * 255 / (2**depth - 1), 1), True)
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16", "I", "F", "CMYK", "YCbCr", "LAB", "HSV"):
        for suffix, form in FORMATS.items():
            try:
                data = encoded(Image.new("L", SIZE, 90).convert(mode), form)
            except (OSError, ValueError, KeyError):
                continue  # an encoder that doesn't know the mode
            # Encoders turn what they don't know into something else, each by its own rule.
            plain = mode not in ("1", "I", "I;16", "LAB", "HSV")
            wanted = np.full((SIZE[1], SIZE[0], 3), 90)
            right = equals(wanted, 3) if plain else anything
            yield Case(f"{mode}.{suffix}", data, right)


def shapes():
    for width, height in ((1, 1), (1, 1000), (1000, 1), (15, 500), (500, 15), (2, 2)):
        yield Case(f"{width}x{height}", encoded(smooth(height, width)), None)
    for width, height in ((16, 4000), (4000, 16), (17, 1023)):
        image = smooth(height, width)
        for suffix in ("png", "bmp", "tif", "ppm"):
            yield Case(f"{width}x{height}.{suffix}", encoded(image, FORMATS[suffix]), equals(image, 0), True)


def spoilt_descriptions():
    random = np.random.default_rng(1)
    block = tiff_block(
        (0x0100, 4, 1, b"\x40\0\0\0"),
        (0x0112, 3, 1, b"\1\0\0\0"),
        (0x011A, 5, 1, b"\x3e\0\0\0"),
        (0x8769, 4, 1, b"\x1a\0\0\0"),
        (0xA005, 4, 1, b"\x26\0\0\0"),
    )
    for k in range(40):
        exif = bytearray(block)
        for at in random.integers(0, len(exif), 1 + k % 5):
            exif[at] = random.integers(0, 256)
        yield Case(f"exif {k}.jpg", jpeg_with(PICTURE, (0xE1, b"Exif\0\0" + exif)), anyhow_turned, True)
        yield Case(f"exif {k}.png", png_with(PICTURE, chunk(b"eXIf", bytes(exif))), anyhow_turned, True)
        if k % 4 == 0:
            yield Case(f"exif {k}.webp", encoded(PICTURE, "WEBP", lossless=True, exif=bytes(exif)), anyhow_turned, True)
    profile = matrix_profile([[0.436, 0.222, 0.014], [0.385, 0.717, 0.097], [0.143, 0.061, 0.714]], 2.2)
    for k in range(30):
        icc = bytearray(profile)
        for at in random.integers(0, len(icc), 1 + k % 6):
            icc[at] = random.integers(0, 256)
        icc = bytes(icc[: len(icc) if k % 3 else random.integers(0, len(icc))])
        yield Case(f"icc {k}.png", png_with(PICTURE, chunk(b"iCCP", b"a\0\0" + zlib.compress(icc))), anything, True)
        yield Case(f"icc {k}.jpg", jpeg_with(PICTURE, (0xE2, b"ICC_PROFILE\0\1\1" + icc)), anything, True)
    for k, xmp in enumerate((b"", b"<", b"\xff" * 300, b'tiff:Orientation="9"', b"Orientation>0", b"&lol;" * 5000)):
        yield Case(
            f"xmp {k}.jpg", jpeg_with(PICTURE, (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)), anyhow_turned, True
        )
        yield Case(
            f"xmp {k}.png", png_with(PICTURE, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)), anyhow_turned, True
        )
    for k, told in enumerate((bytes(4), b"\xff" * 4, bytes(32), b"\x7f" * 32, b"")):
        for kind in (b"gAMA", b"cHRM", b"cICP", b"sRGB", b"pHYs", b"tIME", b"bKGD", b"acTL", b"fcTL"):
            yield Case(f"{kind.decode()} {k}.png", png_with(PICTURE, chunk(kind, told)), equals(PICTURE, 0), True)


GROUPS = (
    truncations,
    mutations,
    bombs,
    descriptions_that_inflate,
    no_pictures,
    animations,
    layouts,
    shapes,
    spoilt_descriptions,
)


@contextmanager
def no_longer_than(seconds):
    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(case, file):
    """What is wrong with what becomes of a file; "" if nothing is."""
    file.write_bytes(case.data)
    began = time.monotonic()
    try:
        with no_longer_than(LONGEST):
            image = image_io.decode(file)
    except InputError as error:
        message = str(error)
        if case.must_decode:
            return f"refused: {message}"
        return "" if message.isprintable() and str(file) in message else f"not one line that names it: {message!r}"
    except BaseException as error:
        return f"{type(error).__name__} after {time.monotonic() - began:.1f} s: {error}"
    if case.right is None:
        return "taken for a picture"
    pixels = np.asarray(image)
    return "" if image.mode == "RGB" and case.right(pixels.astype(float)) else f"wrong pixels, mean {pixels.mean():.1f}"


@pytest.mark.parametrize("group", GROUPS)
def test_each_gives_right_pixels_or_a_refusal_of_one_line(group, tmp_path, caplog):
    cases = list(group())
    suffixes = (".png", ".jpg", ".tif", ".svg", "")
    wrong = {
        case.label: problem
        for k, case in enumerate(cases)
        if (problem := outcome(case, tmp_path / f"any name{suffixes[k % len(suffixes)]}"))
    }
    assert not wrong
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_there_are_at_least_three_hundred_of_them():
    assert sum(len(list(group())) for group in GROUPS) >= 300


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "a|b",
        "a\nfailed: all",
        "\x1b[2J",
        "<script>alert(1)</script>",
        "😀",
        "\udcff",
        "\u202egnp",
        "x" * 255,
        "%s%n",
    ],
)
def test_no_name_spoils_the_line_that_tells_it(name):
    with pytest.raises(InputError) as caught:
        image_io.decode(b"no picture", name)
    assert str(caught.value).isprintable()
    str(caught.value).encode()
