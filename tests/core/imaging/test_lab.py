"""CIELAB: published values, scikit-image's, and what becomes of colours that sRGB doesn't have."""

import pytest
import torch
from skimage.color import rgb2lab

from spnst_core.imaging.lab import lab_to_rgb, rgb_to_lab

PUBLISHED = {  # of sRGB's corners at D65, by B. Lindbloom's CIE calculator
    (1, 1, 1): (100, 0, 0),
    (0, 0, 0): (0, 0, 0),
    (1, 0, 0): (53.24, 80.09, 67.20),
    (0, 1, 0): (87.73, -86.18, 83.18),
    (0, 0, 1): (32.30, 79.19, -107.86),
}


def pixel(values):
    return torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1)


@pytest.mark.parametrize("rgb", PUBLISHED)
def test_corners_of_srgb_have_their_published_values(rgb):
    torch.testing.assert_close(rgb_to_lab(pixel(rgb)), pixel(PUBLISHED[rgb]), atol=0.05, rtol=0)


def test_colours_are_those_of_another_implementation():
    x = torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    expected = torch.from_numpy(rgb2lab(x.numpy(), channel_axis=1))
    torch.testing.assert_close(rgb_to_lab(x), expected.float(), atol=0.05, rtol=0)


def test_every_colour_comes_back():
    levels = torch.linspace(0, 1, 18)
    x = torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).view(1, 3, 18, -1)
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(x)), x, atol=1e-4, rtol=0)


def test_a_colour_that_srgb_does_not_have_keeps_lightness_and_hue_and_as_much_chroma_as_there_is():
    wanted = torch.tensor([[20.0, 90, 60], [97, -60, 40], [60, -70, -80], [50, 5, 5]]).T.view(1, 3, 2, 2)
    rgb = lab_to_rgb(wanted)
    found = rgb_to_lab(rgb)
    torch.testing.assert_close(found[:, 0], wanted[:, 0], atol=0.02, rtol=0)
    share = found[:, 1:].norm(dim=1) / wanted[:, 1:].norm(dim=1)
    torch.testing.assert_close(found[:, 1:], wanted[:, 1:] * share[:, None], atol=0.02, rtol=0)
    edge = torch.minimum(rgb, 1 - rgb).amin(1).flatten()
    assert edge[:3].max() < 1e-3  # at the border of what sRGB has
    assert share.flatten()[:3].max() < 1
    assert share.flatten()[3] == pytest.approx(1, abs=1e-4)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
