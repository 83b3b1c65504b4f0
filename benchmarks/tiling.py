"""Pictures larger than memory: memory saved by tiles, their cost in time, and the error of their gradients.

    python -m benchmarks.tiling [--networks embedded|published] [--small 512] [--large 2048] [--huge 4096]

Each measurement is a process of its own: it loads networks, computes the targets of a square content and of a style,
and takes steps of the recipe `structure` at that one size. Its memory is the largest resident size from then on, less
the resident size once the networks are loaded. ``published`` stands for the pretrained profile's networks with stand-in
weights: their memory, time and arithmetic don't depend on what the weights are.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from benchmarks.networks import KINDS, networks
from benchmarks.timing import style_samples
from spnst_core import Recipe, samples
from spnst_core.imaging import io as image_io
from spnst_core.models.profiles import Models
from spnst_core.objective.canvas import canvas
from spnst_core.objective.objective import Objective
from spnst_core.objective.statistics import fitting_tile
from spnst_core.objective.targets import StyleTargets
from spnst_core.optim.gradient import differentiated
from spnst_core.optim.optimize import optimize
from spnst_core.painting import content_targets
from spnst_core.recipes.recipe import Stage

STEPS = 2
MIB = 2**20


def loaded(kind: str) -> Models:
    """Networks of one kind, on the CPU."""
    with networks(kind) as load:
        return load()


def square(size: int) -> Tensor:
    """A sample content as a square, (1, 3, size, size)."""
    return image_io.resize(image_io.to_tensor(next(iter(samples.contents().values()))), size, size)


def sample_style(size: int) -> Tensor:
    """A sample style, (1, 3, h, w)."""
    return next(iter(style_samples(1, size).values()))


def recipe_of(size: int, steps: int) -> Recipe:
    """`structure` at one size alone."""
    return Recipe.load("structure").with_size(size).model_copy(update={"stages": (Stage(steps=steps),)})


def resident(kind: Literal["VmRSS", "VmHWM"]) -> int:
    """Bytes of this process in memory: now, or the most since the mark was last reset."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields[kind].split()[0]) * 1024


def reset_mark() -> None:
    """Reset the peak of memory: making pictures and networks takes more than the measurement."""
    Path("/proc/self/clear_refs").write_text("5")


def one_run(kind: str, size: int, steps: int, tile: int | None) -> dict[str, Any]:
    """One picture in this process: memory in bytes, seconds a step, and the side of its tiles."""
    models, content_picture, style = loaded(kind), square(size), sample_style(512)
    reset_mark()
    recipe, before, began = recipe_of(size, steps), resident("VmRSS"), time.perf_counter()
    targets = content_targets(content_picture, recipe, models)
    styles = [StyleTargets.compute(style, models, recipe.style_sizes)]
    prepared, ends = time.perf_counter(), list[float]()
    for iterate in optimize(targets, styles, recipe, models, tile=tile):
        ends.append(time.perf_counter())
        if not iterate.losses["total"].isfinite().all():
            raise ArithmeticError(f"the loss at {size} px isn't finite")
    peak = resident("VmHWM")
    layers = {*models.encoder.content_layers, *models.encoder.style_layers}
    side = (
        fitting_tile(models.encoder, layers, canvas(content_picture, recipe, recipe.stages[-1]))
        if tile is None
        else tile
    )
    return {
        "memory": peak - before,
        "targets": prepared - began,
        "step": (ends[-1] - prepared) / len(ends),
        "tile": side if side is not None and side < size else None,
    }


def measured(kind: str, size: int, steps: int, tile: int | None = None) -> dict[str, Any]:
    """`one_run` in a fresh process."""
    arguments = [f"--run={size}", f"--steps={steps}", f"--networks={kind}", *([f"--tile={tile}"] if tile else [])]
    command = [sys.executable, "-m", "benchmarks.tiling", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - this file
    found: dict[str, Any] = json.loads(done.stdout)
    how = f"in tiles of {found['tile']}" if found["tile"] else "whole"
    print(
        f"{size}² {how}: {found['memory'] / MIB:,.0f} MiB, {found['step']:.1f} s a step, "
        f"{found['targets']:.1f} s for the targets",
        flush=True,
    )
    return found


def difference(kind: str, size: int, tile: int) -> tuple[float, float]:
    """Relative differences of the gradient and the loss in tiles from those of the whole picture, in float32."""
    models, recipe = replace(loaded(kind), precision=torch.float32), recipe_of(size, 1)
    targets = content_targets(square(size), recipe, models)
    styles = [StyleTargets.compute(sample_style(512), models, recipe.style_sizes)]
    goal, found = canvas(targets.content, recipe, recipe.stages[-1]), []
    for side in (None, tile):
        objective = Objective(goal, targets, styles, recipe, recipe.stages[-1], models, side)
        view = objective.view(torch.Generator().manual_seed(0))
        x = goal.flip(3)  # far from the targets, so that every term has a gradient
        found.append(differentiated(objective, x, view))
    untiled, tiled = found
    gradient = (tiled.gradient - untiled.gradient).norm() / untiled.gradient.norm()
    total = (tiled.values["total"] / untiled.values["total"] - 1).abs()
    return float(gradient), float(total)


def main() -> None:
    """Print all figures, or with ``--run`` those of one picture as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", choices=KINDS, default="embedded", help="networks to measure with")
    parser.add_argument("--small", type=int, default=512, help="size that is painted whole")
    parser.add_argument("--large", type=int, default=2048, help="size that is painted in tiles")
    parser.add_argument("--huge", type=int, default=4096, help="size at which a single step is made; 0 for none")
    parser.add_argument("--tile", type=int, help="side of the tiles in pixels; by default chosen for this machine")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each measurement")
    parser.add_argument("--run", type=int, help="measure only this size, in this process")
    args = parser.parse_args()
    torch.set_flush_denormal(True)
    if args.run:
        print(json.dumps(one_run(args.networks, args.run, args.steps, args.tile)))
        return
    small = measured(args.networks, args.small, args.steps)
    large = measured(args.networks, args.large, args.steps, args.tile)
    print(f"memory of {args.large}² over {args.small}²: {large['memory'] / small['memory']:.2f}")
    half = args.small // 2
    measured(args.networks, args.small, args.steps, half)
    gradient, total = difference(args.networks, args.small, half)
    print(
        f"{args.small}² in tiles of {half} against whole: gradient {gradient:.1e}, loss {total:.1e} (relative, float32)"
    )
    if args.huge:
        measured(args.networks, args.huge, 1, args.tile)


if __name__ == "__main__":
    main()
