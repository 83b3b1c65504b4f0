"""CIELAB: published values, scikit-image's, and colours that sRGB doesn't have."""

import numpy as np
import pytest
import torch
from skimage.color import lab2xyz, rgb2lab
from skimage.color.colorconv import rgb_from_xyz

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


def test_colours_that_srgb_does_not_have_lie_outside_its_cube_on_the_mirrored_curve():
    lab = torch.tensor([[70.0, 90, 60], [70, -120, 60], [20, 90, -120]]).T.view(1, 3, 1, 3)
    linear = lab2xyz(lab[0].permute(1, 2, 0).double().numpy()) @ rgb_from_xyz.T
    light = np.abs(linear)
    curve = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    expected = torch.from_numpy(np.copysign(curve, linear)).permute(2, 0, 1)[None].float()
    assert expected.min() < -0.3
    assert expected.max() > 1.1
    torch.testing.assert_close(lab_to_rgb(lab), expected, atol=2e-3, rtol=0)
