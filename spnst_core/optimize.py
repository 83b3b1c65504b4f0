"""The optimiser: a batch of cells through the stages of a recipe. It yields progress; it knows no screen or disk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core import images
from spnst_core.colour import recolour
from spnst_core.encoding import fitting_tile
from spnst_core.errors import InputError
from spnst_core.lbfgs import LBFGS, Evaluation
from spnst_core.models.profiles import Models
from spnst_core.objective import TERMS as TERMS
from spnst_core.objective import Objective, View, soften
from spnst_core.recipes import Recipe, Stage
from spnst_core.targets import MARGIN, ContentTargets, StyleTargets, canvas, crop


@dataclass(frozen=True)
class Iterate:
    """One step of the optimiser, for a batch of B cells.

    Attributes:
        stage: index of the stage, from 0, of ``stages``.
        step: number of the step over the whole recipe, from 1, of ``steps``.
        losses: each term's value *before* the step, unweighted, (B,); and ``total``, the weighted sum.
        image: the pastiches after the step, (B, 3, H, W) in [0, 1], at the stage's size.
    """

    stage: int
    stages: int
    step: int
    steps: int
    losses: dict[str, Tensor]
    image: Tensor


def optimize(
    content: ContentTargets,
    styles: Sequence[StyleTargets],
    recipe: Recipe,
    models: Models,
    start: Tensor | None = None,
    tile: int | None = None,
) -> Iterator[Iterate]:
    """Stylise one content with each of several styles, from the coarsest stage to the finest.

    The cells don't touch each other: each has its own losses, Adam treats every pixel alone, and L-BFGS gives each
    cell a curvature and a step of its own. The image stays in [0, 1]. The last iterate holds the finished pastiches.

    From one stage to the next the image goes on. Where the size stays, so does the optimiser: Adam with its moments,
    L-BFGS with its curvature if the objective stays as well. Where the size grows, the image is resized and the
    optimiser starts afresh.

    Args:
        content: the photograph, with edges and depth at each of ``recipe.sizes`` where their weight isn't zero.
        styles: one for each cell, with statistics at each of ``recipe.style_sizes``.
        start: pictures to start from in place of ``recipe.init``, (1 or B, 3, h, w), such as an earlier pastiche. They
            are resized to the content's shape.
        tile: side in pixels of what the networks may read at once; by default what fits the device's free memory.

    Raises:
        InputError: a content too narrow for the recipe, a start that isn't one picture or one for each cell, or a
            profile whose networks lack what the recipe asks for.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    photograph = content.content.to(models.device)
    optimizer: _Adam | LBFGS | None = None
    before: Stage | None = None
    step = 0
    for index, stage in enumerate(recipe.stages):
        goal = canvas(photograph, recipe.stage_size(stage))
        layers = {*recipe.content_layers(models.encoder), *recipe.style_layers(models.encoder)}
        side = fitting_tile(models.encoder, layers, goal) if tile is None else tile
        objective = Objective(goal, content, styles, recipe, stage, models, side)
        if optimizer is None or before is None:
            x = _start(goal, styles, recipe, stage, generator) if start is None else _placed(start, goal, len(styles))
            optimizer = _Adam(x, recipe) if recipe.optimizer == "adam" else LBFGS(x)
        elif optimizer.x.shape[2:] != goal.shape[2:]:
            x = _placed(crop(optimizer.x.detach()), goal, len(styles))
            optimizer = _Adam(x, recipe) if recipe.optimizer == "adam" else LBFGS(x)
        elif isinstance(optimizer, LBFGS) and not _same_objective(before, stage, recipe):
            optimizer = LBFGS(optimizer.x)
        before = stage
        for done in range(stage.steps):
            evaluate = _evaluation(objective, objective.view(generator))
            if isinstance(optimizer, LBFGS):
                values = optimizer.step(evaluate)
            else:
                values = optimizer.step(evaluate, _learning_rate(stage, done))
            step += 1
            yield Iterate(index, len(recipe.stages), step, recipe.steps, dict(values), crop(optimizer.x.detach()))


