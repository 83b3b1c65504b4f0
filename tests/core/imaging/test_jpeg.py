"""JPEG: what is spoilt in a description never costs the pixels."""

import numpy as np
import pytest
from picture_files import encoded, jpeg_with, smooth, tiff_block

from spnst_core.imaging import io as image_io
from spnst_core.imaging import jpeg

PLAIN = image_io.decode(encoded(smooth(), "JPEG", quality=95, subsampling=0))
TURNED = (0x0112, 3, 1, b"\6\0\0\0")
WIDTH_AS_BYTE = (0x0100, 1, 1, b"\5\0\0\0")
NEGATIVE_WIDTH = (0x0100, 9, 1, b"\xfb\xff\xff\xff")
NOWHERE = (0x8769, 4, 1, b"\xff\xff\xff\x7f")


@pytest.mark.parametrize("marker", range(0xE1, 0xF0))
def test_a_segment_of_nonsense_costs_nothing(marker):
    for body in (
        b"",
        b"\0",
        b"Exif\0\0",
        b"Exif\0\0\0\x08\0\2",
        b"MPF\0II*\0\xff\xff\xff\x7f",
        b"Photoshop 3.0\x008BIM",
        b"ICC_PROFILE\0",
    ):
        assert np.array_equal(image_io.decode(jpeg_with(smooth(), (marker, body))), PLAIN)


def test_exif_that_cannot_be_read_is_ignored_with_one_warning(caplog):
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), (0xE1, b"Exif\0\0nonsense")), "odd.jpg"), PLAIN)
    [record] = caplog.records
    assert record.message.startswith("odd.jpg: its EXIF can't be read (not a TIFF file")


@pytest.mark.parametrize("other", [WIDTH_AS_BYTE, NEGATIVE_WIDTH, NOWHERE])
def test_a_sound_orientation_counts_beside_tags_that_are_spoilt(other):
    """Pillow's own transposition writes all tags anew, and fails at these."""
    block = tiff_block(*sorted((other, TURNED)))
    image = image_io.decode(jpeg_with(smooth(), (0xE1, b"Exif\0\0" + block)))
    assert np.array_equal(image, np.rot90(np.asarray(PLAIN), -1))


@pytest.mark.parametrize("value", [b"\0\0\0\0", b"\x09\0\0\0", b"\xff\xff\0\0"])
def test_an_orientation_that_does_not_exist_is_none(value):
    block = tiff_block((0x0112, 3, 1, value))
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), (0xE1, b"Exif\0\0" + block))), PLAIN)


def test_orientation_by_xmp_alone():
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    image = image_io.decode(jpeg_with(smooth(), (0xE1, xmp)))
    assert np.array_equal(image, np.rot90(np.asarray(PLAIN), -1))


def test_what_holds_no_pixels_is_left_out_and_all_else_stays():
    exif = b"Exif\0\0" + tiff_block(TURNED)
    data = encoded(smooth(), "JPEG", comment=b"words", exif=exif, icc_profile=b"profile" * 20_000)
    kept, info, spoilt = jpeg.separate(data)
    assert b"words" not in kept and b"Exif" not in kept and b"ICC_PROFILE" not in kept
    assert info == {"exif": exif, "icc_profile": b"profile" * 20_000}
    assert spoilt == []
    assert all(len(jpeg.separate(data[:short])[0]) <= short for short in range(2, len(data), 1007))


def test_a_profile_of_which_a_part_is_missing_is_ignored_with_one_warning(caplog):
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), (0xE2, b"ICC_PROFILE\0\1\2half")), "odd.jpg"), PLAIN)
    assert [record.message for record in caplog.records] == ["odd.jpg: what is spoilt in it is ignored: ICC profile"]
