"""Plots of the metric table: each recipe's trade-off between style and structure, and the spread of its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spnst_core.metrics.registry import METRICS, Metric

DPI = 200
"""Of a PNG."""

Form = Literal["png", "svg", "pdf"]

SPAN = 0.25
"""Smallest range of an axis of the frontier, as a share of its upper end."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8b877f", "#7b3294")
"""Distinguishable for colour-blind readers as well (after Okabe and Ito); more series repeat them."""


@dataclass(frozen=True)
class Paper:
    """Colours of a plot's background, text and lines."""

    ground: str
    ink: str
    faint: str


LIGHT, DARK = Paper("#ffffff", "#1d1c1a", "#b9b5ad"), Paper("#1b1a18", "#eceae5", "#6a655c")


def frontier(
    table: pd.DataFrame,
    structure: str = "edge_error",
    style: str = "patch_distance",
    families: Mapping[str, Sequence[str]] | None = None,
    paper: Paper = LIGHT,
    form: Form = "png",
) -> bytes:
    """Plot mean structure against mean style of each recipe; arrows on the axes show which way is better.

    Args:
        table: the metric table.
        structure: metric on the vertical axis.
        style: metric on the horizontal one.
        families: groups of recipes by name, in the order in which a line joins them; other recipes are single points.
        paper: colours of the plot.
        form: of the file. The same table gives the same bytes.

    Raises:
        ValueError: no recipe has both metrics.
    """
    means = table.groupby("recipe", sort=False)[[style, structure]].mean().dropna()
    if means.empty:
        raise ValueError(f"no recipe has both {style} and {structure}")
    figure, (axes,) = _figure(1, 6.4, 4.4, paper)
    held = {recipe for members in (families or {}).values() for recipe in members}
    groups = {**(families or {}), **{recipe: [recipe] for recipe in means.index if recipe not in held}}
    for number, (name, members) in enumerate(groups.items()):
        line = means.loc[[recipe for recipe in members if recipe in means.index]]
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(line[style], line[structure], "-o", color=colour, markersize=6, linewidth=1.6, label=name, zorder=3)
        for recipe, x, y in line.itertuples():
            short = str(recipe).removeprefix(f"{name}_") if len(members) > 1 else str(recipe)
            axes.annotate(short, (x, y), (5, 5), textcoords="offset points", fontsize=9, color=paper.ink)
    if families:
        axes.legend(frameon=False, labelcolor=paper.ink, fontsize=9)
    axes.set_xlabel(_named(METRICS[style]), color=paper.ink, fontsize=10)
    axes.set_ylabel(_named(METRICS[structure]), color=paper.ink, fontsize=10)
    axes.margins(0.12)
    axes.set_xlim(_wide(*axes.get_xlim()))
    axes.set_ylim(_wide(*axes.get_ylim()))
    return _saved(figure, form)


def strips(table: pd.DataFrame, metrics: Sequence[Metric], paper: Paper = LIGHT, form: Form = "png") -> bytes:
    """Plot every cell as a dot and means as bars, one row per recipe and one panel per metric.

    Raises:
        ValueError: none of the metrics is in the table.
    """
    shown = [metric for metric in metrics if metric.key in table and table[metric.key].notna().any()]
    if not shown:
        raise ValueError("the table has none of the metrics to draw")
    recipes = list(dict.fromkeys(table["recipe"]))
    figure, panels = _figure(len(shown), 2.4 * min(4, len(shown)) + 1.6, 0.6 + 0.36 * len(recipes), paper, across=4)
    spread = np.random.default_rng(0)
    for panel, (axes, metric) in enumerate(zip(panels, shown, strict=True)):
        for row, recipe in enumerate(recipes):
            values = table.loc[table["recipe"] == recipe, metric.key].dropna()
            colour = COLOURS[row % len(COLOURS)]
            heights = row + spread.uniform(-0.28, 0.28, len(values))
            axes.scatter(values, heights, s=10, color=colour, alpha=0.5, linewidths=0, zorder=2)
            if len(values):
                axes.plot([values.mean()] * 2, [row - 0.38, row + 0.38], color=paper.ink, linewidth=1.6, zorder=3)
        axes.set_yticks(range(len(recipes)), recipes if panel % 4 == 0 else [""] * len(recipes))
        axes.set_ylim(len(recipes) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_title(_named(metric), fontsize=9, color=paper.ink)
    return _saved(figure, form)


def _wide(low: float, high: float) -> tuple[float, float]:
    """Widen a range to at least `SPAN` times its upper end, so that tiny differences don't fill the plot."""
    lacking = max(0.0, SPAN * abs(high) - (high - low)) / 2
    return low - lacking, high + lacking


def _named(metric: Metric) -> str:
    """A metric's name and unit beside its axis, with the arrow along the axis towards what is better."""
    unit = f", {metric.unit}" if metric.unit else ""
    return f"{metric.label}{unit} ({'←' if metric.better == 'lower' else '→'} better)"


def _figure(panels: int, width: float, height: float, paper: Paper, across: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure with ``panels`` axes, at most ``across`` in a row; ``height`` is that of one row in inches."""
    rows = -(-panels // across)
    figure = Figure((width, height * rows + 0.3), dpi=DPI, facecolor=paper.ground, layout="constrained")
    grid = figure.subplots(rows, min(across, panels), squeeze=False).ravel().tolist()
    for axes in grid[panels:]:
        axes.set_visible(False)
    for axes in grid[:panels]:
        axes.set_facecolor(paper.ground)
        axes.tick_params(colors=paper.ink, labelsize=9, length=2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(paper.faint)
        axes.grid(color=paper.faint, linewidth=0.4, alpha=0.5)
    return figure, grid[:panels]


def _saved(figure: Figure, form: Form) -> bytes:
    out = BytesIO()
    # Without these, files carry the time and random names. Letters of a PDF are text, those of an SVG are outlines.
    unnamed = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with rc_context({"svg.hashsalt": "spnst", "pdf.fonttype": 42}):
        figure.savefig(out, format=form, metadata=unnamed[form])
    return out.getvalue()
