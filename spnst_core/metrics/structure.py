"""Scores of one picture's edges, depth and luminance against another's: pure functions on NumPy arrays.

Edges are scored against human drawings as in the Berkeley benchmark (Arbeláez, Maire, Fowlkes & Malik, "Contour
Detection and Hierarchical Image Segmentation", PAMI 2011). Where this departs from its code:

- one-to-one matching is exact on all pairs within reach: as many pairs as there can be, at the least total distance.
  Theirs minimises the same on a graph that keeps a few neighbours of each pixel;
- thresholds are quantiles of the detector's own responses instead of fixed steps, so that its scale doesn't matter;
- the direction across an edge, for non-maximum suppression, is that of the map's strongest curvature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.sparse import csr_matrix, diags, hstack
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import KDTree
from scipy.stats import rankdata
from skimage.feature import canny
from skimage.metrics import structural_similarity
from skimage.morphology import thin
from skimage.transform import resize

Map = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

TOLERANCE = 0.0075
"""How far apart matched edge pixels may lie, as a share of the picture's diagonal."""

RIDGE_SIGMA = 2.0
"""Standard deviation in pixels of the Gaussian that smooths a map before a ridge's direction is computed."""

FADE = 5
"""Distance in pixels from the border below which ridges are weakened."""

CANNY_SIDE, CANNY_SIGMA = 256, 1.5
"""Long side in pixels at which Canny edges are taken, and the width of the Gaussian there."""

# ------------------------------------------------------------------------------------------------------------ luminance


