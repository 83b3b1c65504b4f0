"""Painting: the targets of contents and styles, and one batch of cells taken through the stages of a recipe.

Both `spnst_core.stylize` and the pipeline paint with these functions; the pipeline passes in cached targets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from spnst_core.models.profiles import Models
from spnst_core.objective.canvas import shape_at
from spnst_core.objective.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_core.objective.terms.style import style_misfit
from spnst_core.optim.optimize import Iterate, optimize, starting_point
from spnst_core.recipes.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

Callback = Callable[[Iterate], None]
"""Called with an `Iterate` after each step of the optimiser."""


def content_targets(content: Tensor, recipe: Recipe, models: Models) -> ContentTargets:
    """A content (1, 3, H, W) in [0, 1] with maps of its edges and depth, if the recipe compares them.

    Raises:
        InputError: the content is too narrow for the recipe, or the pastiche too large.
    """
    recipe = recipe.suited_to(models.encoder.name)
    for size in recipe.sizes:  # before anything is computed at the first of them
        shape_at(content, size)
    used = [recipe.stage_weights(stage) for stage in recipe.stages]
    return ContentTargets(
        content,
        EdgeMap.compute(content, models, recipe.sizes)
        if recipe.edge_on in ("maps", "contours") and any(w.edge for w in used)
        else None,
        DepthMap.compute(content, models, recipe.sizes)
        if recipe.depth_on == "maps" and any(w.depth for w in used)
        else None,
    )


def style_targets(style: Tensor, recipe: Recipe, models: Models) -> StyleTargets:
    """Feature statistics of a style (1, 3, H, W) in [0, 1], at the sizes and in the layers that the recipe uses."""
    recipe = recipe.suited_to(models.encoder.name)
    return StyleTargets.compute(style, models, recipe.style_sizes, recipe.style_layers(models.encoder))


@dataclass(frozen=True)
class Painted:
    """A finished cell.

    Attributes:
        image: the pastiche, (1, 3, H, W) in [0, 1].
        history: one row for each step, with columns step, stage, each term's unweighted value before it, and total.
        seconds: the cell's share of the time that its batch took.
    """

    image: Tensor
    history: pd.DataFrame
    seconds: float


def paint_batch(
    content: ContentTargets,
    styles: Sequence[StyleTargets],
    recipe: Recipe,
    models: Models,
    start: Tensor | None = None,
    callbacks: Sequence[Callback] = (),
) -> list[Painted]:
    """Paint one content in several styles as one batch; `spnst_core.compute.memory.batches` says how many styles fit.

    Args:
        content, styles, start: as for `spnst_core.optim.optimize.optimize`.
        callbacks: called in turn after each step with its iterate.

    Returns:
        The finished cells, in the order of the styles.

    Raises:
        InputError: as `spnst_core.optim.optimize.optimize`.
    """
    began, trace = time.perf_counter(), Trace()
    for iterate in optimize(content, styles, recipe, models, start):
        trace.add(iterate)
        for callback in callbacks:
            callback(iterate)
    seconds = (time.perf_counter() - began) / len(styles)
    return [Painted(image, trace.history(cell), seconds) for cell, image in enumerate(iterate.image.split(1))]


def misfits(
    image: Tensor, content: ContentTargets, style: StyleTargets, recipe: Recipe, models: Models
) -> tuple[float, float]:
    """Distances from the style: of the picture that a cell started from, and of its pastiche (1, 3, H, W).

    Both are the style term of the last stage in its relative form; 0 means that the statistics equal the style's.
    """
    recipe = recipe.suited_to(models.encoder.name)
    start = starting_point(content, [style], recipe, models)
    before, after = (style_misfit(picture, [style], recipe, models).item() for picture in (start, image))
    return before, after


class Trace:
    """The losses of a batch, step by step. They stay on their device until a history is asked for."""

    def __init__(self) -> None:
        self._steps: list[Iterate] = []

    def add(self, iterate: Iterate) -> None:
        """Record one step's losses, without its picture."""
        self._steps.append(replace(iterate, image=iterate.image.new_empty(0)))

    def history(self, cell: int) -> pd.DataFrame:
        """One cell's losses at each step that it took: step, stage, each term, total."""
        import pandas as pd  # half a second, which nothing has to wait for before the first step

        taken = [step for step in self._steps if cell in step.cells]
        columns = list(taken[0].losses)
        values = torch.stack([step.losses[column][cell] for step in taken for column in columns]).tolist()
        rows = [values[k : k + len(columns)] for k in range(0, len(values), len(columns))]
        return pd.DataFrame(
            [
                {"step": step.step, "stage": step.stage, **dict(zip(columns, row, strict=True))}
                for step, row in zip(taken, rows, strict=True)
            ]
        )
