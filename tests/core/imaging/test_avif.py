"""AVIF: its colours are those that its code points tell."""

import struct

import numpy as np
import pytest
from picture_files import encoded, smooth
from PIL import Image, ImageCms, features

from spnst_core.errors import InputError
from spnst_core.imaging import avif
from spnst_core.imaging import io as image_io

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="Pillow was built without AVIF")

GREEN = Image.new("RGB", (64, 48), (60, 180, 60))


def told_as(image, primaries, transfer):
    """The same pixels under other code points."""
    data = encoded(image, "AVIF", quality=100, subsampling="4:4:4")
    start, own = data.index(b"colrnclx") + 8, avif.told(data)
    assert own == {"cicp": (1, 13, 0, 1)}
    return data[:start] + struct.pack(">HH", primaries, transfer) + data[start + 4 :]


def test_display_p3_becomes_srgb():
    assert np.allclose(image_io.decode(told_as(GREEN, 12, 13)).getpixel((3, 3)), (0, 183, 30), atol=3)


@pytest.mark.parametrize("points", [(1, 13), (1, 1), (2, 2)])
def test_what_stands_for_srgb_changes_no_pixel(points):
    plain = image_io.decode(encoded(smooth(), "AVIF", quality=100, subsampling="4:4:4"))
    assert np.array_equal(image_io.decode(told_as(smooth(), *points)), plain)


def test_high_dynamic_range_is_refused():
    with pytest.raises(InputError, match=r"hdr\.avif has high dynamic range \(PQ\); export it"):
        image_io.decode(told_as(GREEN, 9, 16), "hdr.avif")


def test_a_profile_counts_before_them():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert avif.told(encoded(smooth(), "AVIF", icc_profile=profile)) == {}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_other_files_tell_nothing_here(form):
    assert avif.told(encoded(smooth(), form) + b"colrnclx" + bytes(20)) == {}
    assert avif.told(encoded(smooth(), "AVIF")[:100]) == {}
