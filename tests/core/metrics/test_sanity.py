"""Soundness: each number against a closed form, and every kind of unusable input."""

from math import isnan, nan, sqrt

import pytest
import torch

from spnst_core.compute import moments
from spnst_core.metrics.sanity import depth_relief, gram_defects, plain, value_range
from spnst_core.objective.targets import DepthMap, Statistics, StyleTargets
from spnst_core.recipes.style_size import StyleSize


def style(*grams):
    layers = {f"layer{k}": Statistics(torch.tensor([g]), torch.zeros(1, len(g))) for k, g in enumerate(grams)}
    return StyleTargets({StyleSize(64): layers})


def depth(*maps):
    return DepthMap({k: x[None, None] for k, x in enumerate(maps)})


def test_the_range_of_values():
    assert value_range(torch.tensor([0.25, -1.0, 3.0])) == (-1.0, 3.0)


@pytest.mark.parametrize("bad", [nan, float("inf"), -float("inf")])
def test_one_value_that_is_not_finite_spoils_the_range(bad):
    assert all(map(isnan, value_range(torch.tensor([0.5, bad]))))


def test_a_product_of_features_has_no_defect():
    f = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    asymmetry, smallest = gram_defects(style((f @ f.T).tolist()))
    assert asymmetry == 0
    assert smallest == pytest.approx(0, abs=1e-6)  # three vectors can't span five dimensions


def test_a_negative_eigenvalue_is_found_in_whichever_layer_it_is():
    good = [[2.0, 0.0], [0.0, 1.0]]
    bad = [[0.0, 2.0], [2.0, 3.0]]  # eigenvalues 4 and -1
    assert gram_defects(style(good))[1] == pytest.approx(0.5)
    assert gram_defects(style(good, bad, good))[1] == pytest.approx(-0.25)


def test_asymmetry_is_relative_to_the_largest_entry():
    assert gram_defects(style([[4.0, 1.0], [2.0, 4.0]]))[0] == pytest.approx(0.25)


def test_a_black_style_is_sound():
    assert gram_defects(style([[0.0, 0.0], [0.0, 0.0]])) == (0, 0)


def test_a_gram_that_is_not_finite_is_nan():
    assert all(map(isnan, gram_defects(style([[nan, 0.0], [0.0, 1.0]]))))


def test_relief_is_the_deviation_over_the_largest_value_whatever_the_scale():
    ramp = torch.arange(11.0).repeat(4, 1)
    assert depth_relief(depth(ramp)) == pytest.approx(sqrt(10) / 10)
    assert depth_relief(depth(1000 * ramp)) == pytest.approx(sqrt(10) / 10)


def test_the_flattest_size_counts():
    ramp = torch.arange(11.0).repeat(4, 1)
    assert depth_relief(depth(ramp, torch.full((4, 4), 7.0))) == 0
    assert depth_relief(depth(torch.zeros(4, 4))) == 0


def test_depth_that_is_not_finite_is_nan():
    assert isnan(depth_relief(depth(torch.tensor([[1.0, nan], [2.0, 3.0]]))))


def colours(x):
    """Statistics of a style's colours alone."""
    colour = Statistics(moments.gram(x), moments.mean(x))
    return StyleTargets({StyleSize(64): {"colour": colour}})


def speckled(amount):
    noise = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.5
    return 0.7 + amount * noise


@pytest.mark.parametrize(
    ("picture", "is_plain"),
    [
        (torch.zeros(1, 3, 8, 8), True),
        (torch.ones(1, 3, 8, 8), True),
        (torch.tensor([0.8, 0.2, 0.1]).reshape(1, 3, 1, 1).expand(1, 3, 8, 8), True),
        (speckled(0.02), True),  # five levels of 255
        (speckled(0.1), False),
    ],
)
def test_a_picture_of_one_colour_and_noise_is_plain(picture, is_plain):
    assert plain(speckled(1), colours(picture)) == (["style"] if is_plain else [])
    assert plain(picture, colours(speckled(1))) == (["content"] if is_plain else [])


def test_a_style_is_plain_if_it_is_at_every_size():
    some, none = (colours(speckled(amount)).statistics[StyleSize(64)] for amount in (1, 0))
    assert plain(speckled(1), StyleTargets({StyleSize(32): none, StyleSize(64): some})) == []
