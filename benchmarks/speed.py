"""Speed of the library compared with the plain loop, and its loss, memory and accuracy.

    python -m benchmarks.speed [--device cpu|cuda] [--size 256] [--cells 4] [--grid 4] [--threads 2] [--json FILE]
                               [--profile embedded|published] [--rows ROW ...] [--recipes RECIPE ...]
                               [--our-steps N ...]

The rows are ``step``, ``grid``, ``memory``, ``gradient``, ``bf16`` and ``rate``; by default all are measured. The plain
loop ("plain") and the library ("ours") are measured in turn, and a ratio is the median over the pairs. Both pastiches
of a cell are judged by the same function. ``published`` are the pretrained architectures with stand-in weights.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from statistics import mean, median

import torch
from rich import box
from rich.table import Table
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import plain, tiling
from benchmarks.figures import NO_GPU, Figure, lines_of, machine, reported, table_of
from benchmarks.networks import KINDS, Load, networks
from benchmarks.timing import Pairs, content_samples, finished, in_turn, library_steps, seconds_a_step, style_samples
from spnst_core import InputError, Recipe
from spnst_core.compute.memory import batches
from spnst_core.imaging.io import fit
from spnst_core.models.profiles import Models, find_device
from spnst_core.objective.canvas import at_size, canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.optim.optimize import optimize
from spnst_core.painting import content_targets, style_targets
from spnst_core.recipes.recipe import Stage

PLAIN_STEPS = 100
"""Full-size steps of the plain loop on each cell of the grid, as in the usual scripts."""

PLAIN_LR = 0.05
"""The plain loop's learning rate, as in the first notebook."""

SOONEST: Mapping[str, Sequence[tuple[float, int]]] = {
    "smallstroke_preserve": ((0.5, 20), (1.0, 14), (1.0, 4)),
    "structure": ((0.35, 13), (0.7, 7), (1.0, 14), (1.0, 6)),
}
"""By recipe, the stages (scale, steps) of the shortest schedule found that reaches the plain loop's loss."""

STYLE_SIDE = 768
"""Least long side of the grid's styles, so that their short side is at least the 512 px that the notebook uses."""

FACTORS = (0.7, 4.0)
"""Bounds of the search for the factor by which `SOONEST`'s steps are multiplied."""

TOLERANCE = 0.05
"""Relative tolerance of that factor."""


# ------------------------------------------------------------------------------------------------------------ one step


def step_figure(load: Load, size: int, cells: int, steps: int, pairs: int) -> Figure:
    """Seconds per step and cell of `smallstroke_preserve`: plain over spnst, pictures of one size."""
    models = load()
    recipe = seed_recipe(size, steps)
    content_picture = next(iter(content_samples(1).values()))
    styles = list(style_samples(cells, 512).values())
    turns = iter(styles * (2 * pairs))

    def plainly() -> float:
        content, style = plain.fitted(content_picture, next(turns), recipe, models.device)
        return seconds_a_step(_checked(plain.paint(content, style, recipe, models)), models.device)

    def ours() -> float:
        return seconds_a_step(library_steps(content_picture, styles, recipe, models), models.device) / cells

    seconds = in_turn(plainly, ours, pairs)
    return Figure(
        f"step, {size} px, batch {cells}: plain / ours",
        seconds.ratio,
        must=1.8,
        strive=2.5,
        form="{:.2f}×",
        note=f"{median(seconds.plain):.3f} / {median(seconds.ours):.3f} s a cell",
        details={"plain": seconds.plain, "ours": seconds.ours, "steps": steps - 1},
    )


def seed_recipe(size: int, steps: int) -> Recipe:
    """`smallstroke_preserve` with one stage of that many steps."""
    recipe = Recipe.load("smallstroke_preserve").with_size(size)
    return recipe.model_copy(update={"stages": (recipe.stages[0].model_copy(update={"steps": steps}),)})


def _checked(steps: Iterator[tuple[Tensor, Mapping[str, float]]]) -> Iterator[object]:
    for step in steps:
        if not all(map(math.isfinite, step[1].values())):
            raise ArithmeticError(f"the plain loop's losses aren't finite: {step[1]}")
        yield step


# ---------------------------------------------------------------------------------------------------------- whole grid


