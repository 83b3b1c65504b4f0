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
DIRECTORY_OUTSIDE = (0x8769, 4, 1, b"\xff\xff\xff\x7f")
VALUE_OUTSIDE = (0x010E, 2, 90, b"\xff\xff\0\0")
XMP_TURNED = (0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>')
UPRIGHT = np.rot90(np.asarray(PLAIN), -1)


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


def exif(*entries):
    return 0xE1, b"Exif\0\0" + tiff_block(*sorted(entries))


@pytest.mark.parametrize(
    "block",
    [
        (0xE1, b"Exif\0\0nonsense"),
        exif(WIDTH_AS_BYTE, TURNED),
        exif(NEGATIVE_WIDTH, TURNED),
        exif(DIRECTORY_OUTSIDE, TURNED),
        exif(VALUE_OUTSIDE, TURNED),
        (0xE1, exif(TURNED)[1][:-4]),
    ],
)
def test_spoilt_exif_is_ignored_altogether_with_one_warning(block, caplog):
    """Its orientation as well: a viewer that read it so would turn the picture by a number that may be nonsense."""
    name = f"odd-{hash(block)}.jpg"
    for _ in range(2):  # a run decodes a picture several times, and tells of it once
        assert np.array_equal(image_io.decode(jpeg_with(smooth(), block), name), PLAIN)
    [record] = caplog.records
    assert record.message.startswith(f"{name}: its EXIF is spoilt (")
    assert record.message.endswith("; the picture is used without")


def test_sound_exif_keeps_its_orientation(caplog):
    """Beside tags of a camera, among them one that is in no list of tags."""
    block = exif(TURNED, (0x0100, 4, 1, b"\x40\0\0\0"), (0x010F, 2, 4, b"cam\0"), (0xC7F3, 7, 4, b"\1\2\3\4"))
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), block)), UPRIGHT)
    assert not caplog.records


def test_the_orientation_of_sound_xmp_counts_beside_spoilt_exif():
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), exif(NEGATIVE_WIDTH, TURNED), XMP_TURNED)), UPRIGHT)


@pytest.mark.parametrize("value", [b"\0\0\0\0", b"\x09\0\0\0", b"\xff\xff\0\0"])
def test_an_orientation_that_does_not_exist_is_none(value):
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), exif((0x0112, 3, 1, value)))), PLAIN)


def test_orientation_by_xmp_alone():
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), XMP_TURNED)), UPRIGHT)


def test_what_holds_no_pixels_is_left_out_and_all_else_stays():
    block = exif(TURNED)[1]
    data = encoded(smooth(), "JPEG", comment=b"words", exif=block, icc_profile=b"profile" * 20_000)
    kept, info, spoilt = jpeg.separate(data)
    assert b"words" not in kept and b"Exif" not in kept and b"ICC_PROFILE" not in kept
    assert info == {"exif": block, "icc_profile": b"profile" * 20_000}
    assert spoilt == []
    assert all(len(jpeg.separate(data[:short])[0]) <= short for short in range(2, len(data), 1007))


def test_a_profile_of_which_a_part_is_missing_is_ignored_with_one_warning(caplog):
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), (0xE2, b"ICC_PROFILE\0\1\2half")), "odd.jpg"), PLAIN)
    assert [record.message for record in caplog.records] == ["odd.jpg: what is spoilt in it is ignored: ICC profile"]
