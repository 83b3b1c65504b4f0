"""Style scores: nothing from a picture to itself, and figures that SciPy, NumPy and closed forms give as well."""

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance
from skimage.color import rgb2lab

from spnst_core.metrics import style as style_scores
from spnst_core.metrics.style import colour_distance, patch_distance


def flat(red, green, blue, height=40, width=60):
    return torch.tensor([red, green, blue]).view(1, 3, 1, 1).expand(1, 3, height, width).contiguous()


def test_pictures_of_one_texture_are_near_and_of_two_are_far(sample_contents, sample_styles):
    style, other = (sample_styles[name] for name in list(sample_styles)[:2])
    half = style.shape[3] // 2
    left, right = style[..., :half], style[..., half:]
    assert patch_distance(left, right) < 0.5 * patch_distance(left, other)


def test_flat_pictures_are_as_far_apart_as_their_projections(monkeypatch):
    # Every patch of a flat picture is the same, so the distance is the mean projection of the colours' difference.
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(147, style_scores.DIRECTIONS, generator=generator, dtype=torch.float32)
    directions = (directions / directions.norm(dim=0)).double()
    difference = torch.tensor([0.5, -0.25, 0.125], dtype=torch.float64).repeat_interleave(49)
    expected = (difference @ directions).abs().mean().item()
    assert patch_distance(flat(0.75, 0.25, 0.5), flat(0.25, 0.5, 0.375)) == pytest.approx(expected, rel=1e-5)


def test_each_projection_is_scipys_wasserstein_distance(sample_styles, monkeypatch):
    monkeypatch.setattr(style_scores, "SCALES", (1.0,))
    one, other = (sample_styles[name] for name in list(sample_styles)[:2])
    generator = torch.Generator().manual_seed(5)
    directions = torch.nn.functional.normalize(torch.randn(147, style_scores.DIRECTIONS, generator=generator), dim=0)
    samples = []
    for x in (one, other):
        windows = np.lib.stride_tricks.sliding_window_view(x[0].numpy(), (7, 7), axis=(1, 2))
        patches = windows.transpose(1, 2, 0, 3, 4).reshape(-1, 147)
        places = torch.randint(len(patches), (style_scores.SAMPLES,), generator=generator)
        samples.append(patches[places.numpy()] @ directions.numpy())
    expected = np.mean([wasserstein_distance(a, b) for a, b in zip(samples[0].T, samples[1].T, strict=True)])
    assert patch_distance(one, other, seed=5) == pytest.approx(expected, rel=1e-5)


def test_the_same_pictures_give_the_same_distance(sample_styles):
    one, other = (sample_styles[name] for name in list(sample_styles)[:2])
    assert patch_distance(one, other) == patch_distance(one, other)


def test_a_picture_without_patches_is_refused():
    with pytest.raises(ValueError, match="60x20 has no patches of 7 px at 0.25"):
        patch_distance(flat(0.0, 0.0, 0.0, 20, 60), flat(0.0, 0.0, 0.0))


def test_colours_in_common_or_not():
    assert colour_distance(flat(1, 0, 0), flat(1, 0, 0, 90, 30)) == 0
    assert colour_distance(flat(1, 0, 0), flat(0, 0, 1)) == 1
    half = torch.cat([flat(1, 0, 0), flat(0, 0, 1)], dim=3)
    assert colour_distance(half, flat(1, 0, 0)) == pytest.approx((1 - 0.5**0.5) ** 0.5)


def test_colour_distance_is_that_of_numpys_histograms(sample_styles):
    pictures = [sample_styles[name] for name in list(sample_styles)[:2]]
    spans = [(0, 100), (-87, 99), (-108, 95)]
    p, q = (
        np.histogramdd(rgb2lab(x[0].permute(1, 2, 0).double().numpy()).reshape(-1, 3), bins=8, range=spans)[0]
        / (x.shape[2] * x.shape[3])
        for x in pictures
    )
    assert colour_distance(*pictures) == pytest.approx(np.sqrt(1 - np.sqrt(p * q).sum()), abs=1e-9)
