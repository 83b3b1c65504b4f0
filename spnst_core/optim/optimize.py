"""The optimiser: it takes a batch of cells through the stages of a recipe, yields its progress and does no I/O."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import cos, pi

import torch
from torch import Tensor

from spnst_core.compute.device_index import indices
from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.models.profiles import Models
from spnst_core.objective.canvas import canvas, crop, framed
from spnst_core.objective.objective import Objective
from spnst_core.objective.statistics import fitting_tile
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.optim.adam import Adam
from spnst_core.optim.early_stopping import Plateau
from spnst_core.optim.gradient import evaluate
from spnst_core.optim.lbfgs import LBFGS
from spnst_core.optim.state import State
from spnst_core.recipes.recipe import Draft, Recipe, Stage

_LOSS = "loss."
"""What the names of losses begin with in a state."""


@dataclass(frozen=True)
class Iterate:
    """One step of the optimiser, for a batch of B cells.

    Attributes:
        stage: index of the stage, from 0.
        stages: number of stages.
        step: number of the step over all stages, from 1. A stage that ends early skips numbers.
        steps: largest number of steps over all stages.
        cells: indices of the cells that took the step; the others have converged in this stage.
        losses: values *before* the step, (B,): each term by name, unweighted, and ``total``, their weighted sum. A cell
            that didn't take the step keeps the values of its last one.
        image: the pastiches after the step, (B, 3, H, W) RGB in [0, 1], at the stage's size.
        take_state: gives `state`.
    """

    stage: int
    stages: int
    step: int
    steps: int
    cells: tuple[int, ...]
    losses: dict[str, Tensor]
    image: Tensor
    take_state: Callable[[], State] | None = None

    @property
    def state(self) -> State:
        """The optimisation after the step, from which `optimize` goes on. Ask for it before the next step is taken.

        Raises:
            ValueError: the iterate isn't one that `optimize` yielded.
        """
        if self.take_state is None:
            raise ValueError("only an iterate that optimize yielded has a state to go on from")
        return self.take_state()


@torch.inference_mode(False)
@torch.enable_grad()  # both whatever the caller's own mode is, which holds again between two steps
def optimize(
    content: ContentTargets,
    styles: Sequence[StyleTargets],
    recipe: Recipe,
    models: Models,
    start: Tensor | None = None,
    tile: int | None = None,
    resume: State | None = None,
) -> Iterator[Iterate]:
    """Paint one content in several styles as one batch, from the recipe's coarsest stage to its finest.

    The cells of the batch are independent: each has its own losses, Adam treats every pixel separately, and L-BFGS
    has a curvature and a step for each cell. After every step the image is clamped to [0, 1].

    The image is carried over from stage to stage. If size and optimiser stay the same, so does the optimiser's state:
    Adam's moments, L-BFGS's curvature. If the size grows, the image is resized and the optimiser starts afresh, except
    that L-BFGS keeps the scale of its curvature.

    Examples:
        >>> import torch
        >>> import spnst_core as sp
        >>> recipe = sp.Recipe(name="quick", size=32, weights=sp.Weights(style=2), stages=[sp.Stage(steps=2)])
        >>> models = sp.load_models("embedded", "cpu")
        >>> content = sp.ContentTargets(torch.rand(1, 3, 24, 32))
        >>> style = sp.StyleTargets.compute(torch.rand(1, 3, 32, 32), models, recipe.style_sizes)
        >>> for iterate in sp.optimize(content, [style], recipe, models):
        ...     print(iterate.step, iterate.steps, sorted(iterate.losses), tuple(iterate.image.shape))
        1 2 ['content', 'depth', 'edge', 'style', 'total', 'tv'] (1, 3, 24, 32)
        2 2 ['content', 'depth', 'edge', 'style', 'total', 'tv'] (1, 3, 24, 32)

    Args:
        content: the content (1, 3, H, W), RGB in [0, 1], with maps of its edges and depth at each of ``recipe.sizes``
            if the recipe weighs and compares them.
        styles: one for each of the B cells, with statistics at each of ``recipe.style_sizes``, of the whole or of each
            of the content's regions, or for each of the recipe's stages.
        recipe: stages, weights, optimiser and initial image.
        models: the networks; the images are on their device.
        start: images to start from in place of ``recipe.init``, (1 or B, 3, h, w) RGB in [0, 1]; they are resized to
            the content's shape. A recipe that starts from another recipe's pastiches needs them here.
        tile: side in pixels of the largest part that the networks read at once; by default as much as fits the
            device's free memory.
        resume: the state to go on from, of an optimisation with the same arguments; only the steps after it are taken.

    Yields:
        Each step of the optimiser; the last one holds the finished pastiches.

    Raises:
        InputError: the content is too narrow for the recipe, ``start`` isn't one picture or one for each cell, a style
            is made for another number of stages, or the networks lack features that the recipe compares.
        ValueError: the targets lack maps that the recipe compares, or ``start`` is missing.
    """
    recipe = recipe.suited_to(models.encoder.name)
    for style in styles:
        recipe.require_stages(len(style.stages))
    generator = torch.Generator().manual_seed(recipe.seed)
    resume = resume and resume.to(models.device)
    optimizer: Adam | LBFGS | None = None
    begun = 0
    for index, stage in enumerate(recipe.stages):
        going_on = resume if resume and resume.stage == index else None
        if resume and index < resume.stage:
            begun += stage.steps
            continue
        goal = canvas(content.content, recipe, stage).to(models.device)
        layers = {*recipe.content_layers(models.encoder), *recipe.style_layers(models.encoder)}
        # Load the networks before measuring the memory that is left for the batch.
        side = fitting_tile(models.at_work.encoder, layers, goal) if tile is None else tile
        side = going_on.tile if going_on else side  # in other tiles, sums would round otherwise
        wanted = [style.at_stage(index) for style in styles]
        objective = Objective(goal, content, wanted, recipe, stage, models, side)
        if going_on:
            optimizer = _restored(going_on, recipe, stage)
        elif optimizer is None:
            if start is None and isinstance(recipe.init, Draft):
                raise ValueError(
                    f"recipe {recipe.name} starts from pastiches of {recipe.init.recipe}: give them as start"
                )
            if start is None:
                x = _start(goal, content, wanted, recipe, stage, generator)
            else:
                x = _placed(start, goal, len(styles), recipe.margin)
            optimizer = _begun(x, recipe, stage)
        elif optimizer.x.shape[2:] != goal.shape[2:] or isinstance(optimizer, Adam) != _is_adam(recipe, stage):
            x = _placed(crop(optimizer.x.detach(), recipe.margin), goal, len(styles), recipe.margin)
            optimizer = _begun(x, recipe, stage, optimizer)
        elif isinstance(optimizer, LBFGS):
            optimizer.go_on()
        plateau, values, taken = Plateau(len(styles), recipe.flat), dict[str, Tensor](), 0
        if going_on:
            plateau, values = Plateau.restored(going_on.tensors, recipe.flat), _losses(going_on)
            taken = going_on.done
        for done in range(taken, stage.steps):
            cells, step = plateau.falling, begun + done + 1
            if not cells:
                break
            evaluated = partial(evaluate, objective, objective.view(_of_step(recipe, step)))
            if isinstance(optimizer, LBFGS):
                values = dict(optimizer.step(evaluated))
            else:
                values = _updated(values, optimizer.step(evaluated, _learning_rate(stage, done), cells), cells)
                plateau.add(values["total"])
            image = crop(optimizer.x.detach(), recipe.margin)
            take_state = partial(_state, index, done + 1, side, optimizer, plateau, values)
            yield Iterate(index, len(recipe.stages), step, recipe.steps, cells, values, image, take_state)
        begun += stage.steps


@torch.no_grad()
def starting_point(content: ContentTargets, styles: Sequence[StyleTargets], recipe: Recipe, models: Models) -> Tensor:
    """The recipe's starting pictures at full size, (B, 3, H, W), with which finished pastiches are compared.

    Pastiches that start from a draft are compared with the recoloured content, as most others.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    goal = canvas(content.content, recipe, recipe.stages[-1]).to(models.device)
    return crop(_start(goal, content, styles, recipe, recipe.stages[-1], generator), recipe.margin)


