"""Blends: what their weights can be, and the picture that stands for one."""

import math

import numpy as np
import pytest
from PIL import Image

import spnst_core as sp
from spnst_core.imaging.blend import LONGEST_TILE, shares, tile


def flat(colour, width=60, height=40):
    return Image.new("RGB", (width, height), colour)


def test_shares_sum_to_one_whatever_the_weights_sum_to():
    assert shares([7, 3]) == shares([14, 6]) == (0.7, 0.3)
    assert shares([1, 0, 1]) == (0.5, 0, 0.5)
    assert sp.Blend([flat("red"), flat("blue"), flat("lime")]).shares == (1 / 3, 1 / 3, 1 / 3)


BAD = {
    "none above 0": ([0, 0], "sum to 0"),
    "none": ([], "sum to 0"),
    "negative": ([1, -0.5], "a number from 0, not -0.5"),
    "not a number": ([1, math.nan], "a number from 0, not nan"),
    "infinite": ([1, math.inf], "a number from 0, not inf"),
    "an endless integer": ([1, 10**400], "a number from 0, not 1000"),
    "too large together": ([1.7e308, 1.7e308], "more than a number can hold"),
    "text": ([1, "much"], "a weight must be a number, not 'much'"),
    "a truth value": ([1, True], "a weight must be a number, not True"),
    "one style": ([1], "a blend needs two"),
    "one style and others without weight": ([0, 1, 0], "a blend needs two"),
}


@pytest.mark.parametrize("name", BAD)
def test_weights_that_make_no_blend_are_refused(name):
    weights, says = BAD[name]
    with pytest.raises(sp.InputError, match=says):
        shares(weights)


def test_a_blend_has_a_weight_for_each_picture():
    with pytest.raises(sp.InputError, match="a blend of 3 pictures has 2 weights"):
        sp.Blend([flat("red")] * 3, [1, 2])


def test_each_stage_of_a_recipe_can_have_weights_of_its_own():
    blend = sp.Blend([flat("red"), "absent.png", flat("blue")], [[1, 0, 0], [3, 0, 1]])
    assert blend.stages == ((1, 0, 0), (0.75, 0, 0.25))
    assert blend.shares == blend.stages[-1]
    assert [(part.shares, part.share) for part in blend.read("the style")] == [((1, 0.75), 0.75), ((0, 0.25), 0.25)]


BAD_STAGES = {
    "a stage of zeros": ([[1, 1], [0, 0]], "stage 2: the weights sum to 0"),
    "a negative weight": ([[1, -1], [0, 1]], "stage 1: a weight must be a number from 0, not -1"),
    "one style in all": ([[1, 0], [2, 0]], "a blend needs two"),
    "too few in a stage": ([[1, 1], [1]], "a blend of 2 pictures has 1 weights"),
    "weights of a stage and of none": ([[1, 1], 1], "a weight must be a number, not \\[1, 1\\]"),
}


@pytest.mark.parametrize("name", BAD_STAGES)
def test_weights_of_stages_that_make_no_blend_are_refused(name):
    weights, says = BAD_STAGES[name]
    with pytest.raises(sp.InputError, match=says):
        sp.Blend([flat("red"), flat("blue")], weights)


def test_a_picture_without_weight_is_not_even_read():
    read = sp.Blend([flat("red"), "absent.png", flat("blue")], [1, 0, 3]).read("the style")
    assert [part.share for part in read] == [0.25, 0.75]


def test_a_picture_that_cannot_be_read_is_named_by_its_number():
    with pytest.raises(sp.InputError, match="the style, picture 2 can't be a NoneType"):
        sp.Blend([flat("red"), None]).read("the style")


def test_the_tile_is_a_square_in_which_each_picture_has_its_share_of_the_width():
    found = np.array(tile([flat("red"), flat("blue", 100, 300)], [0.7, 0.3]))
    assert found.shape == (100, 100, 3)
    assert (found[:, :70] == (255, 0, 0)).all()
    assert (found[:, 70:] == (0, 0, 255)).all()


def test_a_strip_shows_the_middle_of_its_picture_undistorted():
    half = flat("white", 40, 40)
    half.paste("black", (0, 0, 20, 40))
    left = np.array(tile([half, flat("red", 40, 40)], [0.5, 0.5]))[:, :20, 0]
    assert (left[:, :9] < 10).all()
    assert (left[:, 11:] > 245).all()


def test_a_tile_is_bounded_and_a_share_of_less_than_a_pixel_takes_none():
    assert tile([flat("red", 9000, 5000), flat("blue")], [0.5, 0.5]).size == (LONGEST_TILE, LONGEST_TILE)
    assert tile([flat("red"), flat("blue")], [0.999, 0.001]).getcolors() == [(1600, (255, 0, 0))]
