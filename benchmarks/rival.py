"""What the structure terms are worth: two comparisons over a grid, by judges that take no part in the optimisation.

    python -m benchmarks.rival --content DIR --style DIR --out DIR [--size 256] [--profile embedded] [--match M]

The first is `structure` against `gatys`: the same weights without the structure terms. The second is against a strong
rival, `gatys` with its content weight raised until its style distance is that of `structure`. That weight is searched
for on cells of the diagonal, by painting them; the rival then paints the whole grid. What is in the store already isn't
made again.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from itertools import cycle
from statistics import mean

import pandas as pd
from scipy.optimize import brentq

from spnst_core.imaging import io as image_io
from spnst_core.metrics.comparison import compare
from spnst_core.metrics.registry import measure
from spnst_core.models.profiles import fetch_models
from spnst_core.objective.targets import StyleTargets
from spnst_core.stylize import stylize
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.cli.execution import Execution, open_home
from spnst_pipeline.defs.assets.tables import read_table
from spnst_pipeline.defs.headline import BASELINE, CANDIDATE, interval
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings

HIGHEST = 16.0
"""Content weight beyond which no rival is looked for."""

CLOSE = 0.05
"""Relative error of the weight that is good enough."""

SHOWN = (
    *("patch_distance", "style_distance", "edge_error", "depth_error", "depth_misfit", "edge_iou"),
    *("canny_f", "ssim", "lpips", "sifid"),
)


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


def diagonal_distance(project: Project, metric: str) -> Callable[[float], float]:
    """A function from a content weight to the mean style distance of `gatys` with it, on cells of the diagonal."""
    store, models, judges = project.store, project.models, project.judges
    recipe = next(recipe for recipe in project.recipes if recipe.name == BASELINE)
    content_pictures = {
        name: image_io.read(store.read(ArtefactId("content_image", content=name).path))
        for name in project.contents.pictures
    }
    style_pictures = {
        name: image_io.read(store.read(ArtefactId("style_image", style=name).path)) for name in project.styles.pictures
    }

    def distance(weight: float) -> float:
        heavier, found = recipe.with_weights({"content": weight}), []
        for content, style in diagonal(project):
            content_picture, style_picture = content_pictures[content], style_pictures[style]
            pastiche = image_io.to_tensor(stylize(content_picture, style_picture, recipe=heavier, models=models).image)
            targets = StyleTargets.from_bytes(store.read(ArtefactId("style_grams", style=style).path), models.device)
            scores = measure(content_picture, pastiche, style_picture, targets, models, judges)
            found.append(asdict(scores)["values"][metric])
        print(f"content weight {weight:.3f}: {metric} {mean(found):.4f} on {len(found)} cells", flush=True)
        return mean(found)

    return distance


def diagonal(project: Project) -> list[tuple[str, str]]:
    """Each content once, with the styles in turn."""
    return list(zip(project.contents.pictures, cycle(project.styles.pictures), strict=False))


def brought_up_to_date(project: Project, settings: Settings) -> pd.DataFrame:
    """The metric table after everything that was missing has been made."""
    with open_home(settings) as instance:
        execution = Execution(project, instance, Listener())
        execution.bring_up_to_date()
    assert not execution.failed, execution.failed
    return read_table(project.store)


def printed(table: pd.DataFrame, against: str) -> None:
    """The comparison of `structure` with another recipe, metric by metric."""
    compared = compare(table)
    chosen = compared[(compared["recipe"] == CANDIDATE) & (compared["against"] == against)]
    rows = {row["metric"]: row for row in chosen.to_dict("records")}
    print(f"\n{CANDIDATE} against {against}, {chosen['cells'].max()} cells")
    print(f"{'':<16}{CANDIDATE:>10}{against[:14]:>15}{'change':>9}   95 % interval   better in")
    for key in filter(rows.__contains__, SHOWN):
        row = rows[key]
        bounds = interval(row["change_low"], row["change_high"])
        print(
            f"{key:<16}{row['mean']:>10.4f}{row['against_mean']:>15.4f}{row['change']:>+9.1%}   {bounds:<16}"
            f"{row['wins']:>6.0%}"
        )


def main() -> None:
    """Paint what is missing, find the rival, and print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("content", "style", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--size", type=int, default=256, help="long side of the pastiches in pixels")
    parser.add_argument("--profile", default="embedded", help="the networks to paint with")
    parser.add_argument("--match", default="style_distance", choices=("style_distance", "patch_distance"))
    parser.add_argument("--weight", type=float, help="the rival's content weight, if it is already known")
    args = parser.parse_args()
    settings = Settings.load(
        content=args.content,
        style=args.style,
        out=args.out,
        size=args.size,
        profile=args.profile,
        recipes=(CANDIDATE, BASELINE),
    )
    project = Project.open(settings)
    fetch_models(project.settings.profile, **project.overrides)
    project = checked(project)
    table = brought_up_to_date(project, settings)
    printed(table, BASELINE)
    weight = args.weight
    if weight is None:
        cells = pd.DataFrame(diagonal(project), columns=["content", "style"])
        goal = table[table["recipe"] == CANDIDATE].merge(cells)[args.match].mean()
        print(f"\n{CANDIDATE}: {args.match} {goal:.4f} on the diagonal", flush=True)
        weight = weight_for(diagonal_distance(project, args.match), goal)
    baseline = next(recipe for recipe in project.recipes if recipe.name == BASELINE)
    name = f"{BASELINE}_{args.match}"
    rival = baseline.with_weights({"content": round(weight, 3)}).model_copy(update={"name": name})
    print(f"{name}: {BASELINE} with content weight {weight:.3f}", flush=True)
    printed(brought_up_to_date(replace(project, recipes=(*project.recipes, rival)), settings), name)


if __name__ == "__main__":
    main()
