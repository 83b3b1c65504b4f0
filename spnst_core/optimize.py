"""The optimiser: a batch of cells through the stages of a recipe. It yields progress and knows no screen and no disk."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi
from types import EllipsisType

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core import images, losses
from spnst_core.colour import recolour
from spnst_core.models.profiles import Models
from spnst_core.recipes import Recipe, Stage
from spnst_core.targets import MARGIN, ContentTargets, Statistics, StyleTargets, canvas, crop

TERMS = ("content", "style", "edge", "depth", "tv")


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
    content: ContentTargets, styles: Sequence[StyleTargets], recipe: Recipe, models: Models
) -> Iterator[Iterate]:
    """Stylise one content with each of several styles, from the coarsest stage to the finest.

    The cells don't touch each other: each has its own losses, and Adam treats every pixel alone. The image is
    clamped to [0, 1] after each step. The last iterate holds the finished pastiches.

    Args:
        content: the photograph, with edges and depth at each of ``recipe.sizes`` where their weight isn't zero.
        styles: one for each cell, with statistics at each of ``recipe.style_sizes``.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    photograph = content.content.to(models.device)
    x = optimizer = None
    step = 0
    for index, stage in enumerate(recipe.stages):
        goal = canvas(photograph, recipe.stage_size(stage))
        if x is None:
            x = _start(goal, styles, recipe, stage, generator)
        elif x.shape[2:] != goal.shape[2:]:
            x, optimizer = images.resize(x.detach(), *goal.shape[2:]), None
        if optimizer is None:
            x = x.contiguous().requires_grad_(True)
            optimizer = torch.optim.Adam([x], betas=(0.9, 0.99))
        objective = _objective(goal, content, styles, recipe, stage, models, generator)
        for done in range(stage.steps):
            for group in optimizer.param_groups:
                group["lr"] = _learning_rate(stage, done)
            optimizer.zero_grad(set_to_none=True)
            values = objective(x)
            values["total"].sum().backward()
            if recipe.smooth_gradients and x.grad is not None:
                x.grad = soften(x.grad)
            optimizer.step()
            with torch.no_grad():
                x.clamp_(0, 1)
            step += 1
            yield Iterate(
                index,
                len(recipe.stages),
                step,
                recipe.steps,
                {term: value.detach() for term, value in values.items()},
                crop(x.detach()),
            )


def _learning_rate(stage: Stage, done: int) -> float:
    share = done / max(1, stage.steps - 1)
    return stage.lr * (stage.lr_end + (1 - stage.lr_end) * (1 + cos(pi * share)) / 2)


def _start(
    goal: Tensor, styles: Sequence[StyleTargets], recipe: Recipe, stage: Stage, generator: torch.Generator
) -> Tensor:
    """The picture that optimisation starts from, (B, 3, H, W)."""
    if recipe.init == "noise":
        noise = torch.rand((1, *goal.shape[1:]), generator=generator).to(goal.device)
        return noise.repeat(len(styles), 1, 1, 1)
    if recipe.init == "content":
        return goal.repeat(len(styles), 1, 1, 1)
    sizes = recipe.stroke_sizes(stage)
    palettes = [style.averaged(sizes, "colour") for style in styles]
    return torch.cat([recolour(goal, palette.gram, palette.mean) for palette in palettes])


def _objective(
    goal: Tensor,
    content: ContentTargets,
    styles: Sequence[StyleTargets],
    recipe: Recipe,
    stage: Stage,
    models: Models,
    generator: torch.Generator,
) -> Callable[[Tensor], dict[str, Tensor]]:
    """The function from images (B, 3, H, W) to every term's value (B,) in one stage."""
    weights, form, encoder, size = recipe.stage_weights(stage), recipe.form, models.encoder, recipe.stage_size(stage)
    content_layers = dict(encoder.content_layers) if weights.content else {}
    style_layers = dict(encoder.style_layers) if weights.style else {}
    style_goals = {layer: _stacked(styles, recipe.stroke_sizes(stage), layer) for layer in style_layers}
    edges = content.edge if weights.edge else None
    depth = content.depth if weights.depth else None

    def evaluate(x: Tensor) -> dict[str, Tensor]:
        window = _window(x, generator)
        features = encoder.features(x[window], {*content_layers, *style_layers})
        with torch.no_grad():
            content_goals = encoder.features(goal[window], content_layers)
        zero = x.new_zeros(len(x))
        terms = dict.fromkeys(TERMS, zero)
        for layer, share in content_layers.items():
            terms["content"] = terms["content"] + share * losses.content_loss(
                features[layer], content_goals[layer], form
            )
        for layer, share in style_layers.items():
            goals = style_goals[layer]
            terms["style"] = terms["style"] + share * losses.style_loss(features[layer], goals.gram, goals.mean, form)
        if edges is not None:
            terms["edge"] = losses.edge_loss(models.edges.maps(x, edges.calibration[size]), edges.maps[size], form)
        if depth is not None:
            terms["depth"] = losses.depth_loss(
                models.depth(_disturb(x[window], generator)), depth.maps[size][window], form
            )
        if weights.tv:
            terms["tv"] = losses.total_variation(x, goal if form == "relative" else None)
        total = sum((getattr(weights, term) * terms[term] for term in TERMS), zero)
        return {**terms, "total": total}

    return evaluate


def _stacked(styles: Sequence[StyleTargets], sizes: Sequence[int], layer: str) -> Statistics:
    each = [style.averaged(sizes, layer) for style in styles]
    return Statistics(torch.cat([s.gram for s in each]), torch.cat([s.mean for s in each]))


def _window(x: Tensor, generator: torch.Generator) -> tuple[slice | EllipsisType, ...]:
    """A random crop of a canvas, as large as the picture without its margin.

    Networks with strides see a picture on a grid; the optimiser would paint that grid, as a weave of two to four
    pixels, if it stood still. The draw is the same for every cell of a batch, so that a batch gives what each cell
    alone would.
    """
    down, right = torch.randint(0, 2 * MARGIN + 1, (2,), generator=generator).tolist()
    height, width = x.shape[2] - 2 * MARGIN, x.shape[3] - 2 * MARGIN
    return ..., slice(down, down + height), slice(right, right + width)


def _disturb(x: Tensor, generator: torch.Generator) -> Tensor:
    """The picture as the depth network sees it in one step: softened, with noise of its own.

    A small network can be satisfied by dots that no eye reads as depth; dots that must survive this can't do it.
    """
    return soften(x) + 0.02 * torch.randn((1, *x.shape[1:]), generator=generator).to(x)


def soften(x: Tensor) -> Tensor:
    """Blur by [1 2 1]/4 in both directions, borders repeated, (N, C, H, W)."""
    kernel = x.new_tensor([1.0, 2.0, 1.0]) / 4
    weight = (kernel[:, None] * kernel).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight, groups=x.shape[1])