def _is_adam(recipe: Recipe, stage: Stage) -> bool:
    return recipe.stage_optimizer(stage) == "adam"


def _begun(x: Tensor, recipe: Recipe, stage: Stage, before: Adam | LBFGS | None = None) -> Adam | LBFGS:
    """The stage's optimiser for these canvases; ``before`` is that of the stage before."""
    if _is_adam(recipe, stage):
        return Adam(x, recipe)
    if not isinstance(before, LBFGS):
        return LBFGS(x)
    # Losses are means over pixels: on a larger canvas each pixel counts less, and the curvature is smaller.
    return LBFGS(x, scale=before.scale * (x[0].numel() / before.x[0].numel()))


def _state(
    stage: int, done: int, tile: int | None, optimizer: Adam | LBFGS, plateau: Plateau, losses: Mapping[str, Tensor]
) -> State:
    named = {f"{_LOSS}{term}": value for term, value in losses.items()}
    return State(stage, done, tile, {**optimizer.state(), **plateau.state(), **named})


def _restored(state: State, recipe: Recipe, stage: Stage) -> Adam | LBFGS:
    return Adam.restored(state.tensors, recipe) if _is_adam(recipe, stage) else LBFGS.restored(state.tensors)


def _losses(state: State) -> dict[str, Tensor]:
    return {name.removeprefix(_LOSS): value for name, value in state.tensors.items() if name.startswith(_LOSS)}


