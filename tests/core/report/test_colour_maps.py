"""Colour maps: lightness rises with the value, whatever the range."""

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image
from skimage.color import rgb2lab

from spnst_core.report.colour_maps import in_colour


def lightness(picture):
    return rgb2lab(np.asarray(picture))[..., 0]


@pytest.mark.parametrize("name", ["viridis", "magma", "inferno", "cividis"])
@pytest.mark.parametrize(("factor", "shift"), [(1, 0), (1e-6, 0), (1e6, -3e5)])
def test_lightness_rises_evenly_with_the_value(name, factor, shift):
    ramp = np.tile(np.linspace(0, 1, 256), (4, 1)) * factor + shift
    steps = np.diff(lightness(in_colour(ramp, name, low=ramp.min(), high=ramp.max()))[0])
    assert (steps > -0.2).all()
    assert steps.max() < 4 * steps[steps > 0].mean()


def test_colours_are_those_of_the_map_between_given_limits():
    picture = np.asarray(in_colour([[-9.0, 0.0, 0.5, 1.0, 9.0]], "viridis", low=0, high=1))
    expected = colormaps["viridis"]([0.0, 0.0, 0.5, 1.0, 1.0], bytes=True)[:, :3]
    assert (picture[0] == expected).all()


def test_a_few_extremes_dont_flatten_the_rest():
    values = np.random.default_rng(0).random((100, 100))
    values[0, 0] = 1e6
    assert np.ptp(lightness(in_colour(values, "magma"))[1:]) > 80


def test_a_grey_picture_is_taken_as_a_map():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (3, 1))
    assert in_colour(Image.fromarray(ramp), "magma") == in_colour(ramp, "magma")


@pytest.mark.parametrize("values", [np.zeros((3, 4)), np.full((3, 4), np.nan), [[np.inf, -np.inf]]])
def test_maps_without_a_range_are_pictures_as_well(values):
    assert in_colour(values, "viridis").size == np.asarray(values).shape[::-1]


def test_what_isnt_finite_is_dark_or_light_like_the_ends():
    picture = np.asarray(in_colour([[0.0, 1.0, np.nan, -np.inf, np.inf]], "magma", low=0, high=1))[0]
    assert (picture[2] == picture[0]).all() and (picture[3] == picture[0]).all() and (picture[4] == picture[1]).all()


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"must be \(H, W\), not \(1, 3, 4\)"):
        in_colour(np.zeros((1, 3, 4)), "magma")
