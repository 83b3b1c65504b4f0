"""Comparison of recipes: paired differences over a grid, their intervals, and the share of cells that each wins.

Cells that share a content or a style aren't independent. So the intervals come from a bootstrap that draws
contents and styles, both with replacement, and keeps the cells where they cross (Owen, "The pigeonhole bootstrap",
Annals of Applied Statistics 2007).
"""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pandas as pd

from spnst_core.metrics.registry import METRICS, Metric

REPLICATES = 2000
CONFIDENCE = 0.95

TIE = 1e-4
"""Relative difference up to which two scores are a tie: about what four significant digits resolve."""

Array = npt.NDArray[np.float64]


def compare(table: pd.DataFrame, metrics: Sequence[Metric] | None = None, seed: int = 0) -> pd.DataFrame:
    """Compare every recipe with every other by every metric, over the cells that both have.

    Args:
        table: one row for each cell: columns content, style, recipe and the metrics; a metric may be missing (NaN).
        metrics: the metrics to compare by; by default, all of `METRICS`.
        seed: seed of the bootstrap's random numbers.

    Returns:
        One row for each ordered pair of recipes and each metric that at least one cell has for both. Columns: recipe,
        against, metric, cells; ``mean`` and ``against_mean``; ``difference`` of the two with ``difference_low`` and
        ``_high``; ``change``, the difference relative to ``against_mean``, with ``change_low`` and ``_high``; ``wins``,
        the share of cells in which the recipe is better, ties counting half, and ``ties``, the share of those ties. The
        bounds are those of a 95 % interval; they are NaN where there is only one cell.
    """
    metrics = METRICS.values() if metrics is None else metrics
    recipes = list(dict.fromkeys(table["recipe"]))
    contents, styles = (sorted(set(table[name])) for name in ("content", "style"))
    scores = {recipe: _grid(table[table["recipe"] == recipe], contents, styles, metrics) for recipe in recipes}
    rng = np.random.default_rng(seed)
    draws = _drawn(rng, len(contents)), _drawn(rng, len(styles))
    rows = [
        {"recipe": recipe, "against": against, **row}
        for recipe, against in permutations(recipes, 2)
        for row in _pair(scores[recipe], scores[against], metrics, draws)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    *("recipe", "against", "metric", "cells", "mean", "against_mean"),
    *("difference", "difference_low", "difference_high", "change", "change_low", "change_high", "wins", "ties"),
]


def _grid(cells: pd.DataFrame, contents: list[str], styles: list[str], metrics: Sequence[Metric]) -> Array:
    """Scores of one recipe, (metrics, contents, styles), NaN where there is none."""
    whole = pd.MultiIndex.from_product([contents, styles])
    ordered = cells.set_index(["content", "style"]).reindex(whole).reindex(columns=[metric.key for metric in metrics])
    return ordered.to_numpy(np.float64).T.reshape(len(metrics), len(contents), len(styles))


def _drawn(rng: np.random.Generator, count: int) -> Array:
    """How often each of ``count`` is drawn in each replicate, (replicates, count)."""
    return rng.multinomial(count, np.full(count, 1 / max(count, 1)), REPLICATES).astype(np.float64)


def _pair(
    own: Array, other: Array, metrics: Sequence[Metric], draws: tuple[Array, Array]
) -> list[dict[str, str | int | float]]:
    rows: list[dict[str, str | int | float]] = []
    for metric, a, b in zip(metrics, own, other, strict=True):
        both = np.isfinite(a) & np.isfinite(b)
        if not both.any():
            continue
        a, b = np.where(both, a, 0), np.where(both, b, 0)
        counts, sums, others = (_crossed(draws, x) for x in (both.astype(np.float64), a, b))
        drawn = counts > 0
        means = sums[drawn] / counts[drawn], others[drawn] / counts[drawn]
        mean, against = a.sum() / both.sum(), b.sum() / both.sum()
        difference, change = _bounds(means[0] - means[1]), _bounds(_relative(*means))
        if both.sum() == 1:
            difference = change = (np.nan, np.nan)
        tied = (np.abs(a - b) <= TIE * np.maximum(np.abs(a), np.abs(b)))[both]
        better = ((a < b) if metric.better == "lower" else (a > b))[both] & ~tied
        rows.append(
            {
                "metric": metric.key,
                "cells": int(both.sum()),
                "mean": float(mean),
                "against_mean": float(against),
                "difference": float(mean - against),
                "difference_low": difference[0],
                "difference_high": difference[1],
                "change": float(_relative(mean, against)),
                "change_low": change[0],
                "change_high": change[1],
                "wins": float(better.mean() + tied.mean() / 2),
                "ties": float(tied.mean()),
            }
        )
    return rows


def _crossed(draws: tuple[Array, Array], grid: Array) -> Array:
    """Σ over cells of a grid (contents, styles), each as often as its content times its style was drawn."""
    rows, columns = draws
    total: Array = ((rows @ grid) * columns).sum(1)
    return total


def _relative(mean: Array | float, against: Array | float) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.divide(np.subtract(mean, against), np.abs(against)))


def _bounds(values: Array) -> tuple[float, float]:
    """The central 95 % interval of the replicates in which the figure is defined."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
