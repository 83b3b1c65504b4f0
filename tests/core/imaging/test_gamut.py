"""Gamuts: pictures written in other colour spaces, against LittleCMS and published colours, and back."""

from io import BytesIO

import numpy as np
import pytest
import tifffile
import torch
from picture_files import chunk, encoded, matrix_profile, noise, picture, png_with
from PIL import Image, ImageCms

from spnst_core import InputError
from spnst_core.imaging import icc
from spnst_core.imaging import io as image_io
from spnst_core.imaging.encoding import FileFormat
from spnst_core.imaging.gamut import CONTENT, GAMUTS, SRGB, Gamut, choose

WIDE = ("display-p3", "adobe-rgb")
ADOBE = [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]]
SHOWN = Image.fromarray(noise(40, 50, 3))


def by_littlecms(image, profile):
    return np.asarray(
        ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(BytesIO(profile)))
    )


@pytest.mark.parametrize("name", WIDE)
def test_eight_bits_are_those_of_littlecms(name):
    data = FileFormat(".png", 8, gamut=GAMUTS[name]).encode(image_io.to_tensor(SHOWN))
    found = Image.open(BytesIO(data))
    assert found.info["icc_profile"] == GAMUTS[name].profile
    expected = by_littlecms(SHOWN, GAMUTS[name].profile)
    assert np.abs(np.asarray(found, int) - expected).max() <= 1
    assert np.abs(np.asarray(found, int) - np.asarray(SHOWN)).max() > 20


@pytest.mark.parametrize(
    ("name", "colour", "expected"),
    [
        ("display-p3", (1, 0, 0), (0.9175, 0.2003, 0.1386)),
        ("display-p3", (0, 1, 0), (0.4584, 0.9853, 0.2983)),
        ("adobe-rgb", (1, 0, 0), (0.8586, 0, 0)),
        ("adobe-rgb", (0, 1, 0), (0.5650, 1, 0.2344)),
        ("srgb", (0.1, 0.5, 0.9), (0.1, 0.5, 0.9)),
    ],
)
def test_colours_are_the_published_ones(name, colour, expected):
    """Those of CSS Color 4, whose spaces these are."""
    assert np.allclose(GAMUTS[name].from_srgb(np.array([[colour]], float)), expected, atol=3e-3)


def test_white_black_and_greys_stay_neutral_in_sixteen_bits():
    greys = torch.linspace(0, 1, 400).view(1, 1, 20, 20).expand(1, 3, 20, 20)
    data = FileFormat(".tif", gamut=GAMUTS["display-p3"]).encode(greys)
    found = tifffile.imread(BytesIO(data)).astype(int)
    assert np.abs(found - (greys[0].permute(1, 2, 0).double().numpy() * 65535)).max() <= 6  # the profile has 16 bits
    assert found[0, 0].max() == 0
    assert found[-1, -1].min() >= 65534


@pytest.mark.parametrize(("suffix", "bits"), [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".jpg", 8)])
@pytest.mark.parametrize("name", WIDE)
def test_our_decoder_gives_the_picture_back(suffix, bits, name):
    x = image_io.resize(image_io.to_tensor(SHOWN), 40, 50)
    smooth = image_io.resize(image_io.resize(x, 4, 5), 40, 50)
    data = FileFormat(suffix, bits, gamut=GAMUTS[name]).encode(smooth)
    assert (image_io.read(data) - smooth).abs().max() < (4 if suffix == ".jpg" else 1.6) / 255
    assert Image.open(BytesIO(data)).info["icc_profile"] == GAMUTS[name].profile


def test_alpha_is_no_colour():
    opacity = torch.linspace(0, 1, 2000).view(1, 1, 40, 50)
    form = FileFormat(".png", gamut=GAMUTS["adobe-rgb"])
    found = Image.open(BytesIO(form.encode(image_io.to_tensor(SHOWN), {}, opacity)))
    assert np.array_equal(found.getchannel("A"), (opacity[0, 0].double() * 255).round())


def test_srgb_is_the_default_and_changes_no_byte():
    x = image_io.to_tensor(SHOWN)
    assert FileFormat(".png", 16).encode(x) == FileFormat(".png", 16, gamut=GAMUTS["srgb"]).encode(x)
    assert np.array_equal(Image.open(BytesIO(FileFormat(".png").encode(x))), SHOWN)


class TestOfTheContent:
    def test_its_own_profile_is_kept_and_its_levels_come_back(self):
        profile = matrix_profile(ADOBE, 1.8)
        muted = Image.fromarray((noise(40, 50, 3) // 4 + 96).astype(np.uint8))  # colours that sRGB has as well
        seen = image_io.decode(encoded(muted, icc_profile=profile))
        gamut = choose(CONTENT, seen, "cat.png")
        found = Image.open(BytesIO(FileFormat(".png", gamut=gamut).encode(image_io.read(seen))))
        assert found.info["icc_profile"] == profile
        assert np.abs(np.asarray(found, int) - np.asarray(muted)).max() <= 2

    def test_it_can_be_told_otherwise_than_by_a_profile(self):
        seen = image_io.decode(png_with(picture(), chunk(b"cICP", bytes((12, 13, 0, 1)))))
        [matrix, _], [expected, _] = map(
            icc.read, (choose(CONTENT, seen, "a.png").profile, GAMUTS["display-p3"].profile)
        )
        assert np.allclose(matrix, expected)

    @pytest.mark.parametrize("options", [{}, {"icc_profile": icc.SRGB_ICC}])
    def test_one_of_srgb_or_without_a_profile_is_srgb(self, options):
        assert choose(CONTENT, image_io.decode(encoded(picture(), **options)), "a.png") == SRGB

    def test_a_profile_of_grey_is_refused_for_it_and_read_all_the_same(self):
        grey = matrix_profile(ADOBE, 2.2).replace(b"RGB ", b"GRAY", 1).replace(b"rTRC", b"kTRC")
        seen = image_io.decode(encoded(picture().convert("L"), icc_profile=grey), "a.png")
        says = "a.png has a colour profile that is of GRAY colours, not of RGB.*choose srgb or display-p3 or adobe-rgb"
        with pytest.raises(InputError, match=says):
            choose(CONTENT, seen, "a.png")
        assert choose("display-p3", seen, "a.png") is GAMUTS["display-p3"]


def test_a_gamut_that_is_not_known_is_refused():
    with pytest.raises(InputError, match=r'no gamut "display_p3" \(did you mean "display-p3"\?\): there are srgb,'):
        choose("display_p3", picture(), "a.png")


def test_colours_outside_a_smaller_space_are_clipped():
    small = Gamut("small", matrix_profile([[0.36, 0.3, 0.1], [0.38, 0.5, 0.1], [0.22, 0.2, 0.62]], 2.2))
    found = small.from_srgb(np.array([[[0.0, 1.0, 0.0]]]))
    assert 0 <= found.min() <= found.max() <= 1
