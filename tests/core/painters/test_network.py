"""The network: the paper's and a narrow one, for pictures of any size that it can read."""

import pytest
import torch

from spnst_core import InputError
from spnst_core.painters.network import FULL, NARROW, SMALLEST_SIDE, PainterNet, require_paintable


def weights(width):
    return sum(weight.numel() for weight in PainterNet(width).parameters())


def test_the_narrow_network_has_a_quarter_of_the_papers_weights():
    assert weights(FULL) == pytest.approx(1.68e6, rel=0.01)
    assert weights(NARROW) <= 0.5e6


@pytest.mark.parametrize("shape", [(32, 32), (33, 47), (50, 35)])
@torch.no_grad()
def test_a_pastiche_has_its_contents_shape_and_stays_in_range(shape):
    pastiches = PainterNet(NARROW)(torch.rand(2, 3, *shape))
    assert pastiches.shape == (2, 3, *shape)
    assert 0 <= pastiches.min() < pastiches.max() <= 1


@torch.no_grad()
def test_each_picture_of_a_batch_is_painted_as_if_alone():
    network, pictures = PainterNet(NARROW), torch.rand(2, 3, 40, 32)
    torch.testing.assert_close(network(pictures)[:1], network(pictures[:1]), atol=1e-5, rtol=0)


def test_a_picture_too_small_for_the_network_is_refused_with_the_smallest_size():
    require_paintable(SMALLEST_SIDE, 500)
    with pytest.raises(InputError, match="500×31 px, and a painter needs at least 32 px on each side"):
        require_paintable(31, 500)
