"""Tints: each region in the colour that the legend gives it, on a content in grey."""

import numpy as np
import torch
from PIL import Image, ImageColor

from spnst_core.objective.regions import REST, Regions
from spnst_core.report.region_tints import STRENGTH, TINTS, tinted, tints

LEFT = torch.zeros(1, 1, 4, 8)
LEFT[..., :4] = 1


def test_names_get_the_same_colours_in_any_order_and_different_ones_as_long_as_there_are_some():
    assert tints(["sky", "keep"]) == tints(["keep", "sky", "sky"]) == {"keep": TINTS[0], "sky": TINTS[1]}
    many = tints(map(str, range(9)))
    assert len(set(many.values())) == len(TINTS)


def test_each_region_has_its_tint_also_the_one_that_stays_and_the_rest_is_grey():
    content = Image.new("RGB", (16, 8), (200, 100, 50))
    grey = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    quarter = LEFT.clone()
    quarter[..., :2, :] = 0
    regions = Regions(("sky", REST), torch.cat([LEFT - quarter, 1 - LEFT], 1), quarter)
    colours = tints(["sky", "keep"])
    found = np.asarray(tinted(content, regions, colours)).astype(float)
    assert found.shape == (8, 16, 3)
    for name, at in (("sky", (0, 0)), ("keep", (7, 0))):
        expected = (1 - STRENGTH) * grey + STRENGTH * np.array(ImageColor.getrgb(colours[name]))
        assert np.abs(found[at] - expected).max() <= 1, name
    assert np.abs(found[:, -1] - grey).max() <= 1


def test_a_soft_edge_has_half_the_tint():
    content = Image.new("RGB", (8, 4), "white")
    [[[half]]] = np.asarray(tinted(content, Regions(("a",), LEFT / 2), {"a": "#000000"}))[:1, :1, None, 0]
    assert abs(int(half) - 255 * (1 - STRENGTH / 2)) <= 1
