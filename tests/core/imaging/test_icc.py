"""ICC profiles: those that are made, against published colorants and LittleCMS, and those that are read, by kind."""

import struct
from io import BytesIO

import numpy as np
import pytest
from picture_files import matrix_profile, smooth
from PIL import Image, ImageCms

from spnst_core.imaging import icc

MADE = {
    "Display P3": icc.made("Display P3", icc.DISPLAY_P3, icc.SRGB_CURVE),
    "Adobe RGB (1998)": icc.made("Adobe RGB (1998)", icc.ADOBE_RGB, icc.ADOBE_CURVE),
}

ADOBE = [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]]
PUBLISHED = {
    "Display P3": [[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]],
    "Adobe RGB (1998)": ADOBE,
}
"""XYZ of red, green and blue in D50, as in the profiles of Apple and of Adobe."""


D65_TO_D50 = [[1.0479, 0.0229, -0.0502], [0.0296, 0.9905, -0.0171], [-0.0092, 0.0151, 0.7517]]
"""By Bradford's method (ICC.1:2022, annex E.3)."""


@pytest.mark.parametrize("name", MADE)
def test_primaries_are_the_published_ones_and_littlecms_names_the_profile(name):
    matrix, _ = icc.read(MADE[name])
    assert np.allclose(matrix.T, PUBLISHED[name], atol=2e-4)
    profile = ImageCms.ImageCmsProfile(BytesIO(MADE[name]))
    assert ImageCms.getProfileDescription(profile).strip() == name
    assert ImageCms.getProfileCopyright(profile).strip()
    assert (profile.profile.version, profile.profile.is_matrix_shaper) == (4.4, True)
    assert np.allclose(profile.profile.chromatic_adaptation[0], D65_TO_D50, atol=2e-4)


def curved(body):
    """Adobe RGB's primaries with other curves."""
    data = matrix_profile(ADOBE, 2.2)
    start = len(data)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        place = data.index(name)
        data = data[: place + 4] + struct.pack(">II", start, len(body)) + data[place + 12 :]
    data += body + bytes(-len(body) % 4)
    return struct.pack(">I", len(data)) + data[4:]


def parametric(kind, *numbers):
    return b"para" + struct.pack(f">4xHxx{len(numbers)}i", kind, *(round(n * 65536) for n in numbers))


def table(*values):
    return b"curv" + struct.pack(f">4xI{len(values)}H", len(values), *values)


SRGBS = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {
    "none": table(),
    "a gamma": table(round(1.8 * 256)),
    "a table": table(0, 900, 5000, 21000, 65535),
    "a power": parametric(0, 1.8),
    "a power from a point on": parametric(1, 2.2, 1.1, -0.1),
    "a power from a point on, raised": parametric(2, 2.2, 0.9, 0.05, 0.02),
    "sRGB's": parametric(3, *SRGBS),
    "sRGB's, with what is added": parametric(4, *SRGBS, 0.0, 0.0),
}


@pytest.mark.parametrize("name", CURVES)
def test_every_kind_of_curve_is_read_as_littlecms_reads_it(name):
    data = curved(CURVES[name])
    matrix, curves = icc.read(data)
    levels = np.linspace(0, 255, 6).astype(np.uint8)
    grey = Image.fromarray(np.repeat(levels[:, None, None], 3, 2).repeat(2, 1))
    own, out = ImageCms.ImageCmsProfile(BytesIO(data)), ImageCms.createProfile("sRGB")
    found = np.asarray(ImageCms.profileToProfile(grey, own, out, ImageCms.Intent.RELATIVE_COLORIMETRIC))[:, 0] / 255
    linear = matrix @ curves[:, levels.astype(int) * 257]
    srgb = np.linalg.solve(icc.colorants(icc.SRGB), linear).clip(0, 1).T
    expected = np.where(srgb <= 0.0031308, srgb * 12.92, 1.055 * srgb ** (1 / 2.4) - 0.055)
    assert np.allclose(found, expected, atol=1.1 / 255)


def cut_short(data):
    return data[:200]


def lut(data):
    return data.replace(b"wtpt", b"A2B0")


SPOILT = {
    "of grey": (lambda data: data.replace(b"RGB ", b"GRAY", 1), "is of GRAY colours, not of RGB"),
    "of tables": (lut, "converts by tables, not by a matrix"),
    "of CIELAB": (lambda data: data.replace(b"XYZ ", b"Lab ", 1), "converts by tables"),
    "cut short": (cut_short, "is spoilt"),
    "without a curve": (lambda data: data.replace(b"gTRC", b"xTRC"), "is spoilt"),
    "nothing": (lambda data: b"", "is of no colours"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_profile_of_another_kind_says_what_it_is(name):
    spoil, says = SPOILT[name]
    with pytest.raises(icc.NotByMatrix, match=says):
        icc.read(spoil(matrix_profile(ADOBE, 2.2)))


@pytest.mark.parametrize("curve", [table(0, 9000, 5000, 65535), table(7, 7), parametric(0, 0), parametric(0, -1)])
def test_curves_that_fall_or_stay_are_refused(curve):
    with pytest.raises(icc.NotByMatrix, match="can't be inverted"):
        icc.read(curved(curve))


def test_primaries_on_a_line_are_refused():
    with pytest.raises(icc.NotByMatrix, match="can't be inverted"):
        icc.read(matrix_profile([ADOBE[0]] * 3, 2.2))


def test_littlecms_sees_no_colour_change_between_a_space_and_itself():
    profile = ImageCms.ImageCmsProfile(BytesIO(MADE["Display P3"]))
    assert np.array_equal(ImageCms.profileToProfile(smooth(), profile, profile), smooth())
