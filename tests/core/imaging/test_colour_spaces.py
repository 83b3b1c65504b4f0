"""Colour spaces: each way of telling one, against closed forms, and the order in which they count."""

import struct
import zlib

import numpy as np
import pytest
from picture_files import HEIGHT, WIDTH, chunk, encoded, jpeg_with, matrix_profile, picture, png_with, tiff_block
from PIL import Image

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io

GREEN = Image.new("RGB", (WIDTH, HEIGHT), (60, 180, 60))
INSIDE = Image.new("RGB", (WIDTH, HEIGHT), (150, 120, 130))
"""A colour that none of the spaces below takes out of sRGB's gamut."""

SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
P3 = np.array([[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869], [0.0, 0.0451134, 1.0439444]])
"""RGB to XYZ in D65 (Lindbloom; SMPTE EG 432-1)."""

ADOBE = [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]]

CHRM_SRGB = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
CHRM_P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def colour(data):
    return image_io.decode(data).getpixel((3, 3))


def linear(values):
    x = np.asarray(values) / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def srgb(x):
    return 255 * np.where(x <= 0.0031308, x * 12.92, 1.055 * np.maximum(x, 0) ** (1 / 2.4) - 0.055)


def interoperability(index, space=65535):
    """EXIF of a camera: a directory that leads to EXIF's, with a colour space, and that to the one with the index."""
    exif, interop = 8 + 2 + 12 + 4, 8 + 2 + 12 + 4 + 2 + 24 + 4
    first = tiff_block((0x8769, 4, 1, struct.pack("<I", exif)))
    second = tiff_block((0xA001, 3, 1, struct.pack("<HH", space, 0)), (0xA005, 4, 1, struct.pack("<I", interop)))
    third = tiff_block((1, 2, 4, index))
    return b"Exif\0\0" + first + second[8:] + third[8:]


class TestExif:
    def test_r03_is_adobe_rgb(self):
        assert np.allclose(colour(jpeg_with(GREEN, (0xE1, interoperability(b"R03\0")))), (0, 181, 42), atol=2)

    def test_it_is_the_same_as_adobes_profile(self):
        by_profile = colour(encoded(INSIDE, icc_profile=matrix_profile(ADOBE, 563 / 256)))
        by_exif = colour(encoded(INSIDE, exif=interoperability(b"R03\0")))
        assert np.allclose(by_profile, by_exif, atol=1)
        assert by_exif != INSIDE.getpixel((0, 0))

    @pytest.mark.parametrize(("index", "space"), [(b"R98\0", 1), (b"R98\0", 65535), (b"R03\0", 1), (b"THM\0", 65535)])
    def test_others_are_srgb(self, index, space):
        assert colour(encoded(GREEN, exif=interoperability(index, space))) == (60, 180, 60)


class TestCodePoints:
    def test_display_p3(self):
        found = colour(png_with(GREEN, chunk(b"cICP", bytes((12, 13, 0, 1)))))
        assert np.allclose(found, (0, 183, 30), atol=2)

    @pytest.mark.parametrize(("point", "matrix"), [(1, SRGB), (12, P3)])
    @pytest.mark.parametrize("transfer", [4, 5, 8, 13])
    def test_against_closed_forms(self, point, matrix, transfer):
        x = np.array(INSIDE.getpixel((0, 0)))
        x = {4: (x / 255) ** 2.2, 5: (x / 255) ** 2.8, 8: x / 255, 13: linear(x)}[transfer]
        expected = srgb(np.linalg.inv(SRGB) @ matrix @ x)
        found = colour(png_with(INSIDE, chunk(b"cICP", bytes((point, transfer, 0, 1)))))
        assert np.allclose(found, expected, atol=1.5)

    def test_srgb_by_code_points_changes_no_pixel(self):
        assert np.array_equal(image_io.decode(png_with(picture(), chunk(b"cICP", bytes((1, 13, 0, 1))))), picture())

    @pytest.mark.parametrize(
        ("points", "word"), [((9, 16, 0, 1), "PQ"), ((9, 18, 0, 1), "HLG"), ((1, 13, 0, 0), "narrow")]
    )
    def test_what_srgb_cannot_show_is_refused(self, points, word):
        with pytest.raises(InputError, match=rf"hdr\.png has .*{word}.*export it"):
            image_io.decode(png_with(picture(), chunk(b"cICP", bytes(points))), "hdr.png")

    @pytest.mark.parametrize("points", [(2, 2, 0, 1), (77, 13, 0, 1), (1, 99, 0, 1), (0, 0, 0, 0)])
    def test_unknown_ones_are_ignored(self, points):
        assert np.array_equal(image_io.decode(png_with(picture(), chunk(b"cICP", bytes(points)))), picture())

    def test_they_count_before_a_profile(self):
        profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(matrix_profile(ADOBE, 2.2)))
        assert colour(png_with(GREEN, chunk(b"cICP", bytes((1, 13, 0, 1))), profile)) == (60, 180, 60)
        assert colour(png_with(GREEN, profile)) != (60, 180, 60)


class TestExponent:
    @pytest.mark.parametrize(
        "chunks",
        [
            {b"gAMA": struct.pack(">I", 45455)},
            {b"gAMA": struct.pack(">I", 45455), b"cHRM": CHRM_SRGB},
            {b"cHRM": CHRM_SRGB},
            {b"sRGB": b"\0", b"gAMA": struct.pack(">I", 100000), b"cHRM": CHRM_P3},
        ],
    )
    def test_what_stands_for_srgb_changes_no_pixel(self, chunks):
        data = png_with(picture(), *(chunk(*each) for each in chunks.items()))
        assert np.array_equal(image_io.decode(data), picture())

    def test_an_exponent_of_its_own(self):
        x = np.array(INSIDE.getpixel((0, 0))) / 255
        found = colour(png_with(INSIDE, chunk(b"gAMA", struct.pack(">I", 100000))))
        assert np.allclose(found, srgb(x), atol=1.5)

    def test_primaries_of_its_own(self):
        expected = srgb(np.linalg.inv(SRGB) @ P3 @ linear(INSIDE.getpixel((0, 0))))
        assert np.allclose(colour(png_with(INSIDE, chunk(b"cHRM", CHRM_P3))), expected, atol=1.5)
        assert np.allclose(colour(png_with(GREEN, chunk(b"cHRM", CHRM_P3))), (0, 183, 30), atol=2)

    @pytest.mark.parametrize(
        "nonsense",
        [(b"gAMA", bytes(4)), (b"gAMA", b"\xff" * 4), (b"cHRM", bytes(32)), (b"cHRM", b"\x7f" * 32), (b"gAMA", b"1")],
    )
    def test_nonsense_is_ignored_with_one_warning(self, nonsense, caplog):
        assert np.array_equal(image_io.decode(png_with(picture(), chunk(*nonsense))), picture())
        assert len(caplog.records) == 1

    def test_an_image_in_hand_is_treated_as_its_file_is(self):
        from io import BytesIO

        data = png_with(INSIDE, chunk(b"gAMA", struct.pack(">I", 100000)), chunk(b"cHRM", CHRM_P3))
        assert image_io.read(Image.open(BytesIO(data))).equal(image_io.read(data))
