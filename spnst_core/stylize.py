"""Stylise pictures from Python: one cell, or a grid of them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from spnst_core.compute.memory import batches
from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.io import Picture
from spnst_core.models.profiles import Models, load_models
from spnst_core.objective.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_core.optim.optimize import Iterate, optimize
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.film import Film

Callback = Callable[[Iterate], None]
"""Called after each step of the optimiser, with the pastiches as they are then."""


@dataclass(frozen=True)
class Result:
    """A pastiche and how it came about.

    Attributes:
        image: the pastiche, 8-bit sRGB.
        history: one row a step, with columns step, stage, content, style, edge, depth, tv, further terms that the
            recipe weighs, total.
        seconds: the cell's share of the time that its batch took.
    """

    image: Image.Image
    history: pd.DataFrame
    seconds: float


def stylize(
    content: Picture,
    style: Picture,
    recipe: Recipe | str | Path = "structure",
    models: Models | None = None,
    size: int | None = None,
    callback: Callback | None = None,
    *,
    start: Picture | None = None,
    film: str | Path | None = None,
) -> Result:
    """One content in one style.

    ```python
    import spnst_core as sp

    result = sp.stylize("photo.jpg", "painting.jpg", size=512)
    result.image.save("pastiche.png")
    ```

    Args:
        content: the photograph: a path, a file's bytes, a PIL image, an array (H, W, 3) of uint8 or of floats, or
            a tensor (1, 3, H, W); floats in [0, 1]. At least 16 px on each side.
        style: the painting, likewise.
        recipe: a recipe, a built-in one's name, or the path of a ``.yaml`` file.
        models: what `load_models` gave; by default the embedded profile on the best device, loaded for this call.
        size: long side of the pastiche in pixels, at least 32; the recipe's own by default.
        callback: called after each step with its `Iterate`: losses (1,), and the pastiche so far, (1, 3, h, w) in
            [0, 1].
        start: a picture to start from in place of the recipe's ``init``, such as an earlier pastiche; it is resized
            to the content's shape.
        film: an ``.mp4`` file to record the painting in, photograph beside and loss curve below: a frame for each
            ``recipe.record_every`` steps, or for every second one where the recipe has none.

    Raises:
        InputError: a picture that can't be read or is too small or too narrow for the recipe; no such recipe, or a
            size that it can't have; a film that can't be written.
    """
    recipe, models = _recipe(recipe, size), models or load_models("embedded")
    targets = _style_targets(style, recipe, models)
    row = content_targets(image_io.read(content), recipe, models)
    first = None if start is None else image_io.read(start)
    with Film.of_cell(Path(film), row.content, recipe) if film else nullcontext() as recorded:
        [result] = _paint(row, [targets], recipe, models, first, recorded, callback)
    return result


def stylize_grid(
    contents: Mapping[str, Picture],
    styles: Mapping[str, Picture],
    recipe: Recipe | str | Path = "structure",
    models: Models | None = None,
    size: int | None = None,
    callback: Callback | None = None,
    *,
    start: Picture | None = None,
) -> Iterator[tuple[str, str, Result]]:
    """Every content in every style, row by row, in batches that fit the device: (content key, style key, result).

    Args:
        contents: photographs by key, each as for `stylize`.
        styles: paintings by key.
        recipe: as for `stylize`.
        models: as for `stylize`.
        size: as for `stylize`.
        callback: called after each step of a batch: losses (B,) and pastiches (B, 3, h, w) of its cells.
        start: a picture that every cell starts from.

    Raises:
        InputError: no contents or no styles, or whatever `stylize` raises.
    """
    recipe, models = _recipe(recipe, size), models or load_models("embedded")
    if not contents or not styles:
        raise InputError("a grid needs at least one content and one style")
    first = None if start is None else image_io.read(start)
    targets = {key: _style_targets(style, recipe, models) for key, style in styles.items()}
    for content_key, content in contents.items():
        row = content_targets(image_io.read(content), recipe, models)
        height, width = image_io.fit(row.content.shape[2], row.content.shape[3], recipe.size)
        for batch in batches(list(targets), height * width, models.device):
            results = _paint(row, [targets[key] for key in batch], recipe, models, first, None, callback)
            for style_key, result in zip(batch, results, strict=True):
                yield content_key, style_key, result


def _paint(
    row: ContentTargets,
    styles: Sequence[StyleTargets],
    recipe: Recipe,
    models: Models,
    start: Tensor | None,
    film: Film | None = None,
    callback: Callback | None = None,
) -> list[Result]:
    """One batch through the recipe; ``film`` is of its only cell."""
    began, trace = time.perf_counter(), Trace()
    for iterate in optimize(row, styles, recipe, models, start):
        trace.add(iterate)
        if film:
            film.follow(iterate)
        if callback:
            callback(iterate)
    seconds = (time.perf_counter() - began) / len(styles)
    pictures = [image_io.to_image(image) for image in iterate.image]
    if film:
        film.finish(pictures[0])
    return [Result(picture, trace.history(cell), seconds) for cell, picture in enumerate(pictures)]


def _recipe(recipe: Recipe | str | Path, size: int | None) -> Recipe:
    found = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    return found if size is None else found.with_size(size)


def _style_targets(style: Picture, recipe: Recipe, models: Models) -> StyleTargets:
    return StyleTargets.compute(image_io.read(style), models, recipe.style_sizes, recipe.style_layers(models.encoder))


def content_targets(content: Tensor, recipe: Recipe, models: Models) -> ContentTargets:
    """Maps of edges and depth of a content (1, 3, H, W), where the recipe compares them."""
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
