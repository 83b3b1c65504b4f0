"""What the edge network is taught by: dead leaves and rendered scenes, and which of their lines count."""

import numpy as np
import pytest
import torch

from spnst_core.models.embedded.edges import MultiScaleEdges, load_edge_net
from training.leaves import dead_leaves
from training.loop import Run
from training.pool import Pool
from training.train_edges import BORDER_TARGET, SIDE, Batches, edge_loss, score

pytestmark = pytest.mark.training


def test_dead_leaves_follow_their_generator():
    first, again, other = (dead_leaves(np.random.default_rng(k), 64) for k in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()


def test_outlines_part_regions_and_texture_is_none():
    for k in range(8):
        picture, outlines = dead_leaves(np.random.default_rng(k), 96)
        assert picture.shape == (96, 96, 3)
        assert picture.dtype == np.uint8
        assert 0 < outlines.mean() < 0.5
        # Two pixels wide: wherever a line runs, a neighbour across it is marked too.
        beside = np.zeros_like(outlines)
        for axis in (0, 1):
            for step in (-1, 1):
                beside |= np.roll(outlines, step, axis)
        assert (beside | ~outlines).all()


@pytest.mark.slow(5)
def test_a_batch_is_a_function_of_seed_and_step(tmp_path):
    pool = Pool(tmp_path, seed=1, count=2)
    assert list(pool.fill()) == [1, 2]
    batches = Batches(Run(tmp_path, 0, 10, batch=6, lr=1e-3), pool)
    (x, y), (again, _), (other, _) = batches[3], batches[3], batches[4]
    assert x.shape == (6, 3, SIDE, SIDE)
    assert y.shape == (6, 1, SIDE // 2, SIDE // 2)
    assert x.min() >= 0 and x.max() <= 1
    assert y.min() >= 0 and y.max() <= 1
    torch.testing.assert_close(x, again)
    assert (x != other).any()


def test_a_border_counts_less_than_an_occlusion():
    assert 0.5 < BORDER_TARGET < 1


def test_the_loss_is_least_where_the_odds_are_the_targets():
    target = torch.tensor([0.0, 0.7, 1.0]).view(1, 1, 1, 3)
    right = torch.logit(target.clamp(1e-4, 1 - 1e-4))
    best = edge_loss(right, target)["cross-entropy"]
    assert best < edge_loss(right + 1, target)["cross-entropy"]
    assert best < edge_loss(right - 1, target)["cross-entropy"]


@pytest.mark.slow(10)
def test_the_network_finds_boundaries_in_unseen_scenes_better_than_the_analytic_edges():
    network, analytic = score(load_edge_net(), count=6), score(MultiScaleEdges(), count=6)
    assert network["held_out F"] >= 0.71
    for series, f in analytic.items():
        assert network[series] > f + 0.05
