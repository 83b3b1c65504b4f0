"""The comparison that the project is about, briefly: the structure that a recipe keeps, and what it costs in style."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import pandas as pd

from spnst_core.gallery.description import Table
from spnst_core.metrics.registry import METRICS

BASELINE, CANDIDATE = "gatys", "structure"

HEADLINE = ("patch_distance", "edge_error", "depth_error", "ssim")
"""Independent metrics: what the optimiser never saw."""

ComparisonRow: TypeAlias = Mapping[Any, Any]
"""One row of the comparison."""


def headline(table: pd.DataFrame, comparison: pd.DataFrame) -> Table:
    """Mean scores of each recipe; then, where both were made, how `CANDIDATE` differs from `BASELINE`.

    Args:
        table: the metric table.
        comparison: what `spnst_core.metrics.comparison.compare` makes of it.
    """
    shown = [key for key in HEADLINE if key in table]
    recipes = list(dict.fromkeys(table["recipe"]))
    means, cells = table.groupby("recipe")[shown].mean(), table.groupby("recipe").size()
    rows = [[name, str(cells[name]), *(_plain(means.loc[name, key]) for key in shown)] for name in recipes]
    chosen = comparison[(comparison["recipe"] == CANDIDATE) & (comparison["against"] == BASELINE)]
    pair = {row["metric"]: row for row in chosen.to_dict("records")}
    known = [pair.get(key) for key in shown]
    if any(known):
        cells_of_both = str(max(row["cells"] for row in known if row))
        rows += [
            [f"{CANDIDATE} / {BASELINE}", cells_of_both, *_each(known, lambda row: _percent(row["change"]))],
            ["95 % interval", "", *_each(known, lambda row: interval(row["change_low"], row["change_high"]))],
            ["better in", "", *_each(known, lambda row: f"{_better(row):.0%}")],
        ]
        if any(row and _tied(row) for row in known):
            rows.append(["the same in", "", *_each(known, lambda row: f"{_tied(row):.0%}")])
    return Table(["", "cells", *(METRICS[key].heading for key in shown)], rows)


def details(comparison: pd.DataFrame) -> list[Table]:
    """Every recipe against `BASELINE` by every metric, a table each; against the last recipe if that wasn't made."""
    recipes = list(dict.fromkeys([*comparison["recipe"], *comparison["against"]]))
    if not recipes:
        return []
    against = BASELINE if BASELINE in recipes else recipes[-1]
    return [_pair(comparison, recipe, against) for recipe in recipes if recipe != against]


def _pair(comparison: pd.DataFrame, recipe: str, against: str) -> Table:
    rows = comparison[(comparison["recipe"] == recipe) & (comparison["against"] == against)]
    return Table(
        ["", recipe, against, "change", "95 % interval", "better in", "judge"],
        [
            [
                METRICS[row["metric"]].heading,
                _plain(row["mean"]),
                _plain(row["against_mean"]),
                _percent(row["change"]),
                interval(row["change_low"], row["change_high"]),
                f"{_better(row):.0%} of {row['cells']}" + (f", the same in {_tied(row):.0%}" if _tied(row) else ""),
                str(row["kind"]),
            ]
            for row in rows.to_dict("records")
        ],
        f"{recipe} against {against}",
    )


def interval(low: float, high: float) -> str:
    """Two relative changes as ``−60…−50 %``; a dash where they aren't known."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "–"
    return f"{_signed(100 * low, '.0f')}…{_signed(100 * high, '.0f')} %"


def _better(row: ComparisonRow) -> float:
    """Share of the cells in which the recipe is better, without ties."""
    return float(row["wins"] - _tied(row) / 2)


def _tied(row: ComparisonRow) -> float:
    """Share of the cells in which neither recipe is; unknown to comparisons that older versions wrote."""
    return float(row.get("ties", 0))


def _each(rows: Iterable[ComparisonRow | None], text: Callable[[ComparisonRow], str]) -> list[str]:
    return ["–" if row is None else text(row) for row in rows]


def _plain(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _percent(change: float) -> str:
    return f"{_signed(100 * change, '.1f')} %" if math.isfinite(change) else "–"


def _signed(value: float, form: str) -> str:
    return f"{value:+{form}}".replace("-", "−")
