"""PNG: what is spoilt in a description never costs the pixels, and what is told rightly is used."""

import struct
import zlib

import numpy as np
import pytest
from picture_files import HEIGHT, WIDTH, chunk, encoded, matrix_profile, noise, picture, pixels, png, png_with
from PIL import Image

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging import png as png_form

SWAPPED = matrix_profile([[0.14307, 0.06061, 0.71410], [0.38515, 0.71687, 0.09708], [0.43607, 0.22249, 0.01392]], 2.2)
"""A profile that names red blue, and blue red."""


def spoilt(kind, data):
    return chunk(kind, data)[:-4] + b"what"


def icc(profile, filler=0):
    return chunk(b"iCCP", b"name\0\0" + zlib.compress(profile + bytes(filler)))


@pytest.mark.parametrize(
    "kind", [b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"eXIf", b"iCCP", b"gAMA", b"tRNS", b"quUx"]
)
def test_a_description_with_a_wrong_checksum_is_ignored_with_one_warning(kind, caplog):
    data = png_with(picture(), spoilt(kind, b"anything\0at all"))
    assert np.array_equal(image_io.decode(data, "odd.png"), picture())
    image_io.decode(data, "odd.png")  # a run decodes it again, and has told of it
    [record] = caplog.records
    assert record.message == f"odd.png: what is spoilt in it is ignored: {kind.decode()}"


@pytest.mark.parametrize(
    "bomb",
    [
        chunk(b"zTXt", b"comment\0\0" + zlib.compress(bytes(30 << 20))),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(30 << 20))),
        icc(SWAPPED, 30 << 20),
    ],
)
def test_a_description_that_inflates_without_end_is_ignored(bomb):
    assert np.array_equal(image_io.decode(png_with(picture(), bomb)), picture())


def test_a_large_profile_is_used():
    """Of 3 MB, where Pillow gives up on the picture."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (255, 0, 0))
    assert image_io.decode(png_with(image, icc(SWAPPED, 3 << 20))).getpixel((0, 0))[2] > 250


def test_what_is_critical_is_still_refused_when_it_is_spoilt():
    data = bytearray(png_with(picture()))
    data[29] ^= 1  # the checksum of the header
    with pytest.raises(InputError, match="is damaged|not a picture"):
        image_io.decode(bytes(data))


@pytest.mark.parametrize("kept", [9, 30, 60, 200])
def test_a_file_that_is_cut_short_stays_so(kept):
    data = png_with(picture(), chunk(b"tEXt", b"comment\0words"))[:kept]
    assert len(png_form.separate(data)[0]) <= len(data)
    with pytest.raises(InputError):
        image_io.decode(data)


def test_an_animation_is_its_first_frame():
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert np.array_equal(image_io.decode(data), frames[0])


@pytest.mark.parametrize(
    "told",
    [
        chunk(b"eXIf", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"),
        chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b'<x tiff:Orientation="6"/>')),
    ],
)
def test_orientation_by_exif_and_by_xmp(told):
    assert np.array_equal(image_io.decode(png_with(picture(), told)), np.rot90(np.asarray(picture()), -1))


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_level_of_grey_of_any_depth(depth):
    levels = np.arange(16 * 32).reshape(16, 32) % min(2**depth, 256)
    bits = np.unpackbits(levels.astype(">u2").view(np.uint8).reshape(16, 32, 2), axis=2)[..., -depth:]
    rows = [np.packbits(row).tobytes() for row in bits]
    data = png(32, 16, depth, 0, rows, chunk(b"tRNS", struct.pack(">H", 1)))
    expected = np.where(levels == 1, 255, np.round(levels * 255 / (2**depth - 1)))
    assert np.array_equal(pixels(image_io.decode(data))[..., 0], expected)


def test_a_transparent_colour_of_16_bits_is_refused_by_name():
    """Pillow drops the lower bytes, by which alone it may differ from others."""
    levels = noise(16, 32, 6)
    data = png(32, 16, 16, 2, [row.tobytes() for row in levels], chunk(b"tRNS", struct.pack(">3H", 1, 2, 3)))
    with pytest.raises(InputError, match=r"cat has pixels that can't be decoded \(PNG, RGB of 16 bits with a transp"):
        image_io.decode(data, "cat")
