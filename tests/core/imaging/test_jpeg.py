"""JPEG: what is spoilt in a description never costs the pixels."""

import struct

import numpy as np
import pytest
from picture_files import encoded, jpeg_with, smooth, tiff_block

from spnst_core.imaging import io as image_io
from spnst_core.imaging import jpeg

PLAIN = image_io.decode(encoded(smooth(), "JPEG", quality=95, subsampling=0))
TURNED = (0x0112, 3, 1, b"\6\0\0\0")
WIDTH_AS_BYTE = (0x0100, 1, 1, b"\5\0\0\0")
NEGATIVE_WIDTH = (0x0100, 9, 1, b"\xfb\xff\xff\xff")
RESOLUTION_AS_TEXT = (0x011A, 2, 3, b"72\0\0")
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
        exif(NEGATIVE_WIDTH),
        exif((0x0112, 1, 1, b"\6\0\0\0")),  # of a type that the standard doesn't allow: EXIF 2.32, table 4
        exif((0x0112, 2, 2, b"6\0\0\0")),
        exif(NEGATIVE_WIDTH, (0x0112, 3, 1, b"\x09\0\0\0")),
        (0xE1, exif(TURNED)[1][:-8]),
    ],
)
def test_spoilt_exif_without_an_orientation_is_ignored_with_one_warning(block, caplog):
    assert_decoded_with_one_warning(block, PLAIN, caplog)


@pytest.mark.parametrize(
    "block",
    [
        exif(WIDTH_AS_BYTE, TURNED),
        exif(NEGATIVE_WIDTH, TURNED),
        exif(RESOLUTION_AS_TEXT, TURNED),
        exif(DIRECTORY_OUTSIDE, TURNED),
        exif(VALUE_OUTSIDE, TURNED),
        (0xE1, exif(TURNED)[1][:-4]),  # cut short after the tags
    ],
)
def test_an_orientation_that_can_be_read_counts_whatever_else_of_the_exif_is_spoilt(block, caplog):
    assert_decoded_with_one_warning(block, UPRIGHT, caplog)


def assert_decoded_with_one_warning(block, expected, caplog):
    name = f"odd-{hash(block)}.jpg"
    for _ in range(2):  # a run decodes a picture several times, and tells of it once
        assert np.array_equal(image_io.decode(jpeg_with(smooth(), block), name), expected)
    [record] = caplog.records
    assert record.message.startswith(f"{name}: its EXIF is spoilt (")
    assert record.message.endswith("; the picture is used without")


def test_sound_exif_keeps_its_orientation(caplog):
    """Beside tags of a camera, among them one that is in no list of tags."""
    block = exif(TURNED, (0x0100, 4, 1, b"\x40\0\0\0"), (0x010F, 2, 4, b"cam\0"), (0xC7F3, 7, 4, b"\1\2\3\4"))
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), block)), UPRIGHT)
    assert not caplog.records


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "entry",
    [
        (0xC7F3, 99, 1, b"\1\2\3\4"),  # a type that there isn't
        (0x927C, 7, 40, bytes(range(200, 240))),  # MakerNote
        (0x927C, 7, 40, b"FUJIFILM\x0c\0\0\0" + b"\xff" * 28),  # the same with a directory of nonsense in it
        (0x927C, 2, 40, bytes(range(200, 240))),  # the same as text
        (0x829A, 5, 1, b"\1\0\0\0\0\0\0\0"),  # ExposureTime, a rational over 0
        (0x9204, 10, 1, bytes(8)),  # ExposureBias, 0 over 0
        (0x9286, 7, 12, b"UNICODE\0\xd8\0\0\0"),  # UserComment of half a character
        (0x8827, 2, 4, b"100\0"),  # ISO as text
    ],
)
def test_odd_tags_of_cameras_neither_cost_the_orientation_nor_make_a_warning(order, entry, caplog):
    block = (0xE1, b"Exif\0\0" + camera_block(order, entry))
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), block)), UPRIGHT)
    assert not caplog.records


def camera_block(order, entry):
    """A directory of the orientation 6 and, in EXIF's own directory, one entry of a camera."""
    tag, kind, count, value = entry
    first = struct.pack(f"{order}HHHIHxx", 2, 0x0112, 3, 1, 6) + struct.pack(f"{order}HHII", 0x8769, 4, 1, 38)
    own = struct.pack(f"{order}HHHI", 1, tag, kind, count)
    own += value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(f"{order}I", 56)
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return head + first + bytes(4) + own + bytes(4) + value


def test_the_orientation_of_sound_xmp_counts_beside_spoilt_exif_without_one():
    assert np.array_equal(image_io.decode(jpeg_with(smooth(), exif(NEGATIVE_WIDTH), XMP_TURNED)), UPRIGHT)


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