def _of_step(recipe: Recipe, step: int) -> torch.Generator:
    """The random generator for one step's view, seeded by the recipe's seed and the step alone."""
    return torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)


def _updated(values: Mapping[str, Tensor], new: Mapping[str, Tensor], cells: Sequence[int]) -> dict[str, Tensor]:
    """The values of all cells, with those of some cells replaced."""
    if not values or len(cells) == len(values["total"]):
        return dict(new)
    own = indices(tuple(cells), new["total"].device)
    return {term: value.index_copy(0, own, new[term]) for term, value in values.items()}


def _learning_rate(stage: Stage, done: int) -> float:
    share = done / max(1, stage.steps - 1)
    return stage.lr * (stage.lr_end + (1 - stage.lr_end) * (1 + cos(pi * share)) / 2)


def _start(
    goal: Tensor,
    content: ContentTargets,
    styles: Sequence[StyleTargets],
    recipe: Recipe,
    stage: Stage,
    generator: torch.Generator,
) -> Tensor:
    """The pictures that the optimisation starts from, (B, 3, H, W)."""
    if recipe.init == "noise":
        noise = torch.rand((1, *goal.shape[1:]), generator=generator).to(goal)
        return noise.repeat(len(styles), 1, 1, 1)
    if recipe.init == "content":
        return goal.repeat(len(styles), 1, 1, 1)
    sizes, guide = recipe.stroke_sizes(stage), content.guide(goal, recipe.margin)
    return torch.cat([style.recoloured(goal, sizes, guide) for style in styles])


def _placed(start: Tensor, goal: Tensor, cells: int, margin: int) -> Tensor:
    """The given start pictures resized to the shape of ``goal``, one for each cell."""
    if start.dim() != 4 or start.shape[1] != 3 or len(start) not in (1, cells):
        raise InputError(
            f"a start of shape {tuple(start.shape)} doesn't fit {cells} cell(s): give (1, 3, H, W) or one for each"
        )
    height, width = crop(goal, margin).shape[2:]
    x = framed(image_io.resize(start, height, width).to(goal), margin)
    return x.expand(cells, -1, -1, -1).clone()
