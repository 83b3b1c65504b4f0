"""Metrics: zero distance to oneself, more for more damage, and figures checked by hand."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from spnst_core import losses
from spnst_core.metrics import measure, ssim, style_distance
from spnst_core.style_size import StyleSize
from spnst_core.targets import StyleTargets


@pytest.fixture(scope="module")
def photograph(photographs):
    return photographs["chelsea"]


@pytest.fixture(scope="module")
def own_style(photograph, models):
    return StyleTargets.compute(photograph, models, [StyleSize(64)])


def test_a_photograph_is_at_no_distance_from_itself(photograph, own_style, models):
    metrics = measure(photograph, photograph, own_style, models)
    assert metrics.style_distance == pytest.approx(0, abs=1e-6)
    assert metrics.edge_distance == pytest.approx(0, abs=1e-6)
    assert metrics.depth_distance == pytest.approx(0, abs=1e-6)
    assert metrics.ssim == pytest.approx(1)


def test_more_noise_is_further_away_by_every_measure(photograph, own_style, models):
    noise = torch.randn(photograph.shape, generator=torch.Generator().manual_seed(0))
    some, more = (measure(photograph, (photograph + a * noise).clamp(0, 1), own_style, models) for a in (0.05, 0.4))
    assert some.edge_distance < more.edge_distance
    assert some.depth_distance < more.depth_distance
    assert some.style_distance < more.style_distance
    assert some.ssim > more.ssim


def test_style_distance_is_the_mean_relative_gram_distance(photograph, paintings, models):
    painting = next(iter(paintings.values()))
    targets = StyleTargets.compute(painting, models, [StyleSize(32), StyleSize(64), StyleSize(32, "short")])
    expected = []
    for layer, features in models.encoder.features(photograph, models.encoder.style_layers).items():
        own, goal = losses.gram(features)[0].numpy(), targets.statistics[StyleSize(64)][layer].gram[0].numpy()
        expected.append(np.linalg.norm(own - goal) / np.linalg.norm(goal))
    assert style_distance(photograph, targets, models.encoder) == pytest.approx(np.mean(expected), rel=1e-5)


def test_ssim_is_that_of_the_luminance(photograph):
    other = photograph.flip(3)
    grey = [(x[0].numpy() * np.array([0.299, 0.587, 0.114])[:, None, None]).sum(0) for x in (photograph, other)]
    expected = structural_similarity(*grey, data_range=1.0, gaussian_weights=True, sigma=1.5)
    assert ssim(photograph, other) == pytest.approx(expected, rel=1e-4)


def test_the_photograph_may_have_any_size(photograph, own_style, models):
    large = torch.nn.functional.interpolate(photograph, scale_factor=2, mode="bilinear")
    assert measure(large, photograph, own_style, models).ssim > 0.9
