"""What giving a pastiche the colours of its content changes: colours, lightness, and structure by the judges.

    python -m benchmarks.colours --content DIR --style DIR --out DIR [--size 256] [--profile vgg16]

Each content is painted by `structure` in one style, the first in the first and so on, and each pastiche is then given
the colours of its content. Printed are the mean distance in a* and b* from the content before and after, how far L*
moved in the mean, and edge and depth error before and after. What the folder holds from before isn't painted again.
"""

import argparse
from itertools import cycle
from pathlib import Path

import pandas as pd
from torch import Tensor

from benchmarks.painters import Cell, painted, pictures
from benchmarks.peers import Bench
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import with_colours_of
from spnst_core.imaging.lab import rgb_to_lab
from spnst_core.metrics.judges import load_judges
from spnst_core.models.profiles import fetch_models, load_models
from spnst_core.recipes.recipe import Recipe

JUDGED = ("edge_error", "depth_error")

LIGHTNESS, COLOURS = slice(0, 1), slice(1, 3)
"""The channels of CIELAB."""


def distance(x: Tensor, y: Tensor, channels: slice) -> float:
    """The mean distance of two pictures (1, 3, H, W) in some channels of CIELAB."""
    return (rgb_to_lab(x) - rgb_to_lab(y))[:, channels].norm(dim=1).mean().item()


def changes(bench: Bench, cell: Cell, before: Tensor) -> dict[str, float]:
    """What is printed of one pastiche (1, 3, H, W) in [0, 1], by name."""
    content = image_io.resize(image_io.read(cell[0]), *before.shape[2:])
    after = image_io.to_tensor(image_io.to_image(with_colours_of(content, before, 1.0)))  # as a file holds it
    scores = bench.scores(cell, before), bench.scores(cell, after)
    return {
        "a*b*": distance(before, content, COLOURS),
        "a*b* after": distance(after, content, COLOURS),
        "L* moved": distance(after, before, LIGHTNESS),
        **{name + when: found[name] for name in JUDGED for found, when in zip(scores, ("", " after"), strict=True)},
    }


def main() -> None:
    """Paint what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("content", "style", "out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--size", type=int, default=256, help="long side in pixels")
    parser.add_argument("--profile", default="vgg16", help="networks to paint with")
    given = parser.parse_args()
    fetch_models(given.profile)
    models = load_models(given.profile)
    bench = Bench(models, load_judges(models.device), given.size, given.out, JUDGED)
    cells = list(zip(pictures(given.content), cycle(pictures(given.style)), strict=False))
    files = painted(bench.painter(Recipe.load("structure")), cells, given.out)
    rows = {f"{c.stem} x {s.stem}": changes(bench, (c, s), image_io.read(file)) for (c, s), (file, _) in files.items()}
    table = pd.DataFrame(rows).T
    table.loc["mean"] = table.mean()
    print(table.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
