"""The effect of `jitter` on the depth term: the same cells, painted with it and without.

    python -m training.compare_depth_jitter --keep FOLDER [docs/depth_jitter.jpg]
                                      [--size 192] [--high 5] [--cells astronaut:nocturne ...]

With jitter, the depth network sees a shifted, blurred and noisy view of the pastiche. Each cell is painted without a
depth term, with the recipe's own depth weight and with one that is deliberately too high, each with jitter and without.
Depth that a picture really shows is found in either view, and by another network; depth that the optimiser faked for
the network, as dots, is found in the plain view alone. The table gives the distance of the depth from the content's in
both views and by the judge of metrics, and how much fine pattern the depth term adds where the content is flat.
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

COLUMNS = ("cell", "depth weight", "jitter", "plain view", "blurred view", "judge", "fine pattern", "added")
VIEWS = 16
CAPTION = 16
QUALITY = 88

Row = list[tuple[Image.Image, str]]
"""Pictures of one size, each with its caption."""


@torch.no_grad()
def plain_distance(pastiche: Tensor, content_picture: Tensor, depth: DepthEstimator) -> float:
    """The depth term between two pictures (1, 3, H, W) that the network sees whole and without noise."""
    return float(depth_loss(depth(pastiche), depth(content_picture)))


@torch.no_grad()
def blurred_distance(pastiche: Tensor, content_picture: Tensor, depth: DepthEstimator) -> float:
    """The depth term averaged over views as in the optimisation: shifted, blurred, and with the same noise in both."""
    generator = torch.Generator().manual_seed(0)
    whole = [framed(x, MARGIN) for x in (pastiche, content_picture)]
    height, width = content_picture.shape[2:]
    distances = []
    for _ in range(VIEWS):
        top, left = torch.randint(0, 2 * MARGIN + 1, (2,), generator=generator).tolist()
        noise = torch.randn(content_picture[:, :1].shape, generator=generator)
        view = View((..., slice(top, top + height), slice(left, left + width)), noise)
        seen, wanted = (depth(view.depth_input(x)) for x in whole)
        distances.append(float(depth_loss(seen, wanted)))
    return sum(distances) / VIEWS


@torch.no_grad()
def judged_error(pastiche: Tensor, content_picture: Tensor, judges: Judges) -> float:
    """1 − rank correlation of the judge's depths, as in the metric ``depth_error``."""
    own, wanted = (judges.depth(x)[0, 0].double().numpy() for x in (pastiche, content_picture))
    return 1 - rank_correlation(own, wanted)


def compare(cell: str, high: float, recipe: Recipe, models: Models, keep: Path) -> tuple[list[list[str]], Row]:
    """One cell's rows of the table, and its row of the sheet.

    Raises:
        InputError: no such sample.
    """
    contents, styles = samples.contents(), samples.styles()
    content, _, style = cell.partition(":")
    if content not in contents or style not in styles:
        raise InputError(f'no cell "{cell}": contents are {", ".join(contents)}; styles {", ".join(styles)}')
    x = image_io.to_tensor(contents[content])
    content_picture = image_io.resize(x, *image_io.fit(x.shape[2], x.shape[3], recipe.size))
    judges, lines, pictures = load_judges(models.device), [], []
    for jitter in (False, True):
        word, bare = "with" if jitter else "without", 0.0
        for weight in (0.0, recipe.weights.depth, high):
            weights = recipe.weights.model_copy(update={"depth": weight})
            changed = recipe.model_copy(update={"weights": weights, "jitter": jitter})
            path = keep / f"{content}-{style}-{word}-{weight:g}.png"
            if not path.exists():
                stylize(contents[content], styles[style], recipe=changed, models=models).image.save(path)
            pastiche = image_io.read(path)
            plain, blurred = (f(pastiche, content_picture, models.depth) for f in (plain_distance, blurred_distance))
            judged = judged_error(pastiche, content_picture, judges)
            fine = weave(pastiche, content_picture).strength
            bare = bare if weight else fine
            figures = (f"{plain:.3f}", f"{blurred:.3f}", f"{judged:.3f}", f"{fine:.2f}", f"{fine - bare:+.2f}")
            lines.append([cell, f"{weight:g}", word, *figures])
            pictures.append((image_io.to_image(pastiche), f"{word} jitter, depth {weight:g}"))
    return lines, pictures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=Path("docs/depth_jitter.jpg"), help="the sheet")
    parser.add_argument(
        "--keep", type=Path, required=True, help="folder for the pastiches; an interrupted run resumes there"
    )
    parser.add_argument("--size", type=int, default=192, help="long side of the pastiches in pixels")
    parser.add_argument("--high", type=float, default=5.0, help="the depth weight that is deliberately too high")
    parser.add_argument(
        "--cells",
        nargs="+",
        default=["astronaut:nocturne", "coffee:harvest"],
        metavar="CONTENT:STYLE",
        help="sample pairs",
    )
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
