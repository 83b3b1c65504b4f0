"""Recipes beside their rivals: how much of the style and of the structure each has, in figures, a plot and a sheet.

    python -m benchmarks.peers --content DIR --style DIR --out DIR [--size 384] [--profile vgg16] [--diagonal]
                               [--also RECIPE ...] [--experiment NAME] [--without-magenta] [--weight W]

Painted are `structure`, `gatys`, `gatys` with its content weight raised until its mean patch distance is that of
`structure`, Magenta's arbitrary style network (the recipe `instant`), and the recipes that are named. Of an
experiment, such as `seed_six`, each recipe of the first family is compared with its counterpart in the second. Scores
are those of judges that take no part in the optimisation. The rival's content weight is searched for on cells of the
diagonal; the plot shows every weight that was tried there, and `structure` with several amounts of structure. What the
folder holds from before isn't painted again. The seconds of a cell depend on what else the machine does.
"""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import cycle, product
from pathlib import Path

import pandas as pd
from PIL import Image
from scipy.optimize import brentq
from torch import Tensor

from benchmarks.painters import ByRecipe, Cell, Painter, painted, pictures
from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.metrics.comparison import compare
from spnst_core.metrics.judges import Judges, load_judges
from spnst_core.metrics.registry import METRICS, measure
from spnst_core.models.profiles import Models, fetch_models, load_models
from spnst_core.objective.targets import StyleTargets
from spnst_core.painting import style_targets
from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.plots import frontier
from spnst_core.report.text import draw_line

HIGHEST = 128.0
"""Content weight beyond which no rival is looked for."""

CLOSE = 0.1
"""Relative error of the weight that is good enough."""

AMOUNTS = (0.25, 0.5, 0.75, 1.0)
"""Amounts of structure that the plot shows."""

MEASURED = ("edge_error", "depth_error", "patch_distance")

SHOWN = 4
"""Rows of the sheet."""

HEIGHT, CAPTION, GAP = 384, 26, 6
"""Pixels: height of the sheet's pictures and of the names above them, and the space between pictures."""


class Bench:
    """Paints, measures and remembers, for one size and one set of networks."""

    def __init__(self, models: Models, judges: Judges, size: int, out: Path, metrics: Sequence[str] = MEASURED) -> None:
        self.models, self.judges, self.size, self.out, self.metrics = models, judges, size, out, metrics
        self._targets: dict[Path, StyleTargets] = {}
        self._rows: dict[tuple[Path, Cell], dict[str, float]] = {}

    def painter(self, recipe: Recipe, name: str | None = None) -> Painter:
        """A painter by recipe, at the bench's size."""
        return ByRecipe(name or recipe.name, recipe.with_size(self.size), self.models)

    def measured(self, painter: Painter, cells: Sequence[Cell]) -> pd.DataFrame:
        """One row a cell: recipe (the painter's name), content, style, seconds, and the metrics."""
        rows = []
        for (content, style), (file, seconds) in painted(painter, cells, self.out).items():
            if (file, (content, style)) not in self._rows:
                self._rows[file, (content, style)] = self.scores((content, style), image_io.read(file))
            known = {"recipe": painter.name, "content": content.stem, "style": style.stem, "seconds": seconds}
            rows.append({**known, **self._rows[file, (content, style)]})
        return pd.DataFrame(rows)

    def scores(self, cell: Cell, pastiche: Tensor) -> dict[str, float]:
        """The metrics of a cell's pastiche (1, 3, H, W) in [0, 1]."""
        content, style = (image_io.read(path) for path in cell)
        if cell[1] not in self._targets:
            self._targets[cell[1]] = style_targets(style, Recipe.load("gatys").with_size(self.size), self.models)
        given = content, pastiche, style, self._targets[cell[1]], self.models, self.judges
        scores = measure(*given, only=self.metrics)
        return scores.values  # noqa: PD011 - a field, not pandas'


def weight_for(distance: Callable[[float], float], goal: float) -> float:
    """The content weight from 1 to `HIGHEST` at which a style distance that grows with it reaches the goal.

    1 if the goal is no farther than the distance is there.

    Raises:
        ValueError: it isn't reached.
    """
    miss = cache(lambda log_weight: distance(math.exp(log_weight)) - goal)
    if miss(0.0) >= 0:
        return 1.0
    if miss(math.log(HIGHEST)) < 0:
        raise ValueError(f"even with a content weight of {HIGHEST:g} the style distance doesn't reach {goal:.4f}")
    return math.exp(brentq(miss, 0.0, math.log(HIGHEST), xtol=CLOSE))


def heavier(bench: Bench, weight: float) -> Painter:
    """`gatys` with another content weight."""
    name = "gatys" if weight == 1 else f"gatys_{weight:.2f}"  # by one name, it isn't painted twice
    return bench.painter(Recipe.load("gatys").with_weights({"content": weight}), name)


def dialled(bench: Bench, amount: float) -> Painter:
    """`structure` with another amount of structure."""
    return bench.painter(Recipe.load("structure").with_structure(amount), f"structure_{amount:g}")


def search(bench: Bench, diagonal: Sequence[Cell], goal: float) -> tuple[float, list[Painter]]:
    """The rival's content weight, and the painters that were tried on the way, by rising weight."""
    tried = dict[float, Painter]()

    def distance(weight: float) -> float:
        tried[weight] = heavier(bench, weight)
        found = float(bench.measured(tried[weight], diagonal)["patch_distance"].mean())
        print(f"content weight {weight:.2f}: patch distance {found:.4f} on {len(diagonal)} cells", flush=True)
        return found

    return weight_for(distance, goal), [tried[weight] for weight in sorted(tried)]


