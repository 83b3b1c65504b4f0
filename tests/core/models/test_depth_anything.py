"""Depth Anything V2: the published network's numbers, patches of 14 pixels, and gradients through all of it."""

import numpy as np
import parity_slices
import pytest
import torch
from standin import assert_slice, picture, state

from spnst_core.models import layouts
from spnst_core.models.manifest import entry
from spnst_core.models.networks import build

NAME = "depth_anything_v2_small"


@pytest.fixture(scope="module")
def network():
    return build(NAME, state(NAME, layouts.depth_anything_v2_small))


@torch.no_grad()
@pytest.mark.parametrize("expected", parity_slices.DEPTH_ANYTHING, ids=lambda s: f"{s.height}x{s.width}")
@pytest.mark.heavy
def test_depth_is_the_published_one(network, expected):
    x = (picture(expected.height, expected.width) - network.mean) / network.std
    assert_slice(network.predict(x)[0, 0], expected)


@pytest.mark.heavy
def test_gradients_reach_the_picture(network):
    x = picture(40, 300).requires_grad_(True)
    depth = network(x)
    assert depth.shape == (1, 1, 40, 300)
    (gradient,) = torch.autograd.grad(depth.square().mean(), x)
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).float().mean() > 0.9


@pytest.mark.heavy
@torch.no_grad()
def test_a_batch_gives_what_each_picture_gives(network):
    x = torch.cat([picture(24, 100), picture(24, 100, seed=2)])
    torch.testing.assert_close(network(x)[1:], network(x[1:]), rtol=1e-4, atol=1e-3)


@torch.no_grad()
def test_its_input_and_features_are_multiples_of_the_patch(network):
    preprocessing = entry(NAME).preprocessing
    assert (network.size, network.multiple) == (preprocessing.side, preprocessing.multiple)
    assert tuple(network.mean.flatten().tolist()) == pytest.approx(preprocessing.mean)
    assert tuple(network.std.flatten().tolist()) == pytest.approx(preprocessing.std)
    x = picture(100, 400)
    assert network.network_input(x).shape == (1, 3, 9 * 14, 37 * 14)
    assert network.features(x).shape == (1, 64, 9 * 8, 37 * 8)


def cubic(distance, a=-0.75):
    """Keys' kernel (1981) in NumPy, with PyTorch's coefficient."""
    d = np.abs(distance)
    near, far = ((a + 2) * d - (a + 3)) * d**2 + 1, a * (((d - 5) * d + 8) * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def resampling(old, new):
    """Float64 matrix (new, old): sampled as if the new cells were old / (new + 0.1) wide, its border repeated."""
    matrix = np.zeros((new, old))
    for row in range(new):
        centre = (row + 0.5) * old / (new + 0.1) - 0.5
        for cell in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            matrix[row, np.clip(cell, 0, old - 1)] += cubic(centre - cell)
    return matrix


def test_positions_are_resized_by_rows_and_columns_with_the_offset_of_a_tenth(network):
    transformer = network.transformer
    grid = transformer.positions[:, 1:].mT.unflatten(2, (37, 37))
    found = transformer.resize_positions(grid, 9, 41)
    expected = resampling(37, 9) @ grid.double().numpy() @ resampling(37, 41).T
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert transformer.resize_positions(grid, 37, 37) is grid
    assert transformer.resize_positions(grid, 37, 30).shape == (1, 384, 37, 30)
