"""Curves: the losses of a cell, step by step, drawn small enough to go with its event."""

from base64 import b64encode
from io import BytesIO

import dagster as dg
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from PIL import Image

from spnst_core.recipes.recipe import Weights
from spnst_pipeline.artefacts.provenance import COUNTS

WIDTH, HEIGHT = 460, 220
"""In pixels."""

BYTES = 8192
"""Beyond this, lines give up their smooth edges: six terms of pure noise then stay below it."""

PAPER, INK, FAINT = "#faf9f7", "#1d1c1a", "#b9b5ad"
"""A light ground of its own, so that the lines can be told apart in a light and in a dark page."""

TERM_COLOURS = dict(
    zip(Weights.model_fields, ("#0072b2", "#d55e00", "#009e73", "#7b3294", "#8b877f", "#cc79a7"), strict=True)
)
"""One for each built-in term, told apart by colour-blind eyes as well (after Okabe and Ito)."""

ADDED = "#56b4e9"
"""The colour of every term that another package adds; its label tells which it is."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 60, 10, 24


def loss_plot(history: pd.DataFrame) -> dg.MarkdownMetadataValue:
    """The loss curves as a picture inside markdown."""
    return dg.MetadataValue.md(f"![losses](data:image/png;base64,{b64encode(draw(history)).decode()})")


def draw(history: pd.DataFrame) -> bytes:
    """A PNG of a few kilobytes: one line a term over the steps, logarithmic, stages divided by dotted lines.

    Args:
        history: as `spnst_pipeline.artefacts.provenance.loss_history` gives it.
    """
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAPER)
    axes = figure.add_axes(
        (_LEFT / WIDTH, _BOTTOM / HEIGHT, (WIDTH - _LEFT - _RIGHT) / WIDTH, (HEIGHT - _TOP - _BOTTOM) / HEIGHT),
        facecolor=PAPER,
        yscale="log",
    )
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(LogLocator(numticks=5))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.tick_params(colors=INK, labelsize=7, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    for boundary in np.flatnonzero(np.diff(history["stage"])):
        axes.axvline(history["step"].iloc[boundary] + 0.5, color=FAINT, linestyle=":", linewidth=1)
    ends: dict[str, float] = {}
    for term in dict.fromkeys([*TERM_COLOURS, *history.columns.difference([*COUNTS, "total"])]):
        if term in history and len(line := history[history[term] > 0]):
            marker = "o" if len(line) == 1 else ""
            axes.plot(
                line["step"],
                line[term],
                color=TERM_COLOURS.get(term, ADDED),
                linewidth=1.5,
                marker=marker,
                markersize=3,
            )
            ends[term] = line[term].iloc[-1]
    axes.margins(x=0.01)
    for term, y in _spread(ends, axes.get_ylim()).items():
        axes.text(1.02, y, term, color=TERM_COLOURS.get(term, ADDED), fontsize=8, va="center", transform=axes.transAxes)
    axes.text(1.02, -0.02, "step", color=INK, fontsize=7, va="top", transform=axes.transAxes)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    data = _png(image, 32)
    return data if len(data) <= BYTES else _png(image, 8)


def _png(image: Image.Image, colours: int) -> bytes:
    out = BytesIO()
    image.quantize(colours).save(out, "PNG", optimize=True)
    return out.getvalue()


def _spread(values: dict[str, float], limits: tuple[float, float], apart: float = 0.085) -> dict[str, float]:
    """Heights of labels on a logarithmic axis, from 0 to 1, near their values and at least ``apart``."""
    low, high = np.log10(limits)
    heights: dict[str, float] = {}
    lowest = 0.0
    for name in sorted(values, key=values.__getitem__):
        heights[name] = max((np.log10(values[name]) - low) / (high - low), lowest)
        lowest = heights[name] + apart
    return heights
