"""Cost of the structure terms: time and memory of a step with them, over those of the same step without.

    python -m benchmarks.structure_cost [--profile vgg16] [--device cpu|cuda] [--size 256] [--cells 4] [--large 512]

The recipe is `structure` at one size: as it is, with its edge term on the edge detector's maps, and as `gatys`, without
edge and depth terms. Steps are Adam's, each of which evaluates the objective once. Times are of two recipes in turn,
and the ratio is the median over the pairs. Memory is the largest resident size of a process that paints one square
picture, less that with its networks loaded; on a GPU it isn't measured.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import torch

from benchmarks.figures import Figure, lines_of, machine, reported, table_of
from benchmarks.tiling import MIB, reset_mark, resident, square
from benchmarks.timing import content_samples, in_turn, library_steps, seconds_a_step, style_samples
from spnst_core import Recipe, load_models
from spnst_core.models.profiles import Models, find_device
from spnst_core.recipes.recipe import Stage

WITHOUT = "gatys"
TERMS = ("as it is", "on maps", WITHOUT)
"""What the edge term compares: what the recipe says, the edge detector's maps, or nothing, and no depth either."""


def recipe_of(terms: str, encoder: str, size: int, steps: int) -> Recipe:
    """`structure` with these terms, in one stage of full size."""
    recipe = Recipe.load(WITHOUT if terms == WITHOUT else "structure").suited_to(encoder).with_size(size)
    changes: dict[str, object] = {"stages": (Stage(steps=steps),), "flat": 0.0, "optimizer": "adam"}
    return recipe.model_copy(update=changes | ({"edge_on": "maps"} if terms == "on maps" else {}))


def time_figure(terms: str, models: Models, size: int, cells: int, steps: int, pairs: int) -> Figure:
    """Seconds per step with the terms over seconds without."""
    content = next(iter(content_samples(1).values()))
    styles = list(style_samples(cells, 512).values())

    def seconds(terms: str) -> float:
        recipe = recipe_of(terms, models.encoder.name, size, steps)
        return seconds_a_step(library_steps(content, styles, recipe, models), models.device) / cells

    found = in_turn(lambda: seconds(terms), lambda: seconds(WITHOUT), pairs)
    return Figure(
        f"step, {size} px, batch {cells}: structure {terms} / {WITHOUT}",
        found.ratio,
        must=1.35,
        strive=1.15,
        better="lower",
        note=f"{median(found.plain):.3f} / {median(found.ours):.3f} s a cell",
        details={"structure": found.plain, WITHOUT: found.ours, "steps": steps - 1},
    )


def memory_of(terms: str, models: Models, size: int) -> int:
    """Bytes that two steps on one square picture take in this process."""
    content, style = square(size), next(iter(style_samples(1, 512).values()))
    reset_mark()
    before = resident("VmRSS")
    for _ in islice(library_steps(content, [style], recipe_of(terms, models.encoder.name, size, 2), models), 2):
        pass
    return resident("VmHWM") - before


def memory_figure(profile: str, terms: str, size: int) -> Figure:
    """Memory with the terms over memory without, each in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.structure_cost", f"--profile={profile}", f"--large={size}"]
    found = [
        int(subprocess.run([*command, f"--run={each}"], stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603 - this file
        for each in (terms, WITHOUT)
    ]
    return Figure(
        f"memory, {size}² whole: structure {terms} / {WITHOUT}",
        found[0] / found[1],
        must=1.3,
        better="lower",
        note=f"{found[0] / MIB:,.0f} / {found[1] / MIB:,.0f} MiB",
        details={"structure": found[0], WITHOUT: found[1]},
    )


def figures(given: argparse.Namespace) -> Iterator[Figure]:
    """All figures, as they are measured."""
    models = load_models(given.profile, given.device)
    for terms in TERMS[:2]:
        yield time_figure(terms, models, given.size, given.cells, given.steps, given.pairs)
    if models.device.type == "cpu" and given.large:
        for terms in TERMS[:2]:
            yield memory_figure(given.profile, terms, given.large)


def main() -> None:
    """Print all figures, or with ``--run`` the memory that one recipe takes in this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="vgg16", help="networks to measure with")
    parser.add_argument("--device", default="auto", help="cpu, cuda or mps")
    parser.add_argument("--size", type=int, default=256, help="long side of the pastiches that are timed, in pixels")
    parser.add_argument("--cells", type=int, default=4, help="batch size of the timed steps")
    parser.add_argument("--large", type=int, default=512, help="side of the picture whose memory is measured; 0: none")
    parser.add_argument("--steps", type=int, default=4, help="steps of each timing, the first untimed")
    parser.add_argument("--pairs", type=int, default=5, help="number of paired timings")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as JSON lines")
    parser.add_argument("--run", choices=TERMS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    if given.run:
        print(json.dumps(memory_of(given.run, load_models(given.profile, given.device), given.large)))
        return
    found = list(figures(given))
    reported([table_of(found)], lines_of(found, machine(find_device(given.device))), given.json)


if __name__ == "__main__":
    main()
