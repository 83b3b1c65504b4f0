"""Bands of depth, held against closed forms on a ramp."""

import pytest
import torch

from spnst_core import InputError
from spnst_core.imaging.band import SOFT, Band, relative_depth

RAMP = torch.linspace(-3, 5, 201).expand(1, 1, 40, 201)
"""Inverse depth of any scale, rising from the left, far, to the right, near."""


def test_relative_depth_is_from_0_far_to_1_near():
    found = relative_depth(RAMP)[0, 0, 0]
    assert found[0] == found[2] == 0  # the farthest hundredth
    assert found[100] == pytest.approx(0.5, abs=1e-6)
    assert found[-1] == found[-3] == 1
    assert relative_depth(torch.full((1, 1, 8, 8), 3.0)).max() == 0


def test_a_band_is_1_inside_0_outside_and_a_ramp_between():
    depth, mask = relative_depth(RAMP), Band(0.3, 0.7).mask(RAMP)
    assert mask.shape == RAMP.shape
    assert (mask[(depth > 0.3 + SOFT / 2) & (depth < 0.7 - SOFT / 2)] == 1).all()
    assert (mask[(depth < 0.3 - SOFT / 2) | (depth > 0.7 + SOFT / 2)] == 0).all()
    edge = (depth - 0.3).abs() < SOFT / 2
    assert torch.allclose(mask[edge], (depth[edge] - 0.3) / SOFT + 0.5, atol=1e-6)


def test_bands_that_meet_sum_to_one_and_those_at_the_ends_have_no_ramp_there():
    far, middle, near = (Band(*limits).mask(RAMP) for limits in ((0, 0.4), (0.4, 0.6), (0.6, 1)))
    assert torch.allclose(far + middle + near, torch.ones_like(RAMP), atol=1e-6)
    assert far[0, 0, 0, 0] == near[0, 0, 0, -1] == 1
    assert (Band(0, 1).mask(RAMP) == 1).all()


def test_a_band_is_written_as_two_numbers():
    assert Band.parse(" 0.6 - 1 ") == Band(0.6, 1)
    assert Band.parse("0-.25") == Band(0, 0.25)
    assert str(Band(0.6, 1)) == "0.6-1"


@pytest.mark.parametrize("text", ["", "0.6", "near", "0.6-1-2", "-1-1", "0.6:1", "1e9-2"])
def test_what_is_no_band_is_refused(text):
    with pytest.raises(InputError, match=r"a band of depth is written as two numbers, such as 0\.6-1"):
        Band.parse(text)


@pytest.mark.parametrize("limits", [(0.6, 0.6), (0.7, 0.6), (0.2, 1.1), (-0.1, 0.5), (float("nan"), 1)])
def test_limits_that_hold_nothing_are_refused(limits):
    with pytest.raises(InputError, match="between two numbers from 0, far, to 1, near"):
        Band(*limits)