@dataclass(frozen=True)
class Grid:
    """Contents × styles at one size, and the common judge of all pastiches: the recipe's objective in float32."""

    contents: Mapping[str, Tensor]
    styles: Mapping[str, Tensor]
    recipe: Recipe
    judge: Models

    @classmethod
    def of_samples(cls, recipe: str, side: int, size: int, load: Load) -> "Grid":
        """A grid of ``side`` sample contents and as many sample styles."""
        judge = in_precision(load(), torch.float32)
        return cls(
            content_samples(side),
            style_samples(side, max(STYLE_SIDE, size)),
            Recipe.load(recipe).with_size(size),
            judge,
        )

    @property
    def diagonal(self) -> list[tuple[str, str]]:
        """The cells of the diagonal: each content with one style."""
        return list(zip(self.contents, self.styles, strict=True))

    def loss(self, cell: tuple[str, str], pastiche: Tensor) -> float:
        """The objective at full size, float32, without jitter: what the plain loop minimises.

        Raises:
            ArithmeticError: it isn't finite.
        """
        content, style = cell
        objective = self._objective(content, style)
        x = at_size(pastiche.to(self.judge.device), self.recipe.size)
        with torch.no_grad():
            found = objective(x, objective.view(torch.Generator()))["total"].item()
        if not math.isfinite(found):
            raise ArithmeticError(f"the loss of {content} in the style of {style} isn't finite")
        return found

    def _objective(self, content: str, style: str) -> Objective:
        last = self.recipe.model_copy(update={"stages": self.recipe.stages[-1:], "jitter": False})
        row = content_targets(self.contents[content], last, self.judge)
        goal = canvas(row.content, last, last.stages[-1]).to(self.judge.device)
        styles = [style_targets(self.styles[style], last, self.judge)]
        return Objective(goal, row, styles, last, last.stages[-1], self.judge)


def in_precision(models: Models, dtype: torch.dtype) -> Models:
    """The same networks, run in ``torch.float32`` or ``torch.bfloat16``."""
    return replace(models, precision=dtype)


def plain_recipe(recipe: Recipe, lr: float, steps: int) -> Recipe:
    """The recipe as the usual scripts run it: full size throughout, from the content, with PyTorch's own Adam."""
    return recipe.model_copy(update={"stages": (Stage(steps=steps, lr=lr),), "init": "content", "betas": (0.9, 0.999)})


def coarse_to_fine(recipe: Recipe) -> Recipe:
    """The same objective by the library's fastest schedule: L-BFGS from small to large, depth in the last stage alone.

    If the recipe fixes the style's size, the early stages scale that size as well. `structure` itself shows the
    networks another view in each step and smooths gradients: its pastiches look better, but the loss in this one view
    falls more slowly.
    """
    *before, (_, last) = SOONEST[recipe.name]
    stages = [
        Stage(scale=scale, steps=steps, without=("depth",), strokes=(scale,) if recipe.style_size else None)
        for scale, steps in before
    ]
    changes = {"optimizer": "lbfgs", "init": "recoloured", "jitter": False, "smooth_gradients": False}
    return recipe.model_copy(update={**changes, "stages": (*stages, Stage(steps=last)), "for_encoder": {}})


def shortened(recipe: Recipe, factor: float) -> Recipe:
    """The recipe with its stages' steps multiplied, at least one in each."""
    return in_steps(recipe, [max(1, round(stage.steps * factor)) for stage in recipe.stages])


def in_steps(recipe: Recipe, steps: Sequence[int]) -> Recipe:
    """The recipe with these numbers of steps in its stages.

    Raises:
        InputError: not one number, of at least one step, for each stage.
    """
    if len(steps) != len(recipe.stages) or min(steps) < 1:
        raise InputError(
            f"--our-steps {' '.join(map(str, steps))}: give one number for each of the {len(recipe.stages)} stages in "
            f"which {recipe.name} is painted here, each at least 1, and name that recipe alone with --recipes"
        )
    stages = [stage.model_copy(update={"steps": n}) for stage, n in zip(recipe.stages, steps, strict=True)]
    return recipe.model_copy(update={"stages": tuple(stages)})


def painted_row(
    row: ContentTargets, styles: Mapping[str, StyleTargets], recipe: Recipe, models: Models
) -> dict[str, Tensor]:
    """Pastiches (1, 3, h, w) of one content in each style, in the library's own batches."""
    height, width = fit(row.content.shape[2], row.content.shape[3], recipe.size)
    found: dict[str, Tensor] = {}
    for batch in batches(list(styles), height * width, models.device, models.room):
        for iterate in optimize(row, [styles[name] for name in batch], recipe, models):
            last = iterate.image
        found.update(zip(batch, last.split(1), strict=True))
    return found


