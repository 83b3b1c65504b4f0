"""The act of painting: the targets of contents and styles, and one batch of cells taken through a recipe.

`spnst_core.stylize` and the pipeline both paint by it; the pipeline brings targets that it has cached.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import torch
from torch import Tensor

from spnst_core.models.profiles import Models
from spnst_core.objective.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_core.objective.terms.style import style_misfit
from spnst_core.optim.optimize import Iterate, optimize, starting_point
from spnst_core.recipes.recipe import Recipe

Callback = Callable[[Iterate], None]
"""Called after each step of the optimiser, with the pastiches as they are then."""


def content_targets(content: Tensor, recipe: Recipe, models: Models) -> ContentTargets:
    """A content (1, 3, H, W) in [0, 1] with maps of its edges and depth, where the recipe compares them.

    Raises:
        InputError: the content is too narrow for the recipe.
    """
    used = [recipe.stage_weights(stage) for stage in recipe.stages]
    return ContentTargets(
        content,
        EdgeMap.compute(content, models, recipe.sizes)
        if recipe.edge_on == "maps" and any(w.edge for w in used)
        else None,
        DepthMap.compute(content, models, recipe.sizes)
        if recipe.depth_on == "maps" and any(w.depth for w in used)
        else None,
    )


def style_targets(style: Tensor, recipe: Recipe, models: Models) -> StyleTargets:
    """Feature statistics of a style (1, 3, H, W) in [0, 1], at the sizes and of the layers that the recipe uses."""
    return StyleTargets.compute(style, models, recipe.style_sizes, recipe.style_layers(models.encoder))


@dataclass(frozen=True)
class Painted:
    """A finished cell.

    Attributes:
        image: the pastiche, (1, 3, H, W) in [0, 1].
        history: one row a step, with columns step, stage, each term's unweighted value before that step, and total.
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
    """One content in each of several styles, all at once; see `spnst_core.compute.memory.batches` for how many fit.

    Args:
        content, styles, start: as for `spnst_core.optim.optimize.optimize`.
        callbacks: called in turn after each step with its iterate.

    Returns:
        One for each style, in their order.

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
    """How far from its style the picture was that a cell starts from, and how far its pastiche (1, 3, H, W) is.

    Both are the style term of the last stage in its relative form: 0 is the style's own statistics.
    """
    start = starting_point(content, [style], recipe, models)
    before, after = (style_misfit(picture, [style], recipe, models).item() for picture in (start, image))
    return before, after


class Trace:
    """The losses of a batch, step by step. They stay on their device until a history is asked for."""

    def __init__(self) -> None:
        self._steps: list[Iterate] = []

    def add(self, iterate: Iterate) -> None:
        """Keep one step's losses; the picture isn't kept."""
        self._steps.append(replace(iterate, image=iterate.image.new_empty(0)))

    def history(self, cell: int) -> pd.DataFrame:
        """One cell's losses in the steps that it took: step, stage, each term, total."""
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
