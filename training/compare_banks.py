"""Compare the shipped filter bank with a bank learned for each pair alone.

    python -m training.compare_banks OUT CONTENT:STYLE ... [--size 192] [--recipe structure] [--seed 0]

For each pair it prints the distance of either pastiche's patches to the style's, the weave in the content's flat
regions, and how far the edges are from the content's; `OUT/banks.png` shows them: content, style, fixed bank,
own bank. Each pastiche is kept in OUT, and a run that was stopped goes on from there.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor

from spnst_core import InputError, Recipe, load_models, stylize
from spnst_core.imaging import io as image_io
from spnst_core.models.embedded.encoder import PatchEncoder
from spnst_core.models.profiles import Models
from spnst_core.objective.losses import edge_loss
from training.fit_encoder import SIZES, fit
from training.painting_scores import patch_distance, weave

COLUMNS = ("pair", "bank", "patch distance", "weave, levels", "weave, share", "edge distance")


def own_bank(content: Tensor, style: Tensor, seed: int) -> PatchEncoder:
    """A bank learned from one pair alone, each picture at the sizes of the shipped bank's corpus."""
    pictures = [
        image_io.resize(x, *image_io.fit(x.shape[2], x.shape[3], size)) for x in (content, style) for size in SIZES
    ]
    return fit(pictures, seed).eval()


@torch.no_grad()
def judge(pastiche: Tensor, content: Tensor, style: Tensor, models: Models) -> list[str]:
    """Patch distance, weave in levels and as a share, and edge distance; the pictures share a long side."""
    calibration = models.edges.calibrate(content)
    seen, wanted = (models.edges.maps(x, calibration) for x in (pastiche, content))
    woven = weave(pastiche, content)
    figures = (patch_distance(pastiche, style), woven.strength, woven.share, float(edge_loss(seen, wanted)))
    return [f"{figure:.3f}" for figure in figures]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the pastiches")
    parser.add_argument("pairs", nargs="+", metavar="CONTENT:STYLE", help="picture files")
    parser.add_argument("--size", type=int, default=192, help="long side of the pastiches in pixels")
    parser.add_argument("--recipe", default="structure", help="the recipe to paint by")
    parser.add_argument("--seed", type=int, default=0, help="seed of the banks that are learned for each pair")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    options.out.mkdir(parents=True, exist_ok=True)
    table = Table(*COLUMNS, box=box.MARKDOWN)
    try:
        models, recipe = load_models("embedded", "cpu"), Recipe.load(options.recipe).with_size(options.size)
        rows = [_compare(pair, recipe, models, options.seed, options.out, table) for pair in options.pairs]
    except InputError as error:
        sys.exit(str(error))
    Console(width=140).print(table)
    image_io.to_image(torch.cat(rows, 2)).save(options.out / "banks.png")


def _compare(pair: str, recipe: Recipe, models: Models, seed: int, out: Path, table: Table) -> Tensor:
    """One pair's rows of the table, and its row of the sheet, (1, 3, size, 4·size)."""
    names = [Path(name) for name in pair.split(":")]
    if len(names) != 2:
        raise InputError(f'"{pair}" names no pair: write CONTENT:STYLE')
    full = [image_io.read(name) for name in names]
    content, style = (image_io.resize(x, *image_io.fit(x.shape[2], x.shape[3], recipe.size)) for x in full)
    label, cells = " × ".join(name.stem for name in names), [content, style]
    table.add_row(label, "(content)", *judge(content, content, style, models))
    woven = weave(style)
    table.add_row("", "(style)", "0.000", f"{woven.strength:.3f}", f"{woven.share:.3f}", "")
    for bank in ("fixed", "own"):
        path = out / f"{names[0].stem}-{names[1].stem}-{bank}.png"
        if not path.exists():
            encoder = models.encoder if bank == "fixed" else own_bank(full[0], full[1], seed)
            stylize(full[0], full[1], recipe=recipe, models=replace(models, encoder=encoder)).image.save(path)
        cells.append(image_io.read(path))
        table.add_row("", bank, *judge(cells[-1], content, style, models))
    return torch.cat([_square(cell, recipe.size) for cell in cells], 3)


def _square(x: Tensor, side: int) -> Tensor:
    """On white."""
    canvas = torch.ones(1, 3, side, side)
    canvas[..., : x.shape[2], : x.shape[3]] = x
    return canvas


if __name__ == "__main__":
    main()
