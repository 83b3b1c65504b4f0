"""Painting: the targets of contents and styles, and one batch of cells taken through the stages of a recipe.

Both `spnst_core.stylize` and the pipeline paint with these functions; the pipeline passes in cached targets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from spnst_core.errors import InputError, printable
from spnst_core.imaging.band import Band
from spnst_core.imaging.blend import StylePicture
from spnst_core.imaging.colour import matched, with_colours_of
from spnst_core.imaging.io import resize
from spnst_core.imaging.maps import KINDS, Kind
from spnst_core.imaging.planes import at_shape, require_aspect, same_aspect
from spnst_core.models.profiles import Models
from spnst_core.objective.canvas import at_size, crop, shape_at
from spnst_core.objective.regions import Regions
from spnst_core.objective.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_core.objective.terms.style import style_misfit
from spnst_core.optim.divergence import SETBACKS, Diverged, Guard, slowed
from spnst_core.optim.optimize import Iterate, optimize, starting_point
from spnst_core.optim.state import State
from spnst_core.recipes.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

DEPTH_SIDE = 512
"""Long side in pixels of a depth map that only bands of depth ask for."""

Callback = Callable[[Iterate], None]
"""Called with an `Iterate` after each step of the optimiser."""


@dataclass(frozen=True)
class OwnMaps:
    """A user's own maps of a content; see `spnst_core.imaging.maps`.

    Attributes:
        depth: relative inverse depth, larger = nearer, (1, 1, h, w), in place of what the network sees.
        edges: their strength, (1, 1, h, w) in [0, 1], likewise.
        detail: how much more both are to count, (1, 1, h, w) in [0, 1].
    """

    depth: Tensor | None = None
    edges: Tensor | None = None
    detail: Tensor | None = None

    def require_aspect(self, content: Tensor, names: Mapping[Kind, str]) -> None:
        """See that the maps have the content's aspect; an `InputError` calls them by these names if they haven't."""
        for kind in KINDS:
            if (values := getattr(self, kind)) is not None:
                require_aspect(values, content, names[kind])


def content_targets(
    content: Tensor,
    recipe: Recipe,
    models: Models,
    own: OwnMaps = OwnMaps(),
    opacity: Tensor | None = None,
    regions: Regions | None = None,
) -> ContentTargets:
    """A content (1, 3, H, W) in [0, 1] with maps of its edges, depth and detail, if the recipe heeds them.

    Args:
        own: the user's own maps, of the content's aspect.
        opacity, regions: as in `ContentTargets`.

    Raises:
        InputError: the content is too narrow for the recipe, or the pastiche too large.
    """
    recipe = recipe.suited_to(models.encoder.name)
    for size in recipe.sizes:  # before anything is computed at the first of them
        shape_at(content, size)
    used = [recipe.stage_weights(stage) for stage in recipe.stages]
    return ContentTargets(
        content,
        EdgeMap.compute(content, models, recipe.sizes, own.edges)
        if (recipe.edge_on in ("maps", "contours") or own.edges is not None) and any(w.edge for w in used)
        else None,
        DepthMap.compute(content, models, recipe.sizes, own.depth)
        if (recipe.depth_on == "maps" or own.depth is not None) and any(w.depth for w in used)
        else None,
        opacity,
        regions,
        own.detail if recipe.heeds_detail else None,
    )


def upscaling(recipe: Recipe, small: Tensor, content: Tensor, name: str) -> Recipe:
    """A recipe, suited to an encoder, with the stages that refine a finished pastiche alone.

    Args:
        small: the pastiche, (1, 3, h, w), to be given as ``start``.
        content: (1, 3, H, W).
        name: what to call the pastiche in an error.

    Raises:
        InputError: it has another aspect than the content, or is as large as what is to be made of it.
    """
    (height, width), (own_height, own_width) = content.shape[2:], small.shape[2:]
    if not same_aspect(small, content):
        raise InputError(
            f"{printable(name)} has {own_width}×{own_height} pixels, another aspect than the content's "
            f"{width}×{height}: name a pastiche of this content"
        )
    if max(own_height, own_width) >= recipe.size:
        raise InputError(
            f"{printable(name)} has {own_width}×{own_height} pixels, no fewer than a pastiche of {recipe.size} px: "
            "choose a larger size"
        )
    return recipe.refining(max(own_height, own_width))


def band_masks(
    content: Tensor, targets: ContentTargets, models: Models, bands: Mapping[str, Band], own: OwnMaps = OwnMaps()
) -> dict[str, Tensor]:
    """Masks (1, 1, h, w) of the bands of a content's depth, by name.

    Args:
        content: (1, 3, H, W) in [0, 1].
        targets: of the content. Where they have no depth, it is computed at the content's own size, at most 512 px.
        own: the user's own maps, as for `content_targets`.
    """
    if not bands:
        return {}
    depth = targets.depth or DepthMap.compute(content, models, [min(DEPTH_SIDE, max(content.shape[2:]))], own.depth)
    return {name: depth.mask(band) for name, band in bands.items()}


def style_targets(
    style: Tensor,
    recipe: Recipe,
    models: Models,
    content: Tensor | None = None,
    mask: Tensor | None = None,
    opacity: Tensor | None = None,
    strokes: Iterable[str] = (),
) -> StyleTargets:
    """Feature statistics of a style (1, 3, H, W) in [0, 1], at the sizes and in the layers that the recipe uses.

    Args:
        content: the content (1, 3, H, W) that the style is to paint. Only a recipe whose colours ``match`` asks for it,
            and the statistics then hold for that content alone.
        mask: the part of the style that counts, as for `StyleTargets.compute`.
        opacity: of each pixel of the style, (1, 1, H, W) in [0, 1]: what it counts, inside the mask; None: all are
            opaque.
        strokes: names of the strokes of regions, at whose sizes the style is looked at as well.

    Raises:
        InputError: as `StyleTargets.compute` or `Recipe.style_sizes_for`.
        ValueError: such a recipe, and no content.
    """
    recipe = recipe.suited_to(models.encoder.name)
    if recipe.colour == "match":
        if content is None:
            raise ValueError(f"recipe {recipe.name} fits styles to a content's colours: give the content")
        style = matched(style, content.to(style), recipe.colour_strength, opacity)
    if mask is not None and opacity is not None:
        mask = mask * at_shape(opacity, *mask.shape[2:])
    counts = opacity if mask is None else mask
    sizes = recipe.style_sizes_for({*recipe.band_strokes.values(), *strokes})
    return StyleTargets.compute(style, models, sizes, recipe.style_layers(models.encoder), counts)


def blend_targets(
    styles: Sequence[StylePicture],
    recipe: Recipe,
    models: Models,
    content: Tensor | None = None,
    strokes: Collection[str] = (),
) -> StyleTargets:
    """The targets of several styles as one: `style_targets` of each, averaged by their shares.

    Args:
        styles: pictures whose shares sum to 1, in each stage if they change. A single one is itself.
        content, strokes: as for `style_targets`.

    Raises:
        InputError, ValueError: as `style_targets`, or the shares are for another number of stages than the recipe has.
    """
    stages = [*zip(*(style.shares for style in styles), strict=True)]
    recipe.suited_to(models.encoder.name).require_stages(len(stages))
    found = [
        style_targets(style.pixels, recipe, models, content, opacity=style.opacity, strokes=strokes) for style in styles
    ]
    return StyleTargets.by_stage([StyleTargets.blended(found, shares) for shares in stages])


def weakened(
    styles: Sequence[StyleTargets], content: ContentTargets, recipe: Recipe, models: Models
) -> Sequence[StyleTargets]:
    """The targets of styles for a content that is to take on only as much of them as the recipe's ``style_strength``.

    The content's own statistics are taken at the sizes at which the styles are looked at, in each of its regions.
    """
    recipe = recipe.suited_to(models.encoder.name)
    if recipe.style_strength == 1:
        return styles
    guide = content.guide(at_size(content.content, recipe.size))
    layers = recipe.style_layers(models.encoder)
    own = StyleTargets.compute(content.content, models, recipe.style_sizes, layers, guide)
    return [style.weakened(own, recipe.style_strength) for style in styles]


@dataclass(frozen=True)
class Painted:
    """A finished cell.

    Attributes:
        image: the pastiche, (1, 3, H, W) in [0, 1].
        history: one row for each step, with columns step, stage, each term's unweighted value before it, and total.
        seconds: the cell's share of the time that its batch took.
        setbacks: how often its batch went back and on with lower learning rates, because its losses weren't finite.
    """

    image: Tensor
    history: pd.DataFrame
    seconds: float
    setbacks: int = 0


@dataclass(frozen=True)
class Halfway:
    """A batch that is painted in part.

    Attributes:
        state: where its optimisation stands.
        histories: what `Painted.history` holds so far, for each cell.
        seconds: how long the batch has taken so far.
    """

    state: State
    histories: Sequence[pd.DataFrame]
    seconds: float


def paint_batch(
    content: ContentTargets,
    styles: Sequence[StyleTargets],
    recipe: Recipe,
    models: Models,
    start: Tensor | None = None,
    callbacks: Sequence[Callback] = (),
    resume: Halfway | None = None,
) -> list[Painted]:
    """Paint one content in several styles as one batch; `spnst_core.compute.memory.batches` says how many styles fit.

    A cell whose losses stop being finite, painted by itself, goes back to where they were and on with half the learning
    rates, up to `SETBACKS` times. A batch fails at once, because one cell mustn't change how the others are painted.

    Args:
        content, styles, start: as for `spnst_core.optim.optimize.optimize`.
        callbacks: called in turn after each step with its iterate, whose colours are those of the style, also where the
            content is to stay as it is.
        resume: where an earlier attempt at the same batch had come to.

    Returns:
        The finished cells, in the order of the styles.

    Raises:
        InputError: as `spnst_core.optim.optimize.optimize`.
        Diverged: the losses of a batch, or of a cell after its last setback, aren't finite.
    """
    began, setbacks = time.perf_counter(), 0
    styles = weakened(styles, content, recipe, models)
    sound, trace = resume.state if resume else None, Trace(resume.histories if resume else ())
    while True:
        guard = Guard(sound)
        try:
            image = _attempt(content, styles, recipe, models, start, guard, (trace.add, *callbacks))
            break
        except Diverged:
            if len(styles) > 1 or setbacks == SETBACKS:
                raise
            setbacks, sound, recipe = setbacks + 1, guard.sound, slowed(recipe)
    seconds = (time.perf_counter() - began + (resume.seconds if resume else 0)) / len(styles)
    finished = _finished(image, content, recipe.suited_to(models.encoder.name))
    return [Painted(picture, trace.history(cell), seconds, setbacks) for cell, picture in enumerate(finished.split(1))]


def _attempt(
    content: ContentTargets,
    styles: Sequence[StyleTargets],
    recipe: Recipe,
    models: Models,
    start: Tensor | None,
    guard: Guard,
    callbacks: Sequence[Callback],
) -> Tensor:
    """The finished pictures of a batch (B, 3, H, W), painted from where the guard says that it is sound."""
    margin = recipe.suited_to(models.encoder.name).margin
    image = crop(guard.sound.tensors["x"], margin) if guard.sound else None
    for iterate in optimize(content, styles, recipe, models, start, resume=guard.sound):
        image = iterate.image
        for callback in callbacks:
            callback(iterate)
        guard.follow(iterate)
    assert image is not None  # a recipe has at least one step
    guard.finish(image, recipe.steps)
    return image


@torch.no_grad()
def _finished(images: Tensor, content: ContentTargets, recipe: Recipe) -> Tensor:
    """Optimised pictures (B, 3, H, W) with the colours that the recipe asks for, and what is kept of the content."""
    if recipe.colour != "content" and recipe.style_strength and content.regions is None:
        return images
    original = resize(content.content.to(images), *images.shape[2:])
    if not recipe.style_strength:
        return original.expand_as(images).clone()
    coloured = with_colours_of(original, images, recipe.colour_strength) if recipe.colour == "content" else images
    return content.with_kept(coloured, original)


def misfits(
    image: Tensor, content: ContentTargets, style: StyleTargets, recipe: Recipe, models: Models
) -> tuple[float, float]:
    """Distances from the style: of the picture that a cell started from, and of its pastiche (1, 3, H, W).

    Both are the style term of the last stage in its relative form; 0 means that the statistics equal the style's, or
    those that the recipe's ``style_strength`` asks for. Under
    a recipe that keeps the content's colours, the picture at the start has them too, or colours alone would decide.
    What is kept of the content is in both.
    """
    recipe = recipe.suited_to(models.encoder.name)
    [style] = weakened([style], content, recipe, models)
    start = _finished(starting_point(content, [style], recipe, models), content, recipe)
    guide = content.guide(start)
    before, after = (style_misfit(picture, [style], recipe, models, guide).item() for picture in (start, image))
    return before, after


class Trace:
    """The losses of a batch, step by step. They stay on their device until a history is asked for.

    Args:
        before: each cell's history up to where the batch goes on; by default it begins.
    """

    def __init__(self, before: Sequence[pd.DataFrame] = ()) -> None:
        self._before = before
        self._steps: list[_Step] = []

    def add(self, iterate: Iterate) -> None:
        """Record one step's losses, without its picture, in place of those of an attempt that it goes back before."""
        while self._steps and self._steps[-1].step >= iterate.step:
            self._steps.pop()
        self._steps.append(_Step(iterate.step, iterate.stage, iterate.cells, iterate.losses))

    def history(self, cell: int) -> pd.DataFrame:
        """One cell's losses at each step that it took: step, stage, each term, total."""
        import pandas as pd  # half a second, which nothing has to wait for before the first step

        before = [self._before[cell]] if self._before else []
        taken = [step for step in self._steps if cell in step.cells]
        if not taken:
            return before[0]
        columns = list(taken[0].losses)
        values = torch.stack([step.losses[column][cell] for step in taken for column in columns]).tolist()
        rows = [values[k : k + len(columns)] for k in range(0, len(values), len(columns))]
        since = pd.DataFrame(
            [
                {"step": step.step, "stage": step.stage, **dict(zip(columns, row, strict=True))}
                for step, row in zip(taken, rows, strict=True)
            ]
        )
        return pd.concat([*before, since], ignore_index=True)


class _Step(NamedTuple):
    """An iterate without its pictures."""

    step: int
    stage: int
    cells: tuple[int, ...]
    losses: dict[str, Tensor]
