"""Cost of checkpoints: the share of painting's time that keeping a batch takes.

    python -m benchmarks.checkpoints [--profile vgg16] [--recipe structure] [--size 256] [--cells 4] [--steps 6]

A batch is painted at full size while its keeper follows, as in a run. Timed are a step, what the keeper does after each
step, and one checkpoint of the batch, written to OUT and flushed to the disk, as happens every `checkpoint_seconds`.
"""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.figures import Figure, machine, table_of
from benchmarks.timing import content_samples, finished, library_steps, style_samples
from spnst_core import Recipe, load_models
from spnst_core.models.profiles import Models
from spnst_core.optim.optimize import Iterate
from spnst_core.recipes.recipe import Stage
from spnst_pipeline.artefacts.checkpoint import Checkpoint
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.defs.checkpoints import Checkpoints, Keeper
from spnst_pipeline.settings import Settings
from spnst_pipeline.storage.store import Store

INTERVAL = float(Settings.model_fields["checkpoint_seconds"].default)
"""Seconds between two checkpoints of a run, unless its settings say otherwise."""


class Timed(Checkpoints):
    """Checkpoints that note how long each took to write."""

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__(Store.open(str(folder)), seconds, print)
        self.took: list[float] = []

    def write(self, cells: Iterable[tuple[Artefact, Checkpoint]]) -> None:
        """As `Checkpoints.write`."""
        began = time.perf_counter()
        super().write(cells)
        self.took.append(time.perf_counter() - began)


def measured(models: Models, recipe: Recipe, cells: int, folder: Path) -> tuple[float, float, float]:
    """Seconds of a step, of following one without keeping it, and of a checkpoint of the batch."""
    content, styles = next(iter(content_samples(1).values())), style_samples(cells, 512)
    pastiches = [Artefact(ArtefactId("pastiche", recipe.name, "content", style), "0") for style in styles]
    rare, often = Timed(folder, 1e9), Timed(folder, 1e-9)
    keepers = [Keeper(checkpoints, pastiches, [], lambda _: None) for checkpoints in (rare, often)]
    steps, following = list[float](), list[float]()
    before = finished(models.device)
    for iterate in library_steps(content, list(styles.values()), recipe, models):
        assert isinstance(iterate, Iterate)
        after = finished(models.device)
        steps.append(after - before)
        keepers[0].follow(iterate)
        following.append(finished(models.device) - after)
        keepers[1].follow(iterate)
        before = finished(models.device)
    return median(steps[1:]), median(following), median(often.took)


def main() -> None:
    """Print the seconds and the share."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="vgg16", help="the networks to paint with")
    parser.add_argument("--recipe", default="structure")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=256, help="long side of the pastiches in pixels")
    parser.add_argument("--cells", type=int, default=4, help="cells in the batch")
    parser.add_argument("--steps", type=int, default=6)
    args = parser.parse_args()
    models = load_models(args.profile, args.device)
    changes = {"stages": (Stage(steps=args.steps),), "flat": 0.0}
    recipe = Recipe.load(args.recipe).suited_to(models.encoder.name).with_size(args.size).model_copy(update=changes)
    with TemporaryDirectory() as folder:
        step, following, checkpoint = measured(models, recipe, args.cells, Path(folder))
    share = following / step + checkpoint / INTERVAL
    print(machine(models.device))
    figures = [
        Figure("milliseconds of a step of the batch", 1e3 * step, form="{:.1f}"),
        Figure("milliseconds of following a step", 1e3 * following, form="{:.2f}"),
        Figure("milliseconds of a checkpoint", 1e3 * checkpoint, form="{:.1f}"),
        Figure("percent of the time", 100 * share, must=2.0, better="lower", form="{:.2f}"),
    ]
    Console().print(table_of(figures))


if __name__ == "__main__":
    main()
