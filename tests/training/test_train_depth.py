"""What the depth network is taught by: its targets, its loss and its views of a scene; and what it has learnt."""

import numpy as np
import pytest
import torch

from spnst_core.metrics.structure import rank_correlation
from spnst_core.models.embedded.depth import load_depth
from training.pool import example
from training.scenes import sample
from training.train_depth import compressed, depth_loss, score, vertical_position, view

pytestmark = pytest.mark.training


def maps(n=2, height=33, width=47, seed=0):
    return torch.randn(n, 1, height, width, generator=torch.Generator().manual_seed(seed))


def test_compression_keeps_the_order_and_takes_the_tail():
    inverse_depth = np.exp(np.random.default_rng(0).normal(0, 1.5, (40, 50))).astype(np.float32)
    target = compressed(inverse_depth)
    assert rank_correlation(target, inverse_depth) == pytest.approx(1.0)
    assert target.mean() == pytest.approx(0, abs=1e-4)
    assert np.abs(target).max() < 0.5 * np.abs((inverse_depth - inverse_depth.mean()) / inverse_depth.std()).max()


def test_compression_gives_ties_one_value_and_a_constant_zero():
    sky = np.zeros((8, 8), np.float32)
    assert (compressed(sky) == 0).all()
    sky[4:] = np.arange(8)
    assert len(np.unique(compressed(sky)[:4])) == 1


def test_the_loss_is_blind_to_scale_and_shift():
    target = maps()
    for term in depth_loss(3 * target + 2, target).values():
        assert term < 0.01
    assert depth_loss(-target, target)["1x1"] > 1


def test_the_loss_in_the_whole_is_the_mean_absolute_difference_of_standardised_maps():
    a, b = maps(seed=1).double(), maps(seed=2).double()
    expected = [
        np.abs((x - x.mean()) / x.std() - (y - y.mean()) / y.std()).mean()
        for x, y in zip(a.numpy(), b.numpy(), strict=True)
    ]
    torch.testing.assert_close(float(depth_loss(a, b)["1x1"]), float(np.mean(expected)), rtol=1e-2, atol=0)


def test_a_wrong_slope_costs_the_whole_and_not_the_finest_parts():
    detail = maps(1, 64, 64)
    slope = 4 * torch.linspace(-1, 1, 64).view(1, 1, 64, 1)
    terms = depth_loss(detail + slope, detail)
    same = depth_loss(detail + slope, detail + 2 * slope)
    assert terms["8x8"] / 0.2 < 0.4 * terms["1x1"]
    assert same["1x1"] < terms["1x1"]


def test_a_picture_costs_the_same_alone_and_in_a_batch():
    a, b = maps(seed=1), maps(seed=2)
    together = depth_loss(a, b)
    for name in together:
        alone = torch.stack([depth_loss(x[None], y[None])[name] for x, y in zip(a, b, strict=True)])
        torch.testing.assert_close(together[name], alone.mean())


@pytest.mark.parametrize("shape", [(72, 96), (96, 72), (33, 96), (96, 96)])
def test_a_view_has_the_asked_shape_and_its_target_half_of_it(shape):
    scene = example(sample(1, 0, 84, 112))
    for k in range(4):
        rgb, target = view(scene, *shape, np.random.default_rng(k))
        assert rgb.shape == (*shape, 3)
        assert target.shape == ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
        assert rgb.min() >= 0 and rgb.max() <= 1
        assert np.isfinite(target).all()


def test_a_view_follows_its_generator():
    scene = example(sample(1, 0, 84, 112))
    first, again = (view(scene, 72, 96, np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_plain_guess_says_that_lower_is_nearer():
    guess = vertical_position(torch.zeros(2, 3, 5, 4))
    assert guess.shape == (2, 1, 5, 4)
    assert (guess.diff(dim=2) > 0).all()
    assert (guess.diff(dim=3) == 0).all()


@pytest.mark.slow(12)
def test_the_network_sees_depth_in_scenes_that_it_was_not_trained_on():
    """On photographs "lower is nearer" scores 0.55 and 0.81, and 0.62 and 0.75 are asked for: a gain of 0.07 and 0.06.

    That gain is asked for here, where the same guess scores 0.41 and 0.85, since many scenes contradict it.
    """
    network, guess = score(load_depth(), count=20), score(vertical_position, count=20)
    assert network["held_out correlation"] >= guess["held_out correlation"] + 0.07
    assert network["held_out error"] <= 0.75
    assert network["shifted correlation"] >= guess["shifted correlation"] + 0.05
    assert network["shifted error"] <= guess["shifted error"] - 0.05
