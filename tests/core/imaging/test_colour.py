"""Colour: luminance weights, and palettes that arrive where they were sent."""

import numpy as np
import torch

from spnst_core.compute import moments
from spnst_core.imaging.colour import luminance, recolour


def cloud(mean, covariance, seed):
    """A picture of 64×64 Gaussian colours, small enough not to be clamped."""
    rng = np.random.default_rng(seed)
    pixels = rng.multivariate_normal(mean, covariance, 64 * 64)
    return torch.from_numpy(pixels.T.reshape(1, 3, 64, 64))


A = cloud([0.5, 0.5, 0.5], np.diag([2e-3, 1e-3, 5e-4]), 0)
B = cloud([0.6, 0.4, 0.5], [[2e-3, 1e-3, 0], [1e-3, 2e-3, 0], [0, 0, 1e-3]], 1)


def test_recoloured_pixels_have_the_other_pictures_mean_and_covariance():
    moved = recolour(A, moments.gram(B), moments.mean(B))
    found, wanted = (x[0].flatten(1).numpy() for x in (moved, B))
    np.testing.assert_allclose(found.mean(1), wanted.mean(1), atol=1e-4)
    np.testing.assert_allclose(np.cov(found), np.cov(wanted), atol=5e-5)


def test_recolouring_with_ones_own_palette_changes_nothing():
    torch.testing.assert_close(recolour(A, moments.gram(A), moments.mean(A)), A, atol=1e-6, rtol=0)


def test_a_grey_picture_can_be_recoloured():
    grey = torch.rand(1, 1, 8, 8).repeat(1, 3, 1, 1)
    moved = recolour(grey, moments.gram(B), moments.mean(B))
    assert torch.isfinite(moved).all()
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_luminance_is_the_rec_601_sum():
    x = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1)
    assert luminance(x).item() == np.float32(0.299 + 0.5 * 0.114)
