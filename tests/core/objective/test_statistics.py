"""Statistics gathered tile by tile are those of the whole picture, and so are their gradients."""

import pytest
import torch

from spnst_core.compute import moments
from spnst_core.compute.tiling import Reach
from spnst_core.objective import losses
from spnst_core.objective.statistics import encode, fitting_tile, guide_at


class Edges:
    """An encoder of two layers, in double precision: differences of neighbours, and the picture less its mean."""

    def features(self, x, layers):
        padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
        found = {
            "near": torch.cat([padded[..., 1:-1, 2:] - x, padded[..., 2:, 1:-1] - x], 1),
            "whole": x - x.mean((2, 3), keepdim=True),
        }
        return {layer: found[layer] for layer in layers}

    def reach(self, layer):
        return Reach(1, 1) if layer == "near" else None


LAYERS = ("near", "whole")


def pictures(count, seed=0):
    return torch.rand(count, 3, 37, 50, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("side", [14, 20, 100])
@pytest.mark.parametrize("form", ["relative", "raw"])
def test_they_are_those_of_the_whole_picture(side, form):
    x, goal, encoder = pictures(2), pictures(1, seed=1), Edges()
    found = encode(encoder, x, LAYERS, side, LAYERS, goal, form)
    features, wanted = encoder.features(x, LAYERS), encoder.features(goal, LAYERS)
    for layer in LAYERS:
        torch.testing.assert_close(found.gram[layer], moments.gram(features[layer]))
        torch.testing.assert_close(found.mean[layer], moments.mean(features[layer]))
        expected = losses.content_loss(features[layer], wanted[layer], form)
        torch.testing.assert_close(found.content[layer], expected)


def test_gradients_are_those_of_the_whole_picture():
    goal = pictures(1, seed=1)

    def gradient(side):
        x = pictures(2).requires_grad_(True)
        found = encode(Edges(), x, LAYERS, side, LAYERS, goal)
        value = sum(found.gram[k].square().sum() + found.mean[k].sum() + found.content[k].sum() for k in LAYERS)
        return torch.autograd.grad(value, x)[0]

    torch.testing.assert_close(gradient(14), gradient(100))


def test_only_what_is_asked_for_is_there():
    found = encode(Edges(), pictures(1), ["near"], 20)
    assert list(found.gram) == list(found.mean) == ["near"]
    assert not found.content


def test_a_small_picture_is_read_whole(models):
    assert fitting_tile(models.encoder, models.encoder.style_layers, torch.zeros(1, 3, 64, 64)) is None


def test_a_picture_that_fits_no_memory_is_read_in_tiles(models):
    huge = torch.zeros(1).expand(1, 3, 200_000, 200_000)
    side = fitting_tile(models.encoder, models.encoder.style_layers, huge)
    assert side is not None
    assert side < 200_000


def test_a_guide_of_zeros_and_ones_leaves_the_rest_of_a_picture_out():
    features, guide = torch.randn(2, 5, 8, 12), torch.zeros(1, 1, 16, 24)
    guide[..., 4:10, 8:20] = 1
    found = moments.guided_moments(features, guide_at(guide, features, Reach(2)))
    for one, other in zip(found, moments.moments(features[..., 2:5, 4:10]), strict=True):
        torch.testing.assert_close(one, other)


def test_a_guide_that_is_1_everywhere_changes_nothing_at_all():
    features = torch.randn(2, 70, 40, 30)
    found, expected = moments.guided_moments(features, torch.ones(1, 1, 40, 30)), moments.moments(features)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_each_region_has_the_moments_of_its_own_responses_with_their_gradients(layout):
    features = torch.randn(2, 5, 8, 12, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    guide = torch.rand(1, 3, 8, 12, dtype=torch.float64)
    guide[:, 2] = 0
    gram, mean = moments.guided_moments(features, guide)
    lines, count = features.flatten(2), guide[0].flatten(1).sum(1).clamp_min(1e-9)
    expected = torch.einsum("ncp,rp,nkp->nrck", lines, guide[0].flatten(1), lines) / count[:, None, None]
    averages = torch.einsum("ncp,rp->nrc", lines, guide[0].flatten(1)) / count[:, None]
    torch.testing.assert_close(gram, expected.flatten(0, 1))
    torch.testing.assert_close(mean, averages.flatten(0, 1))
    assert not gram[[2, 5]].any(), "no position counts in the third region"
    weights = torch.randn_like(gram), torch.randn_like(mean)
    ours, theirs = (
        torch.autograd.grad((g.flatten(0, -3) * weights[0]).sum() + (m.flatten(0, -2) * weights[1]).sum(), features)[0]
        for g, m in ((gram, mean), (expected, averages))
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("height", [37, 40])
def test_a_guide_is_averaged_over_the_pixels_of_each_response_at_the_border_too(height):
    guide = torch.arange(float(height)).view(1, 1, height, 1).expand(-1, -1, -1, 8)
    found = guide_at(guide, torch.zeros(1, 2, -(-height // 4), 2), Reach(4))
    assert found[0, 0, :, 0].tolist() == [guide[0, 0, k : k + 4, 0].mean().item() for k in range(0, height, 4)]
    assert guide_at(guide, torch.zeros(1, 2, height // 4, 2), Reach(4)).shape == (1, 1, height // 4, 2)


def test_guided_statistics_are_the_same_tile_by_tile_with_their_gradients():
    x, encoder, guide = pictures(2).requires_grad_(), Edges(), torch.rand(1, 3, *pictures(1).shape[2:])
    gradients = []
    for side in (1000, 20):
        found = encode(encoder, x, LAYERS, side, guide=guide)
        value = sum(found.gram[layer].square().sum() + found.mean[layer].sum() for layer in LAYERS)
        gradients.append(torch.autograd.grad(value, x)[0])
        for layer in LAYERS:
            gram, mean = moments.guided_moments(encoder.features(x, LAYERS)[layer], guide)
            torch.testing.assert_close(found.gram[layer], gram, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(found.mean[layer], mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)