def counterparts(experiment: Experiment) -> list[tuple[str, str]]:
    """Names of the recipes of an experiment's first family, each with its counterpart in the second.

    Raises:
        InputError: the experiment doesn't have two families of one length.
    """
    families = list(experiment.families.values())
    if len(families) != 2 or len(families[0]) != len(families[1]):
        raise InputError(f"the experiment {experiment.name} doesn't compare two families of recipes one by one")
    return [(recipe.name, other.name) for recipe, other in zip(*families, strict=True)]


def printed(table: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> None:
    """Means of every painter, and the first painter of each pair against the second."""
    metrics = [METRICS[key] for key in MEASURED]
    means = table.drop(columns=["content", "style"]).groupby("recipe", sort=False).mean()
    print(f"\n{len(table) // len(means)} cells\n{means.to_string(float_format='{:.4f}'.format)}")
    compared = compare(table, metrics).set_index(["recipe", "against"])
    print(f"\n{'recipe':<22}{'against':<24}metric           change   95 % interval    better in")
    for pair in pairs:
        for row in compared.loc[[pair]].to_dict("records"):
            low, high = row["change_low"], row["change_high"]
            change = f"{row['metric']:<15}{row['change']:>+8.1%}   {low:+.0%} to {high:+.0%}"
            print(f"{pair[0]:<22}{pair[1]:<24}{change:<42}{row['wins']:.0%}")


def sheet(painters: Sequence[Painter], cells: Sequence[Cell], bench: Bench) -> Image.Image:
    """Large pictures: content, style and every painter's pastiche, all of one height, a row for each cell."""
    images = [painted(painter, cells, bench.out) for painter in painters]
    rows = []
    for content, style in cells:
        shown = {"content": image_io.decode(content), "style": image_io.decode(style)}
        shown |= {p.name: image_io.decode(of[content, style][0]) for p, of in zip(painters, images, strict=True)}
        rows.append(_row(shown))
    page = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        page.paste(row, (0, top))
        top += row.height
    return page


def _row(shown: Mapping[str, Image.Image]) -> Image.Image:
    scaled = {name: image.resize((round(HEIGHT * image.width / image.height), HEIGHT)) for name, image in shown.items()}
    row = Image.new("RGB", (sum(image.width + GAP for image in scaled.values()), HEIGHT + CAPTION), "white")
    left = 0
    for name, image in scaled.items():
        draw_line(row, (left, 0, left + image.width, CAPTION), name, 15, "black")
        row.paste(image, (left, CAPTION))
        left += image.width + GAP
    return row


def main() -> None:
    """Paint what is missing, find the rival, print the comparison, and write plot and sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("content", "style", "out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--size", type=int, default=384, help="long side of the pastiches in pixels")
    parser.add_argument("--profile", default="vgg16", help="the networks to paint with")
    parser.add_argument("--diagonal", action="store_true", help="compare on each content with one style, not on all")
    parser.add_argument("--also", nargs="*", default=[], metavar="RECIPE", help="further recipes to compare")
    parser.add_argument("--experiment", choices=Experiment.names(), help="further recipes, compared with each other")
    parser.add_argument("--without-magenta", action="store_true", help="where its weights can't be had")
    parser.add_argument("--weight", type=float, help="the rival's content weight, if it is already known")
    args = parser.parse_args()
    experiment = Experiment.load(args.experiment) if args.experiment else None
    fetch_models(args.profile)
    models = load_models(args.profile)
    bench = Bench(models, load_judges(models.device), args.size, args.out)
    contents, styles = pictures(args.content), pictures(args.style)
    diagonal = list(zip(contents, cycle(styles), strict=False))
    cells = diagonal if args.diagonal else list(product(contents, styles))

    ours = bench.painter(Recipe.load("structure"))
    goal = float(bench.measured(ours, diagonal)["patch_distance"].mean())
    print(f"structure: patch distance {goal:.4f} on {len(diagonal)} cells of the diagonal", flush=True)
    weight, tried = (args.weight, []) if args.weight else search(bench, diagonal, goal)
    rivals = [bench.painter(Recipe.load("gatys")), heavier(bench, weight)]
    rivals += [] if args.without_magenta else [bench.painter(Recipe.load("instant"), "magenta")]
    pairs = counterparts(experiment) if experiment else []
    others = dict.fromkeys((*args.also, *(name for pair in pairs for name in pair)))
    rivals += [bench.painter(Recipe.load(recipe)) for recipe in others]
    table = pd.concat([bench.measured(painter, cells) for painter in (ours, *rivals)])
    table.to_csv(args.out / "peers.csv", index=False)
    printed(table, [(ours.name, rival.name) for rival in rivals] + pairs)

    dial = [dialled(bench, amount) for amount in AMOUNTS]
    families = {"structure, amount of structure": dial, "gatys, content weight": tried or rivals[:2]}
    singles = [painter for painter in rivals if not painter.name.startswith("gatys")]
    points = pd.concat([bench.measured(p, diagonal) for p in (*(p for f in families.values() for p in f), *singles)])
    names = {family: [painter.name for painter in members] for family, members in families.items()}
    for form in ("png", "svg", "pdf"):
        (args.out / f"frontier.{form}").write_bytes(frontier(points, families=names, form=form))
    sheet([ours, *rivals], diagonal[:SHOWN], bench).save(args.out / "sheet.png")
    print(f"\n{args.out}/peers.csv, frontier.png and sheet.png", flush=True)


if __name__ == "__main__":
    main()
