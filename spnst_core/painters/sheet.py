"""The validation sheet: held-out contents above their pastiches, the style, and how losses have fallen."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.painters.training import Record, Training

SHOWN = 4
"""Most held-out contents that are shown."""

HEIGHT, GAP = 256, 8
"""Height of a picture, and the space between pictures, in pixels."""

TERMS = {"style": "#d55e00", "content": "#0072b2", "edge": "#009e73", "depth": "#7b3294", "total": "#1d1c1a"}
"""Losses that are drawn, and the colour of each."""

PAPER = "#ffffff"


def validation_sheet(training: Training, style: Tensor, pastiches: Sequence[Tensor]) -> Image.Image:
    """What a training has come to, in one picture.

    Args:
        training: validated at least once.
        style: (1, 3, H, W).
        pastiches: of its held-out contents, as the last validation gave them.
    """
    contents = (training.held_out or training.contents)[:SHOWN]
    top = [_of_height(picture, HEIGHT) for picture in (style, *contents)]
    below = [_of_height(picture, HEIGHT) for picture in pastiches[:SHOWN]]
    indent = top[0].width + GAP
    width = max(sum(picture.width + GAP for picture in top), 3 * HEIGHT) - GAP
    curves = _curves(training.curve, training.validations, width)
    sheet = Image.new("RGB", (width, 2 * (HEIGHT + GAP) + curves.height), PAPER)
    for pictures, left, upper in ((top, 0, 0), (below, indent, HEIGHT + GAP)):
        for picture in pictures:
            sheet.paste(picture, (left, upper))
            left += picture.width + GAP
    sheet.paste(curves, (0, 2 * (HEIGHT + GAP)))
    return sheet


def _of_height(picture: Tensor, height: int) -> Image.Image:
    return image_io.to_image(
        image_io.resize(picture.cpu(), height, round(picture.shape[3] * height / picture.shape[2]))
    )


def _curves(curve: Sequence[Record], validations: Sequence[Record], width: int) -> Image.Image:
    """Losses over steps: of views as a thin line, of held-out contents as dots for each term."""
    figure = Figure((width / 100, 2.6), dpi=100, facecolor=PAPER, layout="constrained")
    axes = figure.subplots()
    axes.set_yscale("log")
    axes.plot([r.step for r in curve], [r.losses["total"] for r in curve], color="#b9b5ad", linewidth=1, label="views")
    for term, colour in TERMS.items():
        shown = [(r.step, r.losses[term]) for r in validations if r.losses.get(term)]
        if shown:
            axes.plot(*zip(*shown, strict=True), "-o", color=colour, markersize=3, linewidth=1.4, label=term)
    axes.set_xlabel("step", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(frameon=False, fontsize=8, ncols=6, loc="upper right")
    out = BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return Image.open(out).convert("RGB")