Losses = Mapping[tuple[str, str], float]
"""Loss of each cell's pastiche."""


def over(ours: Losses, plain: Losses) -> list[float]:
    """Our loss over plain's, cell by cell."""
    return [ours[cell] / plain[cell] for cell in plain]


def plain_losses(grid: Grid, load: Load, recipe: Recipe) -> Losses:
    """Losses of what the plain loop paints on the diagonal."""
    pictures = ((cell, grid.contents[cell[0]], grid.styles[cell[1]]) for cell in grid.diagonal)
    return {cell: grid.loss(cell, plain.stylize(content, style, recipe, load)) for cell, content, style in pictures}


class OutOfReach(Exception):
    """No factor of the steps reaches the goal."""


def smallest(fits: Callable[[float], bool], low: float, high: float, tolerance: float) -> float:
    """The smallest number from ``low`` to ``high`` that fits, to a relative tolerance; larger ones must fit as well.

    The number returned was itself found to fit. None is tried that is more than twice as large as one that doesn't fit.

    Raises:
        OutOfReach: not even ``high`` fits.
    """
    enough = low
    while not fits(enough):
        if enough >= high:
            raise OutOfReach(f"not even {high:g} times as many are enough")
        low, enough = enough, min(2 * enough, high)
    while enough > low * (1 + tolerance):
        middle = math.sqrt(low * enough)
        if fits(middle):
            enough = middle
        else:
            low = middle
    return enough


def matching_factor(grid: Grid, load: Load, goals: Losses) -> float:
    """The smallest factor of `coarse_to_fine`'s steps at which losses on the diagonal reach the goals, on average."""
    models = load()

    @cache
    def reached(factor: float) -> float:
        recipe, found = shortened(coarse_to_fine(grid.recipe), factor), dict[tuple[str, str], float]()
        for content, style in grid.diagonal:
            row = content_targets(grid.contents[content], recipe, models)
            styles = {style: style_targets(grid.styles[style], recipe, models)}
            [pastiche] = painted_row(row, styles, recipe, models).values()
            found[content, style] = grid.loss((content, style), pastiche)
        share = mean(over(found, goals))
        print(f"factor {factor:.3f}: {recipe.steps} steps, {share:.4f} of plain's loss", flush=True)
        return share

    return smallest(lambda factor: reached(factor) <= 1, *FACTORS, TOLERANCE)


@dataclass(frozen=True)
class Painted:
    """A grid painted by the plain loop and by the library.

    Attributes:
        pairs: seconds of each row; ours includes its share of the work done once for the grid.
        plain, ours: losses of the cells.
    """

    pairs: Pairs
    plain: Losses
    ours: Losses


def painted(grid: Grid, load: Load, plainly: Recipe, recipe: Recipe) -> Painted:
    """The whole grid by both, row by row in turn; each time includes loading the networks."""
    device = grid.judge.device
    began = finished(device)
    models = load()
    styles = {name: style_targets(style_picture, recipe, models) for name, style_picture in grid.styles.items()}
    once = (finished(device) - began) / len(grid.contents)
    seconds: list[tuple[float, float]] = []
    theirs: dict[tuple[str, str], Tensor] = {}
    ours: dict[tuple[str, str], Tensor] = {}
    for content, content_picture in grid.contents.items():
        began = finished(device)
        for style, style_picture in grid.styles.items():
            theirs[content, style] = plain.stylize(content_picture, style_picture, plainly, load)
        between = finished(device)
        row = content_targets(content_picture, recipe, models)
        ours |= {(content, style): x for style, x in painted_row(row, styles, recipe, models).items()}
        seconds.append((between - began, finished(device) - between + once))
        print(f"{content}: plain {seconds[-1][0]:.1f} s, ours {seconds[-1][1]:.1f} s", flush=True)
    losses = [{cell: grid.loss(cell, x) for cell, x in pastiches.items()} for pastiches in (theirs, ours)]
    return Painted(Pairs([p for p, _ in seconds], [o for _, o in seconds]), *losses)