def ssim(truth: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Structural similarity of two maps (H, W) in [0, 1] (Wang et al., 2004; scikit-image): 1 is the same.

    Raises:
        ValueError: a side is shorter than the Gaussian window of 11 pixels.
    """
    x, y = np.asarray(truth, np.float64), np.asarray(other, np.float64)
    if min(x.shape) < 11:
        raise ValueError(f"SSIM needs at least 11 pixels a side, not {x.shape[1]}x{x.shape[0]}")
    return float(structural_similarity(x, y, data_range=1.0, gaussian_weights=True, sigma=1.5))


# ---------------------------------------------------------------------------------------------------------------- depth


def rank_correlation(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Spearman's rank correlation of two maps where both are finite; 0 if one of them is constant there."""
    x, y = _known(a, b)
    x, y = rankdata(x), rankdata(y)
    x, y = x - x.mean(), y - y.mean()
    norm = math.sqrt(float((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm else 0.0


def aligned_error(prediction: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Root mean square error over the truth's standard deviation, after the best scale and shift of the prediction.

    Computed where both are finite. 0 is perfect, 1 no better than a constant; for inverse depth this is the error that
    remains when the unknown scale and shift are fitted by least squares (Ranftl et al., arXiv:1907.01341, section 5).

    Raises:
        ValueError: the truth is constant, so that there is nothing to explain.
    """
    x, y = _known(prediction, truth)
    deviation = y.std()
    if not deviation > 0:
        raise ValueError("the truth is constant where it is known")
    x, y = x - x.mean(), y - y.mean()
    power = float(x @ x)
    residual = y - (float(x @ y) / power) * x if power else y
    return float(np.sqrt(np.mean(residual**2)) / deviation)


def _known(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Map, Map]:
    x, y = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        raise ValueError("the two maps have no pixel at which both are finite")
    return x[known], y[known]


# ---------------------------------------------------------------------------------------------------------------- edges


@dataclass(frozen=True)
class EdgeCounts:
    """Edge pixels of a prediction and of the ground truth, and how many of each are matched.

    A predicted pixel counts once if any annotator's edge matches it; true pixels are counted over all annotators.
    """

    predicted: int = 0
    predicted_matched: int = 0
    true: int = 0
    true_matched: int = 0

    def __add__(self, other: EdgeCounts) -> EdgeCounts:
        return EdgeCounts(
            self.predicted + other.predicted,
            self.predicted_matched + other.predicted_matched,
            self.true + other.true,
            self.true_matched + other.true_matched,
        )

    @property
    def precision(self) -> float:
        """Share of the predicted pixels that some annotator drew; 0 where nothing is predicted."""
        return self.predicted_matched / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of all annotators' pixels that were found; 0 where nothing was drawn."""
        return self.true_matched / self.true if self.true else 0.0

    @property
    def f(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def correlation(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Pearson's correlation of two maps, in [-1, 1].

    Raises:
        ValueError: one of them is constant.
    """
    x, y = (np.asarray(each, np.float64).ravel() for each in (a, b))
    x, y = x - x.mean(), y - y.mean()
    norm = math.sqrt(float(x @ x) * float(y @ y))
    if not norm > 0:
        raise ValueError("a map is constant, so that nothing can correlate with it")
    return float(x @ y) / norm


def soft_iou(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Σ min / Σ max of two maps in [0, 1]: intersection over union (Jaccard, 1901) of fuzzy sets.

    Raises:
        ValueError: both are 0 everywhere.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    union = float(np.maximum(x, y).sum())
    if not union > 0:
        raise ValueError("neither map has an edge")
    return float(np.minimum(x, y).sum()) / union


def canny_f(truth: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """F-measure of the Canny edges (PAMI 1986; scikit-image) of two pictures (H, W) in [0, 1], matched one to one.

    Taken at a long side of at most `CANNY_SIDE`. Canny's thresholds are the quantiles 0.8 and 0.9 of each picture's
    own gradient magnitudes, so that contrast doesn't matter.

    Raises:
        ValueError: a picture has no edge at all.
    """
    lines = []
    for x in (np.asarray(truth, np.float64), np.asarray(other, np.float64)):
        shrink = min(1.0, CANNY_SIDE / max(x.shape))
        small = resize(x, [max(1, round(side * shrink)) for side in x.shape], anti_aliasing=True) if shrink < 1 else x
        lines.append(thin(canny(small, CANNY_SIGMA, low_threshold=0.8, high_threshold=0.9, use_quantiles=True)))
    if not all(line.any() for line in lines):
        raise ValueError("a picture without any Canny edge")
    return edge_counts(lines[1].astype(np.float64), [lines[0]], [0.5])[0].f


def ridges(strength: npt.ArrayLike) -> Map:
    """Non-maximum suppression: an edge map (H, W) where it is largest across the edge, 0 elsewhere.

    The direction across is that of the smoothed map's strongest curvature, of either sign: on the crest it falls away
    most steeply across, and on the slopes beside it, it bends up most in the same direction.

    Ridges fade linearly over the last `FADE` pixels before the border, where detectors see the padding and annotators
    draw nothing, as in the non-maximum suppression by which HED was published (Dollár & Zitnick, "Fast Edge Detection
    Using Structured Forests", PAMI 2015).
    """
    x = np.asarray(strength, np.float64)
    down, right = np.gradient(gaussian_filter(x, RIDGE_SIGMA, mode="nearest"))
    (yy, yx), xx = np.gradient(down), np.gradient(right, axis=1)
    # The Hessian's larger eigenvalue lies along the first angle, and the smaller, the stronger where their sum is
    # negative, at right angles to it.
    angle = 0.5 * np.arctan2(2 * yx, xx - yy) + np.where(xx + yy < 0, np.pi / 2, 0)
    places = np.indices(x.shape)
    step = np.stack([np.sin(angle), np.cos(angle)])
    crest = x > 0
    for side in (1, -1):
        crest &= x >= map_coordinates(x, places + side * step, order=1, mode="nearest")
    to_border = np.minimum(places, np.reshape(x.shape, (2, 1, 1)) - 1 - places).min(0)
    return np.where(crest, x * np.minimum(1.0, to_border / FADE), 0.0)


def thresholds(ridge_maps: Sequence[Map], lowest: float = 1 / 64, halving: int = 6) -> Map:
    """Rising thresholds, each of which keeps a smaller share of all the maps' ridge pixels.

    The share halves every ``halving`` thresholds, from 1 down to ``lowest``. Empty if no map has a ridge.
    """
    values = np.concatenate([x[x > 0] for x in ridge_maps])
    kept = 0.5 ** (np.arange(1 + round(halving * math.log2(1 / lowest))) / halving)
    return np.unique(np.quantile(values, 1 - kept)) if len(values) else np.empty(0)


def edge_counts(ridge_map: Map, annotations: Sequence[Mask], levels: Sequence[float] | Map) -> list[EdgeCounts]:
    """Match ridges with each annotator's edges (H, W), at each threshold those of at least that strength, thinned."""
    reach = TOLERANCE * math.hypot(*ridge_map.shape)
    places = np.argwhere(ridge_map > 0)
    pairs = [_costs(places, np.argwhere(drawn), reach) for drawn in annotations]
    true = sum(int(drawn.sum()) for drawn in annotations)
    found = []
    for level in levels:
        line = thin(ridge_map >= level)[tuple(places.T)]
        matches = [_matched(costs[line], reach) for costs in pairs]
        once = np.any(matches, axis=0) if matches else np.zeros(0)
        found.append(EdgeCounts(int(line.sum()), int(once.sum()), true, sum(int(m.sum()) for m in matches)))
    return found


def _costs(predicted: npt.NDArray[np.int64], drawn: npt.NDArray[np.int64], reach: float) -> csr_matrix:
    """Distances between pixels (P, 2) and (T, 2) that lie within reach, plus one, as a sparse (P, T)."""
    shape = (len(predicted), len(drawn))
    if 0 in shape:
        return csr_matrix(shape, dtype=np.float64)
    near = KDTree(predicted).sparse_distance_matrix(KDTree(drawn), reach, output_type="coo_matrix")
    return csr_matrix((near.data + 1, (near.row, near.col)), shape)


def _matched(costs: csr_matrix, reach: float) -> Mask:
    """Which rows have a partner in the least costly one-to-one assignment; none costs more than any partner."""
    matched = np.zeros(costs.shape[0], bool)
    candidates = np.flatnonzero(np.diff(costs.indptr))
    if len(candidates):
        alone = diags(np.full(len(candidates), 100 * (reach + 1)))
        _, column = min_weight_full_bipartite_matching(hstack([costs[candidates], alone]).tocsr())
        matched[candidates] = column < costs.shape[1]
    return matched