@torch.no_grad()
def starting_point(content: ContentTargets, styles: Sequence[StyleTargets], recipe: Recipe, models: Models) -> Tensor:
    """What the recipe starts from, at the pastiches' own size, (B, 3, H, W): finished pastiches are held against it."""
    generator = torch.Generator().manual_seed(recipe.seed)
    goal = canvas(content.content.to(models.device), recipe.size)
    return crop(_start(goal, styles, recipe, recipe.stages[-1], generator))


def _evaluation(objective: Objective, view: View) -> Callable[[Tensor], Evaluation]:
    """The objective in one view, with its gradient.

    On a processor the cells go through the networks one by one: that takes no longer, needs less memory, and rounds
    the same however large the batch is.
    """

    def evaluate(x: Tensor) -> Evaluation:
        one_by_one = x.device.type == "cpu"
        groups = [slice(cell, cell + 1) for cell in range(len(x))] if one_by_one else [slice(None)]
        found = [differentiated(objective, x[cells], view, cells) for cells in groups]
        values = {term: torch.cat([part.values[term] for part in found]) for term in found[0].values}
        return Evaluation(values, torch.cat([part.gradient for part in found]))

    return evaluate


def differentiated(objective: Objective, x: Tensor, view: View, cells: slice = slice(None)) -> Evaluation:
    """The objective of canvases (B, 3, H, W) in one view, with its gradient; ``cells`` says which of all they are."""
    x = x.detach().requires_grad_(True)
    values = objective(x, view, cells)
    (gradient,) = torch.autograd.grad(values["total"].sum(), x)
    return Evaluation({term: value.detach() for term, value in values.items()}, gradient)


class _Adam:
    """PyTorch's Adam on a batch of canvases that stay in [0, 1]."""

    def __init__(self, x: Tensor, recipe: Recipe) -> None:
        self.x = x.contiguous()
        self._smooth = recipe.smooth_gradients
        self._adam = torch.optim.Adam([self.x], betas=recipe.betas)

    def step(self, evaluate: Callable[[Tensor], Evaluation], lr: float) -> Mapping[str, Tensor]:
        """One step of every cell. Gives the objective's values before it."""
        found = evaluate(self.x)
        self.x.grad = soften(found.gradient) if self._smooth else found.gradient
        self._adam.param_groups[0]["lr"] = lr
        self._adam.step()
        with torch.no_grad():
            self.x.clamp_(0, 1)
        return found.values


def _same_objective(one: Stage, other: Stage, recipe: Recipe) -> bool:
    """Whether two stages of one size minimise the same function."""
    return all(rule(one) == rule(other) for rule in (recipe.stage_weights, recipe.stroke_sizes))


def _learning_rate(stage: Stage, done: int) -> float:
    share = done / max(1, stage.steps - 1)
    return stage.lr * (stage.lr_end + (1 - stage.lr_end) * (1 + cos(pi * share)) / 2)


def _start(
    goal: Tensor, styles: Sequence[StyleTargets], recipe: Recipe, stage: Stage, generator: torch.Generator
) -> Tensor:
    """The picture that optimisation starts from, (B, 3, H, W)."""
    if recipe.init == "noise":
        noise = torch.rand((1, *goal.shape[1:]), generator=generator).to(goal)
        return noise.repeat(len(styles), 1, 1, 1)
    if recipe.init == "content":
        return goal.repeat(len(styles), 1, 1, 1)
    sizes = recipe.stroke_sizes(stage)
    palettes = [style.averaged(sizes, "colour") for style in styles]
    return torch.cat([recolour(goal, palette.gram, palette.mean) for palette in palettes])


def _placed(start: Tensor, goal: Tensor, cells: int) -> Tensor:
    """Given pictures on the canvas of ``goal``, one for each cell."""
    if start.dim() != 4 or start.shape[1] != 3 or len(start) not in (1, cells):
        raise InputError(
            f"a start of shape {tuple(start.shape)} doesn't fit {cells} cell(s): give (1, 3, H, W) or one for each"
        )
    height, width = (side - 2 * MARGIN for side in goal.shape[2:])
    x = F.pad(images.resize(start.to(goal), height, width), (MARGIN,) * 4, mode="reflect")
    return x.expand(cells, -1, -1, -1).clone()