def grid_figures(
    recipe: str, load: Load, size: int, side: int, steps: int, lr: float, ours: Sequence[int] = ()
) -> Iterator[Figure | Table]:
    """Wall time of a grid including loading, plain over ours at the same loss; then every cell's losses, in a table.

    The loss counts as the same if ours over plain's, averaged over the cells, is at most 1. The number of our steps is
    searched for, unless ``ours`` gives it for each stage. If ours doesn't reach that loss, the figure is 0; after a
    search there is no table then.
    """
    grid = Grid.of_samples(recipe, side, size, load)
    plainly = plain_recipe(grid.recipe, lr, steps)
    name = f"{side} × {side} grid, {size} px, {recipe}, to the same loss: plain / ours"
    must, strive = (10.0, 30.0) if grid.judge.device.type == "cuda" else (5.0, 10.0)
    if ours:
        soonest = in_steps(coarse_to_fine(grid.recipe), ours)
        done = painted(grid, load, plainly, soonest)
    else:
        try:
            soonest, done = painted_alike(grid, load, plainly)
        except OutOfReach as error:
            note = f"plain takes {steps} steps at lr {lr:g}; of ours {error}"
            yield Figure(name, 0.0, must, strive, form="{:.1f}×", note=note)
            return
    totals, shares = (sum(done.pairs.plain), sum(done.pairs.ours)), over(done.ours, done.plain)
    yield Figure(
        name,
        done.pairs.ratio if mean(shares) <= 1 else 0.0,
        must,
        strive,
        form="{:.1f}×",
        note=f"{totals[0]:.1f} / {totals[1]:.1f} s in all; plain {steps} steps at lr {lr:g}, ours "
        f"{' + '.join(str(stage.steps) for stage in soonest.stages)}; ours has {mean(shares):.3f} of plain's loss, "
        f"{min(shares):.3f} to {max(shares):.3f} by cell",
        details={
            "plain": done.pairs.plain,
            "ours": done.pairs.ours,
            "steps": [stage.steps for stage in soonest.stages],
            "plain steps": steps,
            "plain lr": lr,
            "losses": [[*cell, done.plain[cell], done.ours[cell]] for cell in done.plain],
        },
    )
    yield losses_table(f"loss of each cell by {recipe}", ("plain", "ours"), done.plain, done.ours)


def painted_alike(grid: Grid, load: Load, plainly: Recipe) -> tuple[Recipe, Painted]:
    """A grid by both at the same loss, and our recipe for it, with no more steps than diagonal and grid need.

    Raises:
        OutOfReach: no number of steps that is tried is enough on the diagonal.
    """
    factor = matching_factor(grid, load, plain_losses(grid, load, plainly))
    while True:
        soonest = shortened(coarse_to_fine(grid.recipe), factor)
        done = painted(grid, load, plainly, soonest)
        share = mean(over(done.ours, done.plain))
        if share <= 1:
            return soonest, done
        factor *= 1 + TOLERANCE
        print(f"{share:.4f} of plain's loss: once more with factor {factor:.3f}", flush=True)


def losses_table(title: str, names: tuple[str, str], one: Losses, other: Losses) -> Table:
    """Both losses of every cell, and their ratio."""
    table = Table(title=title, box=box.MARKDOWN)
    for column in ("content", "style", *names, f"{names[1]} / {names[0]}"):
        table.add_column(column, justify="left" if column in ("content", "style") else "right")
    for cell in one:
        table.add_row(*cell, f"{one[cell]:.4f}", f"{other[cell]:.4f}", f"{other[cell] / one[cell]:.3f}")
    return table


# ---------------------------------------------------------------------------------------------------------------- bf16


def bf16_figures(load: Load, size: int, side: int, rows: int) -> Iterator[Figure | Table]:
    """Loss of pastiches painted with bf16 networks over those painted with float32 ones, same seeds, one judge."""
    grid, losses = Grid.of_samples("structure", side, size, load), list[dict[tuple[str, str], float]]()
    for dtype in (torch.float32, torch.bfloat16):
        models = in_precision(load(), dtype)
        styles = {
            name: style_targets(style_picture, grid.recipe, models) for name, style_picture in grid.styles.items()
        }
        found = {}
        for content, content_picture in islice(grid.contents.items(), rows):
            row = content_targets(content_picture, grid.recipe, models)
            for style, pastiche in painted_row(row, styles, grid.recipe, models).items():
                found[content, style] = grid.loss((content, style), pastiche)
        losses.append(found)
    whole, half = losses
    changes = [half[cell] / whole[cell] - 1 for cell in whole]
    details = {"losses": [[*cell, whole[cell], half[cell]] for cell in whole]}
    name = f"bf16 loss over float32's, {len(changes)} cells, {size} px"
    yield Figure(f"{name}: mean", mean(changes), 0.01, 0.0, better="lower", form="{:+.2%}", details=details)
    yield Figure(f"{name}: worst", max(changes), better="lower", form="{:+.2%}")
    yield losses_table("loss of each cell", ("float32", "bf16"), whole, half)


