"""Stylise pictures from Python: one cell, or a grid of them."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from spnst_core.compute.memory import batches
from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.io import Picture
from spnst_core.models.profiles import Models, load_models
from spnst_core.painting import Callback, Painted, content_targets, paint_batch, style_targets
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.film import Film


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
    targets = style_targets(image_io.read(style), recipe, models)
    row = content_targets(image_io.read(content), recipe, models)
    first = None if start is None else image_io.read(start)
    with Film.of_cell(Path(film), row.content, recipe) if film else nullcontext() as recorded:
        callbacks = [*([recorded.follow] if recorded else []), *([callback] if callback else [])]
        [painted] = paint_batch(row, [targets], recipe, models, first, callbacks)
        result = _result(painted)
        if recorded:
            recorded.finish(result.image)
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
    first, callbacks = None if start is None else image_io.read(start), [callback] if callback else []
    targets = {key: style_targets(image_io.read(style), recipe, models) for key, style in styles.items()}
    for content_key, content in contents.items():
        row = content_targets(image_io.read(content), recipe, models)
        height, width = image_io.fit(row.content.shape[2], row.content.shape[3], recipe.size)
        for batch in batches(list(targets), height * width, models.device):
            painted = paint_batch(row, [targets[key] for key in batch], recipe, models, first, callbacks)
            for style_key, cell in zip(batch, painted, strict=True):
                yield content_key, style_key, _result(cell)


def _recipe(recipe: Recipe | str | Path, size: int | None) -> Recipe:
    found = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    return found if size is None else found.with_size(size)


def _result(painted: Painted) -> Result:
    return Result(image_io.to_image(painted.image), painted.history, painted.seconds)
