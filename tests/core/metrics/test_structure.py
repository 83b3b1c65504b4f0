"""Scores against ground truth: closed forms, SciPy's and NumPy's own answers, and predictions whose score is known."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from spnst_core.metrics.structure import (
    TOLERANCE,
    EdgeCounts,
    aligned_error,
    canny_f,
    correlation,
    edge_counts,
    rank_correlation,
    ridges,
    soft_iou,
    ssim,
    thresholds,
)

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.random(shape)


def line(column, shape=(60, 80)):
    """A vertical line of one pixel, away from the border."""
    x = np.zeros(shape, bool)
    x[5:-5, column] = True
    return x


def at_once(prediction, *annotations):
    return edge_counts(np.asarray(prediction, float), annotations, [0.5])[0]


class TestDepth:
    def test_rank_correlation_is_scipys(self):
        a, b = np.round(random(30, 40), 1), random(30, 40)
        b += 0.3 * a
        assert rank_correlation(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic)

    def test_rank_correlation_sees_order_alone(self):
        a = random(9, 7)
        assert rank_correlation(a, np.exp(5 * a)) == pytest.approx(1)
        assert rank_correlation(a, -a) == pytest.approx(-1)
        assert rank_correlation(a, np.ones((9, 7))) == 0

    def test_what_is_unknown_in_either_map_is_left_out(self):
        a, b = random(8, 8), random(8, 8)
        known = np.ones((8, 8), bool)
        known[:2], known[:, 5] = False, False
        x, y = a.copy(), b.copy()
        x[:2], y[:, 5] = np.nan, np.inf
        for score in (rank_correlation, aligned_error):
            assert score(x, y) == pytest.approx(score(a[known], b[known]))

    def test_a_scale_and_a_shift_cost_nothing(self):
        truth = random(12, 10)
        assert aligned_error(3 * truth - 7, truth) == pytest.approx(0, abs=1e-12)
        assert aligned_error(-truth, truth) == pytest.approx(0, abs=1e-12)

    def test_aligned_error_is_what_least_squares_leaves(self):
        truth, prediction = random(200), random(200)
        truth += prediction
        columns = np.stack([prediction, np.ones(200)], 1)
        fit, *_ = np.linalg.lstsq(columns, truth, rcond=None)
        left = np.sqrt(np.mean((columns @ fit - truth) ** 2)) / truth.std()
        assert aligned_error(prediction, truth) == pytest.approx(left)
        assert left == pytest.approx(math.sqrt(1 - np.corrcoef(prediction, truth)[0, 1] ** 2))

    def test_a_constant_leaves_the_whole_deviation(self):
        assert aligned_error(np.full((5, 6), 2.0), random(5, 6)) == pytest.approx(1)

    def test_maps_that_say_nothing_are_refused(self):
        with pytest.raises(ValueError, match="the truth is constant"):
            aligned_error(random(4, 4), np.ones((4, 4)))
        with pytest.raises(ValueError, match="no pixel at which both are finite"):
            rank_correlation(random(4, 4), np.full((4, 4), np.nan))


class TestRidges:
    @pytest.mark.parametrize("angle", [0, 20, 45, 70, 90, 130])
    def test_a_blurred_line_becomes_its_crest(self, angle):
        rows, columns = np.indices((61, 61)) - 30
        across = rows * math.cos(math.radians(angle)) - columns * math.sin(math.radians(angle))
        crest = ridges(np.exp(-0.5 * (across / 2.5) ** 2))
        inside = (slice(8, -8), slice(8, -8))
        assert np.abs(across[inside][crest[inside] > 0]).max() <= 0.75
        beside = (np.abs(across) < 0.3)[inside]
        assert (crest[inside][beside] > 0).all()

    def test_kept_values_are_the_maps_own_and_flat_maps_keep_nothing_but_zero(self):
        x = gaussian_filter(random(40, 40), 2)
        crest, inner = ridges(x), (slice(5, -5), slice(5, -5))
        assert (crest[inner][crest[inner] > 0] == x[inner][crest[inner] > 0]).all()
        assert 0.05 < (crest > 0).mean() < 0.4
        assert (ridges(np.zeros((20, 20))) == 0).all()

    def test_ridges_fade_towards_the_border(self):
        line = np.zeros((30, 30))
        line[15] = 1
        assert ridges(line)[15, :7].tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1])

    def test_thresholds_keep_halving_shares(self):
        maps = [random(100, 100), 0.3 * random(50, 50)]
        levels = thresholds(maps, lowest=1 / 8, halving=2)
        values = np.concatenate([x.ravel() for x in maps])
        kept = [np.mean(values >= level) for level in levels]
        assert kept == pytest.approx([2 ** (-k / 2) for k in range(7)], abs=1e-3)

    def test_without_ridges_there_are_no_thresholds(self):
        assert len(thresholds([np.zeros((4, 4))])) == 0


class TestEdges:
    def test_the_drawing_itself_is_perfect(self):
        counts = at_once(line(40), line(40))
        assert (counts.precision, counts.recall, counts.f) == (1, 1, 1)

    def test_a_shift_within_the_tolerance_is_forgiven_and_beyond_it_is_not(self):
        shape = (240, 320)  # the tolerance is three pixels
        assert TOLERANCE * math.hypot(*shape) == 3
        assert [at_once(line(100 + k, shape), line(100, shape)).f for k in (3, -3, 4, 20)] == [1, 1, 0, 0]

    def test_nothing_predicted_and_nothing_drawn_score_zero(self):
        assert at_once(np.zeros((60, 80)), line(40)).f == 0
        counts = at_once(line(40), np.zeros((60, 80), bool))
        assert (counts.precision, counts.recall, counts.f) == (0, 0, 0)
        assert EdgeCounts().f == 0

    def test_a_true_pixel_has_one_partner(self):
        """Two lines in reach of a drawn one: either of them is a false alarm."""
        shape = (240, 320)
        counts = at_once(line(99, shape) | line(101, shape), line(100, shape))
        assert (counts.precision, counts.recall) == (0.5, 1)

    def test_what_one_annotator_drew_is_right_and_what_another_drew_is_missing(self):
        counts = at_once(line(20), line(20), line(20), line(60))
        assert (counts.precision, counts.recall) == (1, pytest.approx(2 / 3))

    def test_counts_add_up_over_pictures(self):
        total = at_once(line(20), line(20)) + at_once(line(20) | line(60), line(20))
        assert total == EdgeCounts(150, 100, 100, 100)
        assert total.f == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))

    def test_stronger_thresholds_keep_fewer_pixels(self):
        strength = np.where(line(20), 0.9, np.where(line(60), 0.4, 0.0))
        weak, strong, none = edge_counts(strength, [line(20)], [0.3, 0.8, 1.0])
        assert (weak.precision, strong.precision, none.precision) == (0.5, 1, 0)
        assert (weak.recall, strong.recall, none.recall) == (1, 1, 0)

    def test_lines_thicker_than_a_pixel_are_thinned(self):
        counts = at_once(line(39) | line(40) | line(41), line(40))
        assert counts.predicted <= 52
        assert counts.precision == 1

    @pytest.mark.parametrize("seed", range(4))
    def test_matching_is_that_of_a_dense_assignment(self, seed):
        """Points so sparse that thinning leaves them alone, and so dense that neighbours compete for partners."""
        rng = np.random.default_rng(seed)
        shape = (300, 400)  # a tolerance of 3.75 pixels
        predicted, drawn = np.zeros(shape, bool), np.zeros(shape, bool)
        predicted[2:60:3, 2:60:3] = rng.random((20, 20)) < 0.6
        drawn[:60, :60] = rng.random((60, 60)) < 0.07
        p, t = np.argwhere(predicted), np.argwhere(drawn)
        distance = np.linalg.norm(p[:, None] - t[None], axis=2)
        reach = TOLERANCE * math.hypot(*shape)
        rows, columns = linear_sum_assignment(np.where(distance <= reach, distance + 1, 1e4))
        expected = int((distance[rows, columns] <= reach).sum())
        counts = at_once(predicted, drawn)
        assert counts == EdgeCounts(len(p), expected, len(t), expected)
        assert expected < min(len(p), len(t))


# ------------------------------------------------------------------------------------------------- one against another


def pattern(seed=0, side=64):
    rng = np.random.default_rng(seed)
    return gaussian_filter(rng.random((side, side + 16)), 3)


def test_correlation_is_numpys():
    a, b = pattern(1), pattern(2)
    assert correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert correlation(a, 3 * a + 2) == pytest.approx(1)


def test_nothing_correlates_with_a_constant():
    with pytest.raises(ValueError, match="constant"):
        correlation(pattern(), np.ones_like(pattern()))


def test_soft_iou_of_sets_is_intersection_over_union():
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[:2], b[1:3] = 1, 1
    assert soft_iou(a, b) == pytest.approx(4 / 12)
    assert soft_iou(a, 0.5 * a) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="neither map has an edge"):
        soft_iou(0 * a, 0 * b)


def test_ssim_is_scikit_images():
    a, b = pattern(1), pattern(2)
    assert ssim(a, b) == pytest.approx(structural_similarity(a, b, data_range=1.0, gaussian_weights=True, sigma=1.5))
    with pytest.raises(ValueError, match="at least 11 pixels a side, not 5x80"):
        ssim(np.zeros((80, 5)), np.zeros((80, 5)))


def test_canny_edges_agree_with_themselves_and_whatever_the_contrast():
    scene = pattern()
    assert canny_f(scene, scene) == 1
    assert canny_f(scene, 0.5 + 0.3 * scene) > 0.98


def test_canny_edges_of_a_shifted_square_are_half_found():
    square = np.zeros((100, 100))
    square[30:70, 30:70] = 1
    # Far beyond the reach of 0.75 % of the diagonal; lines of the two squares cross, but hardly coincide.
    assert canny_f(square, np.roll(square, 5, (0, 1))) < 0.35
    # Along one axis two of four sides stay, but for their ends.
    assert canny_f(square, np.roll(square, 5, 0)) == pytest.approx(0.45, abs=0.1)


def test_a_picture_without_edges_has_no_canny_f():
    with pytest.raises(ValueError, match="without any Canny edge"):
        canny_f(pattern(), np.full((64, 80), 0.5))
