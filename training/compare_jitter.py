"""Show what the depth network's shifted, softened and noisy view (`jitter`) is for: the same cells with and without.

    python -m training.compare_jitter --keep FOLDER [docs/depth_jitter.jpg]
                                      [--size 192] [--high 5] [--cells astronaut:nocturne ...]

Each cell is painted without a depth term, with the recipe's own depth weight and with one deliberately too high, each
with jitter and without. A depth that is really there is seen through either view, and by another network; one that is
only painted for the network, as dots, is seen through the plain view alone. The table says how far the depth is from
the photograph's in both views and by the judge of metrics, and how much fine pattern the depth term adds where the
photograph is flat.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor

from spnst_core import InputError, Recipe, load_models, samples, stylize
from spnst_core.imaging import io as image_io
from spnst_core.metrics.judges import Judges, load_judges
from spnst_core.metrics.structure import rank_correlation
from spnst_core.models.profiles import Models
from spnst_core.models.roles import DepthEstimator
from spnst_core.objective.canvas import framed
from spnst_core.objective.losses import depth_loss
from spnst_core.objective.view import View
from spnst_core.recipes.recipe import MARGIN
from training.painting_scores import weave

COLUMNS = ("cell", "depth weight", "jitter", "plain view", "softened view", "judge", "fine pattern", "added")
VIEWS = 16
CAPTION = 16
QUALITY = 88

Row = list[tuple[Image.Image, str]]
"""Pictures of one size, each with its caption."""


@torch.no_grad()
def plain_distance(pastiche: Tensor, photograph: Tensor, depth: DepthEstimator) -> float:
    """The depth term between two pictures (1, 3, H, W) as the network sees them whole and clean."""
    return float(depth_loss(depth(pastiche), depth(photograph)))


@torch.no_grad()
def softened_distance(pastiche: Tensor, photograph: Tensor, depth: DepthEstimator) -> float:
    """The same, averaged over views as the optimiser shows them: both shifted, softened and under the same noise."""
    generator = torch.Generator().manual_seed(0)
    whole = [framed(x, MARGIN) for x in (pastiche, photograph)]
    height, width = photograph.shape[2:]
    distances = []
    for _ in range(VIEWS):
        top, left = torch.randint(0, 2 * MARGIN + 1, (2,), generator=generator).tolist()
        noise = torch.randn(photograph[:, :1].shape, generator=generator)
        view = View((..., slice(top, top + height), slice(left, left + width)), noise)
        seen, wanted = (depth(view.depth_input(x)) for x in whole)
        distances.append(float(depth_loss(seen, wanted)))
    return sum(distances) / VIEWS


@torch.no_grad()
def judged_error(pastiche: Tensor, photograph: Tensor, judges: Judges) -> float:
    """1 − rank correlation of what the judge sees, as in the metric ``depth_error``."""
    own, wanted = (judges.depth(x)[0, 0].double().numpy() for x in (pastiche, photograph))
    return 1 - rank_correlation(own, wanted)


def compare(cell: str, high: float, recipe: Recipe, models: Models, keep: Path) -> tuple[list[list[str]], Row]:
    """One cell's rows of the table, and its row of the sheet.

    Raises:
        InputError: no such sample.
    """
    photographs, styles = samples.contents(), samples.styles()
    content, _, style = cell.partition(":")
    if content not in photographs or style not in styles:
        raise InputError(f'no cell "{cell}": photographs are {", ".join(photographs)}; styles {", ".join(styles)}')
    x = image_io.to_tensor(photographs[content])
    photograph = image_io.resize(x, *image_io.fit(x.shape[2], x.shape[3], recipe.size))
    judges, lines, pictures = load_judges(models.device), [], []
    for jitter in (False, True):
        word, bare = "with" if jitter else "without", 0.0
        for weight in (0.0, recipe.weights.depth, high):
            weights = recipe.weights.model_copy(update={"depth": weight})
            changed = recipe.model_copy(update={"weights": weights, "jitter": jitter})
            path = keep / f"{content}-{style}-{word}-{weight:g}.png"
            if not path.exists():
                stylize(photographs[content], styles[style], recipe=changed, models=models).image.save(path)
            pastiche = image_io.read(path)
            plain, softened = (f(pastiche, photograph, models.depth) for f in (plain_distance, softened_distance))
            judged = judged_error(pastiche, photograph, judges)
            fine = weave(pastiche, photograph).strength
            bare = bare if weight else fine
            figures = (f"{plain:.3f}", f"{softened:.3f}", f"{judged:.3f}", f"{fine:.2f}", f"{fine - bare:+.2f}")
            lines.append([cell, f"{weight:g}", word, *figures])
            pictures.append((image_io.to_image(pastiche), f"{word} jitter, depth {weight:g}"))
    return lines, pictures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=Path("docs/depth_jitter.jpg"))
    parser.add_argument("--keep", type=Path, required=True, help="folder for the pictures; a stopped run goes on there")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--high", type=float, default=5.0, help="the depth weight that is too high")
    parser.add_argument("--cells", nargs="+", default=["astronaut:nocturne", "coffee:harvest"], metavar="PHOTO:STYLE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    options.keep.mkdir(parents=True, exist_ok=True)
    try:
        models, recipe = load_models("embedded", "cpu"), Recipe.load("structure").with_size(options.size)
        found = [compare(cell, options.high, recipe, models, options.keep) for cell in options.cells]
    except InputError as error:
        sys.exit(str(error))
    table = Table(*COLUMNS, box=box.MARKDOWN)
    for lines, _ in found:
        for line in lines:
            table.add_row(*line)
    Console(width=120).print(table)
    sheet([pictures for _, pictures in found]).save(options.out, quality=QUALITY, optimize=True)


def sheet(rows: Sequence[Row]) -> Image.Image:
    """Pictures in rows, each under its caption; all pictures of a row have one size."""
    width = sum(picture.width for picture, _ in rows[0])
    canvas = Image.new("RGB", (width, sum(row[0][0].height + CAPTION for row in rows)), "white")
    draw, top = ImageDraw.Draw(canvas), 0
    for row in rows:
        left = 0
        for picture, caption in row:
            draw.text((left + 3, top + 2), caption, "black")
            canvas.paste(picture, (left, top + CAPTION))
            left += picture.width
        top += row[0][0].height + CAPTION
    return canvas


if __name__ == "__main__":
    main()
