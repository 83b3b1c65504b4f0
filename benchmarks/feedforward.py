"""A painter trained with the structure terms beside the same without them, the optimiser and Magenta's network.

    python -m benchmarks.feedforward --style FILE --train DIR --content DIR --out DIR
                                     [--minutes 40] [--size 512] [--profile vgg16] [--device auto]

Two painters are trained for the style on the contents in `--train`, each for so many minutes: one by `fast_structure`,
one by the same without edges and depth. Each is kept at a quarter and at half of its training as well. Then all of
them, the optimiser by `structure`, and `instant` paint the contents in `--content`, which no training has seen. Printed
are means of edge error, depth error and patch distance by judges outside every loss, of the style distance, and of the
seconds a picture; a sheet shows the pictures. What the folder holds from before is neither trained nor painted again,
and a training that was stopped goes on where it was.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd
import torch
from PIL import Image

from benchmarks.painters import pictures
from benchmarks.peers import MEASURED, SHOWN, Bench, printed, sheet
from spnst_core.imaging import io as image_io
from spnst_core.metrics.judges import load_judges
from spnst_core.models.profiles import fetch_models, load_models
from spnst_core.painters.course import course, resume, split, to_checkpoint
from spnst_core.painters.painter import Painter, style_digest
from spnst_core.painters.training import Plan, Training, reduced
from spnst_core.recipes.recipe import Recipe

KEPT = (0.25, 0.5, 1.0)
"""Shares of a training after which its painter is kept."""

RECIPES: Mapping[str, Mapping[str, float]] = {"with structure": {}, "without": {"edge": 0.0, "depth": 0.0}}
"""The painters, and what the weights of each are in place of those of `fast_structure`."""

KEPT_SECONDS = 60.0
"""Seconds between two checkpoints of a training."""


@dataclass(frozen=True)
class OnePass:
    """A trained painter, as `benchmarks.painters` compares painters."""

    name: str
    file: Path
    size: int
    device: torch.device

    @property
    def identity(self) -> str:
        """Its file and the size it paints at."""
        return f"{sha256(self.file.read_bytes()).hexdigest()} {self.size}"

    def paint(self, content: Path, styles: list[Path]) -> Iterator[tuple[Path, Image.Image, float]]:
        """The content, by the painter's own style; seconds are those of the second of two passes."""
        painter, picture = Painter.from_bytes(self.file.read_bytes(), self.name), image_io.read(content)
        for style in styles:
            painter.paint(picture, self.size, self.device)
            began = time.perf_counter()
            pastiche = painter.paint(picture, self.size, self.device)
            yield style, image_io.to_image(pastiche), time.perf_counter() - began


def trained(bench: Bench, name: str, plan: Plan, style: Path, contents: list[Path]) -> list[Path]:
    """Files of a painter of `RECIPES` after each share of `KEPT`; it is trained if one of them isn't there."""
    minutes = [round((plan.minutes or 0) * share, 2) for share in KEPT]
    files = [bench.out / "painters" / f"{style.stem}-{name}-{each:g}min.safetensors" for each in minutes]
    if all(file.exists() for file in files):
        return files
    files[0].parent.mkdir(parents=True, exist_ok=True)
    picture, checkpoint = image_io.read(style), files[-1].with_suffix(".checkpoint")
    recipe = Recipe.load("fast_structure").suited_to(bench.models.encoder.name).with_weights(RECIPES[name])
    seen, held_out = split({file.name: reduced(image_io.read(file), plan.size) for file in contents})
    training = Training(picture, list(seen.values()), list(held_out.values()), recipe, bench.models, plan)
    if checkpoint.exists():
        resume(training, checkpoint.read_bytes())
    saved = time.monotonic()
    for step in course(training):
        if step.validation:
            told = ", ".join(f"{term} {value:.3f}" for term, value in step.validation[0].losses.items())
            print(f"  {name}: step {training.steps}, {training.seconds / 60:.1f} min: {told}", flush=True)
        for file, share in zip(files, KEPT, strict=True):
            if training.share >= share and not file.exists() and training.validations:
                file.write_bytes(Painter.trained(training, style_digest(picture), {}).to_bytes())
        if time.monotonic() - saved > KEPT_SECONDS:
            checkpoint.write_bytes(to_checkpoint(training))
            saved = time.monotonic()
    for file in files:  # a training that flattens ends before its budget
        if not file.exists():
            file.write_bytes(Painter.trained(training, style_digest(picture), {}).to_bytes())
    return files


def main() -> None:
    """Train, paint and measure what is missing, print the means and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("style", "train", "content", "out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=40.0, help="minutes of each training")
    parser.add_argument("--size", type=int, default=512, help="long side in pixels of the pastiches")
    parser.add_argument("--profile", default="vgg16", help="the networks that the losses look through")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    fetch_models(args.profile)
    torch.set_flush_denormal(True)
    models = load_models(args.profile, args.device)
    bench = Bench(models, load_judges(models.device), args.size, args.out, (*MEASURED, "style_distance"))
    plan = Plan(size=args.size, minutes=args.minutes)
    contents = pictures(args.content)
    cells = [(content, args.style) for content in contents]

    painters = []
    for name in RECIPES:
        files = trained(bench, name, plan, args.style, pictures(args.train))
        for file in files:
            painters.append(OnePass(file.stem.removeprefix(f"{args.style.stem}-"), file, args.size, models.device))
    optimised = bench.painter(Recipe.load("structure"))
    instant = bench.painter(Recipe.load("instant"), "magenta")
    everyone = [*painters, optimised, instant]
    table = pd.concat([bench.measured(painter, cells) for painter in everyone])
    table.to_csv(args.out / "feedforward.csv", index=False)
    with_structure, without = painters[len(KEPT) - 1].name, painters[-1].name
    printed(table, [(with_structure, without), (with_structure, "structure"), (with_structure, "magenta")])
    shown = [*painters[: len(KEPT)], painters[-1], optimised, instant]
    sheet(shown, cells[:SHOWN], bench).save(args.out / "sheet.png")
    print(f"\n{args.out}/feedforward.csv and sheet.png", flush=True)


if __name__ == "__main__":
    main()