# ------------------------------------------------------------------------------------------------ memory and gradients


def memory_figures(small: int, large: int) -> Iterator[Figure]:
    """Memory of a large picture in tiles over that of a small whole one, on the CPU, each in its own process.

    The first figure uses tiles smaller than the small picture, because with larger ones the ratio would measure the
    tiles' size. The second uses those that the library chooses when memory allows: large ones, because their halos
    take a smaller share.
    """
    whole = tiling.measured("published", small, tiling.STEPS, 2 * small)
    for side, must, strive in ((small * 7 // 8, 1.5, 1.1), (None, None, None)):
        tiled = tiling.measured("published", large, tiling.STEPS, side)
        how = f"in tiles of {tiled['tile']}" if tiled["tile"] else "whole"
        yield Figure(
            f"memory: {large}² {how} / {small}² whole",
            tiled["memory"] / whole["memory"],
            must,
            strive,
            better="lower",
            form="{:.2f}×",
            note=f"{tiled['memory'] / tiling.MIB:,.0f} / {whole['memory'] / tiling.MIB:,.0f} MiB, "
            f"{tiled['step']:.1f} / {whole['step']:.1f} s a step" + ("" if side else ", as the library chooses"),
            details={"whole": whole, "tiled": tiled},
        )


def gradient_figure(small: int) -> Figure:
    """Relative difference between the gradient in tiles and that of the whole picture, in float32."""
    gradient, total = tiling.difference("published", small, small // 2)
    return Figure(
        f"gradient: {small}² in tiles of {small // 2} against whole",
        gradient,
        must=1e-4,
        strive=1e-5,
        better="lower",
        form="{:.0e}",
        note=f"relative, float32; loss {total:.0e}",
    )


# ---------------------------------------------------------------------------------------------------------------- rate


def rate_figures(load: Load, size: int, cells: int, steps: int, asked: bool) -> Iterator[Figure]:
    """FLOP/s of a step over the FLOP/s of a large matrix product, in bf16 and in float32."""
    models, recipe = load(), seed_recipe(size, steps)
    content_picture, styles = next(iter(content_samples(1).values())), list(style_samples(cells, 512).values())
    operations = counted(library_steps(content_picture, styles, seed_recipe(size, 2), models))
    seconds = seconds_a_step(library_steps(content_picture, styles, recipe, models), models.device)
    for dtype, name in ((torch.bfloat16, "bf16"), (torch.float32, "float32")):
        top = matrix_rate(dtype, models.device)
        yield Figure(
            f"rate, {size} px, batch {cells}: of the {name} matrix product's",
            operations / seconds / top,
            must=0.35 if asked and name == "bf16" else None,
            strive=0.55 if asked and name == "bf16" else None,
            note=f"{operations / seconds / 1e12:.3g} of {top / 1e12:.3g} TFLOP/s; "
            f"{operations / cells / 1e9:,.0f} GFLOP a step a cell",
            details={"operations": operations, "seconds": seconds, "matrix product": top},
        )


def counted(steps: Iterator[object]) -> int:
    """Floating-point operations of the last of some steps, forward and backward, as they are executed.

    Matrix products and convolutions are counted; NNPACK's convolutions with the fewer products that they need on
    transformed tiles.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the counter sees only its own thread, so cells must be evaluated one after the other
    try:
        with FlopCounterMode(display=False, custom_mapping=NNPACK_OPERATIONS) as counter:
            totals = [counter.get_total_flops() for _ in steps]
    finally:
        torch.set_num_threads(threads)
    return totals[-1] - totals[-2]


def nnpack_operations(
    x: Sequence[int], weight: Sequence[int], bias: object, padding: Sequence[int], *_: object, out_shape: Sequence[int]
) -> int:
    """Floating-point operations of NNPACK's convolution for shapes of tensors, without those of its transforms.

    A 3 × 3 kernel takes 64 products for 6 × 6 responses. Other kernels, for which NNPACK chooses the transform, are
    counted as plain convolutions.
    """
    filters, channels, side = weight[:3]
    count, height, width = out_shape[0], *out_shape[2:]
    products = 64 * -(-height // 6) * -(-width // 6) if side == 3 else side**2 * height * width
    return 2 * products * count * channels * filters


# PyTorch's own convolution by NNPACK has no public name, and isn't in every build.
_NNPACK = getattr(torch.ops.aten, "_nnpack_spatial_convolution", None)
NNPACK_OPERATIONS = {} if _NNPACK is None else {_NNPACK: nnpack_operations}


def matrix_rate(dtype: torch.dtype, device: torch.device) -> float:
    """FLOP/s of a large square matrix product, the median of several."""
    side = 8192 if device.type == "cuda" else 3072
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    a @ b
    seconds = []
    for _ in range(7):
        began = finished(device)
        a @ b
        seconds.append(finished(device) - began)
    return 2 * side**3 / median(seconds)


# -------------------------------------------------------------------------------------------------------- command line

ROWS = ("step", "grid", "memory", "gradient", "bf16", "rate")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--size", type=int, default=256, help="long side of the pastiches in pixels")
    parser.add_argument("--cells", type=int, default=4, help="batch size of the rows step and rate")
    parser.add_argument(
        "--grid", type=int, default=4, help="number of contents, and of styles, of the rows grid and bf16"
    )
    parser.add_argument("--profile", choices=KINDS, default="embedded", help="networks of the rows grid and bf16")
    parser.add_argument("--threads", type=int, default=2, help="number of PyTorch threads")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS, help="what to measure")
    parser.add_argument("--recipes", nargs="+", choices=SOONEST, default=list(SOONEST), help="recipes of the row grid")
    parser.add_argument(
        "--our-steps", type=int, nargs="+", default=(), help="steps of each stage in the row grid, instead of a search"
    )
    parser.add_argument("--pairs", type=int, default=3, help="number of paired measurements of the row step")
    parser.add_argument("--steps", type=int, help="steps of each measurement, the first untimed; 4, on a GPU 50")
    parser.add_argument("--plain-steps", type=int, default=PLAIN_STEPS, help="steps of the plain loop on each cell")
    parser.add_argument("--plain-lr", type=float, default=PLAIN_LR, help="the plain loop's learning rate")
    parser.add_argument("--untiled", type=int, default=512, help="size painted whole in the rows memory and gradient")
    parser.add_argument("--tiled", type=int, default=2048, help="size painted in tiles in the row memory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as JSON lines")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    torch.set_flush_denormal(True)
    figures, tables = list[Figure](), list[Table]()
    try:
        for found in measured(given):
            if isinstance(found, Table):
                tables.append(found)
            else:
                figures.append(found)
                print(*filter(None, (found.name, found.written(found.value), found.note)), sep="; ", flush=True)
    except InputError as error:
        sys.exit(str(error))
    finally:  # keep what was measured before a failure
        if figures:
            lines = lines_of(figures, machine(find_device(given.device)))
            reported([*tables, table_of(figures)], lines, given.json)


def measured(given: argparse.Namespace) -> Iterator[Figure | Table]:
    """The requested rows, each as soon as it is measured, and their tables of details."""
    on_gpu = find_device(given.device).type == "cuda"
    steps = (50 if on_gpu else 4) if given.steps is None else given.steps
    if "grid" in given.rows and given.our_steps:
        for recipe in given.recipes:
            in_steps(coarse_to_fine(Recipe.load(recipe)), given.our_steps)  # report impossible steps before measuring

    def wanted(row: str) -> bool:
        if row in given.rows:
            print(f"{time.strftime('%H:%M:%S')} {row}", flush=True)
        return row in given.rows

    if {"step", "rate"} & set(given.rows):
        with networks("published", given.device) as load:
            if wanted("step"):
                yield step_figure(load, given.size, given.cells, steps, given.pairs)
            if wanted("rate"):
                yield from rate_figures(load, given.size, given.cells, steps, on_gpu)
                if not on_gpu:
                    yield Figure("rate, 512 px, batch 16: of the bf16 matrix product's", None, 0.35, 0.55, note=NO_GPU)
    if {"grid", "bf16"} & set(given.rows):
        with networks(given.profile, given.device) as load:
            if wanted("grid"):
                for recipe in given.recipes:
                    asked = given.size, given.grid, given.plain_steps, given.plain_lr, given.our_steps
                    yield from grid_figures(recipe, load, *asked)
                if not on_gpu:
                    name = "8 × 8 grid, 512 px, published networks: plain / ours"
                    yield Figure(name, None, 10.0, 30.0, form="{:.1f}×", note=NO_GPU)
            if wanted("bf16"):
                yield from bf16_figures(load, given.size, given.grid, max(1, given.grid // 2))
    if wanted("memory"):
        yield from memory_figures(given.untiled, given.tiled)
    if wanted("gradient"):
        yield gradient_figure(given.untiled)


if __name__ == "__main__":
    main()
