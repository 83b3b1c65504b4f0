"""The comparison that the project is about: how much structure a recipe keeps, and what that costs in style."""

import pandas as pd

from spnst_core.gallery import Table

SCORES = {
    "style_distance": "style distance",
    "edge_distance": "edge distance",
    "depth_distance": "depth distance",
    "ssim": "SSIM",
}
"""Scores in the metric table and what people call them."""

BASELINE, CANDIDATE = "gatys", "structure"


def compare(table: pd.DataFrame) -> Table:
    """Mean scores of each recipe; and the change from `BASELINE` to `CANDIDATE`, over the cells that both have."""
    means = table.groupby("recipe", sort=False)[list(SCORES)].mean()
    cells = table.groupby("recipe", sort=False).size()
    rows = [[str(r), str(cells[r]), *(f"{means.loc[r, score]:.3f}" for score in SCORES)] for r in means.index]
    change = changes(table)
    if change is not None:
        percent = [f"{change[score]:+.1%}".replace("-", "−") for score in SCORES]
        rows.append([f"{CANDIDATE} vs {BASELINE}", "", *percent])
    return Table(["", "cells", *SCORES.values()], rows)


def changes(table: pd.DataFrame) -> "pd.Series[float] | None":
    """Relative change of each mean score from `BASELINE` to `CANDIDATE`; None unless some cells have both."""
    wide = table.pivot_table(index=["content", "style"], columns="recipe", values=list(SCORES))
    if not {BASELINE, CANDIDATE} <= set(wide.columns.get_level_values("recipe")):
        return None
    scores = wide.swaplevel(axis=1)
    both = scores[[BASELINE, CANDIDATE]].dropna()
    if both.empty:
        return None
    means = both.mean()
    return means[CANDIDATE] / means[BASELINE] - 1
