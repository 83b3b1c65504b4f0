"""Judges of pastiches: patches of a style are at distance nothing from themselves, and a weave is measured as drawn."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from spnst_core import samples
from spnst_core.imaging import io as image_io
from training.painting_scores import patch_distance, weave

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def pictures():
    found = [samples.contents()["coffee"], *samples.styles(128, 2).values()]
    return [image_io.resize(x, *image_io.fit(*x.shape[2:], 96)) for x in map(image_io.to_tensor, found)]


def waves(period, shape=(96, 128), amplitude=0.1):
    """Vertical stripes around middle grey, (1, 3, H, W)."""
    columns = torch.arange(shape[1], dtype=torch.float64)
    line = 0.5 + amplitude * torch.sin(2 * math.pi * columns / period + 0.7)
    return line.expand(1, 3, *shape).float()


class TestPatchDistance:
    def test_a_style_is_at_distance_nothing_from_itself(self, pictures):
        assert patch_distance(pictures[1], pictures[1]) == 0

    def test_repeating_a_style_changes_no_patch_but_those_at_the_seam(self, pictures):
        twice = torch.cat([pictures[1], pictures[1]], 3)
        assert patch_distance(twice, pictures[1]) < 0.1 * patch_distance(pictures[0], pictures[1])

    def test_another_picture_and_its_scrambled_pixels_are_far(self, pictures):
        content, style, other = pictures
        scrambled = style.flatten(2)[..., torch.randperm(style[0, 0].numel())].view_as(style)
        half = (content + style[..., : content.shape[2], :].mean()) / 2
        assert patch_distance(other, style) > 0.1
        assert patch_distance(scrambled, style) > 0.3
        assert patch_distance(half, style) > 0.1

    def test_what_lies_nearer_scores_nearer(self, pictures):
        content, style, _ = pictures
        height, width = (min(a, b) for a, b in zip(content.shape[2:], style.shape[2:], strict=True))
        mixed = [(1 - k) * content[..., :height, :width] + k * style[..., :height, :width] for k in (0, 0.5, 0.9)]
        distances = [patch_distance(x, style) for x in mixed]
        assert distances == sorted(distances, reverse=True)

    def test_a_shift_of_every_patch_is_the_shift(self):
        """Grey noise plus a constant: every whitened direction moves as SciPy's one-dimensional distance says."""
        noise = np.random.default_rng(0).normal(size=20_000)
        assert wasserstein_distance(noise, noise + 0.4) == pytest.approx(0.4)
        x = 0.3 + 0.05 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        near, far = (patch_distance(x + step, x) for step in (0.01, 0.04))
        assert far == pytest.approx(4 * near, rel=0.1)


class TestWeave:
    @pytest.mark.parametrize(("period", "share"), [(2.5, 1), (3, 1), (8, 0), (16, 0)])
    def test_periods_of_two_to_four_pixels_count(self, period, share):
        found = weave(waves(period))
        assert found.share == pytest.approx(share, abs=0.02)
        if share:
            assert found.strength == pytest.approx(255 * 0.1 / math.sqrt(2), rel=0.02)

    def test_white_noise_has_about_the_share_of_its_frequencies(self):
        noise = torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.5
        assert weave(noise.expand(1, 3, 256, 256)).share == pytest.approx(1 - math.pi / 16, abs=0.05)

    def test_only_where_the_content_is_flat(self):
        content = torch.full((1, 3, 96, 96), 0.5)
        content[..., 48:] = torch.rand(1, 1, 96, 48, generator=torch.Generator().manual_seed(0))
        pastiche = content.clone()
        pastiche[..., 48:] = waves(3, (96, 48))
        assert weave(pastiche, content).strength == pytest.approx(0, abs=0.5)
        assert weave(pastiche).strength > 5
