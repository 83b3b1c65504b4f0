"""What regions hold: how near each is to its style, and how much of the other style's colours it has.

    python -m benchmarks.regions [--profile vgg16] [--device auto] [--size 384]

The content `coffee` is painted by `structure` in `nocturne` with its cup in `harvest`, in each of the two alone, and in
each with the other region as it is. The style distance inside a region is the loss's own, from statistics in which each
place counts by the mask. A colour is one of 512, eight levels of red, green and blue each; it is the other style's if
ten times as many of the region's pixels have it in the pastiche in that style as in the one in which the region alone
is painted, in its own. Colours are counted further than 8 px from the mask's edge.
"""

import argparse
import time

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFilter
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.timing import finished
from spnst_core import Recipe, Region, load_models, samples, stylize
from spnst_core.imaging import io as image_io
from spnst_core.imaging.planes import at_shape
from spnst_core.models.profiles import Models, fetch_models
from spnst_core.objective.targets import StyleTargets
from spnst_core.objective.terms.style import style_misfit

CONTENT, STYLES = "coffee", {"table": "nocturne", "cup": "harvest"}
"""The content, and the styles of its two regions."""

ONLY = {"table": "cup as it is", "cup": "table as it is"}
"""What the pastiche is called in which a region alone is painted."""

TOGETHER = "both styles"

EDGE = 8
"""Pixels from a mask's edge within which colours aren't counted: there the soft edge mixes both styles."""

LEVELS, TIMES = 8, 10
"""Levels of a channel that make a colour, and how many times as many pixels make it the other style's."""


def cup_mask(size: tuple[int, int]) -> Image.Image:
    """Cup, saucer and spoon of the sample content, white on black with a soft edge."""
    width, height = size
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    for left, top, right, bottom in ((0.074, 0.19, 0.886, 0.965), (0.27, 0.035, 0.72, 0.6)):
        draw.ellipse((left * width, top * height, right * width, bottom * height), fill=255)
    spoon = ((0.66, 0.3), (0.715, 0.19), (0.75, 0.155), (0.775, 0.18), (0.75, 0.32))
    draw.polygon([(x * width, y * height) for x, y in spoon], fill=255)
    return mask.filter(ImageFilter.GaussianBlur(width / 160))


def inside(plane: Tensor, edge: int = EDGE) -> Tensor:
    """Where nothing within ``edge`` pixels of a place belongs more to another region, (1, 1, H, W) of bool."""
    other = (plane < 0.5).float()
    return F.max_pool2d(other, 2 * edge + 1, stride=1, padding=edge) == 0


def colours(pastiche: Tensor, where: Tensor) -> Tensor:
    """How many pixels have each colour, (512,), of a pastiche (1, 3, H, W) in [0, 1] at the places of (1, 1, H, W)."""
    level = (pastiche * LEVELS).long().clamp(0, LEVELS - 1)
    index = (level[:, 0] * LEVELS + level[:, 1]) * LEVELS + level[:, 2]
    return torch.bincount(index[where[:, 0]], minlength=LEVELS**3)


def foreign_share(pastiche: Tensor, own: Tensor, other: Tensor, where: Tensor) -> float:
    """The share of the other style's colours at some places of a pastiche.

    Args:
        own: the pastiche in which this region alone is painted, in its style, (1, 3, H, W).
        other: the pastiche in the other style.
        where: (1, 1, H, W) of bool.
    """
    found, in_own, in_other = (colours(x, where) for x in (pastiche, own, other))
    return (found[in_other > TIMES * in_own].sum() / found.sum()).item()


def paint(recipe: Recipe, models: Models, mask: Tensor) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Pastiches (1, 3, H, W) and the seconds that each took: in each style, in both, and with one region kept."""
    content, styles = samples.contents()[CONTENT], samples.styles(512)
    table, cup = (styles[name] for name in STYLES.values())
    asked = {
        "table": (table, None),
        "cup": (cup, None),
        TOGETHER: (table, {"cup": Region(mask, cup)}),
        ONLY["table"]: (table, {"keep": Region(mask)}),
        ONLY["cup"]: (cup, {"keep": Region(1 - mask)}),
    }
    pastiches, seconds = {}, {}
    for name, (style, regions) in asked.items():
        began = time.perf_counter()
        pastiches[name] = stylize(content, style, recipe, models, regions=regions).pixels
        seconds[name] = finished(models.device) - began
    return pastiches, seconds


def distance(pastiche: Tensor, style: StyleTargets, recipe: Recipe, models: Models, plane: Tensor) -> float:
    """The style distance of a pastiche where a plane (1, 1, H, W) in [0, 1] says."""
    with torch.no_grad():
        return style_misfit(pastiche.to(models.device), [style], recipe, models, plane.to(models.device)).item()


def main() -> None:
    """Paint, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="vgg16", help="networks to paint with")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=384, help="long side in pixels")
    given = parser.parse_args()
    fetch_models(given.profile)
    torch.set_flush_denormal(True)
    models = load_models(given.profile, given.device)
    recipe = Recipe.load("structure").suited_to(models.encoder.name).with_size(given.size)
    content = samples.contents()[CONTENT]
    mask = cup_mask(content.size)
    white = image_io.to_tensor(mask.convert("RGB"))[:, :1]
    pastiches, seconds = paint(recipe, models, white)
    cup = at_shape(white, *pastiches[TOGETHER].shape[2:])
    planes = {"table": 1 - cup, "cup": cup}
    table = Table("", *(f"{region}, in {style}" for region, style in STYLES.items()))
    rows: dict[str, list[str]] = {}
    for region, other in (("table", "cup"), ("cup", "table")):
        picture = image_io.to_tensor(samples.styles(512)[STYLES[region]])
        style = StyleTargets.compute(picture, models, recipe.style_sizes, recipe.style_layers(models.encoder))
        compared = {"in both styles": TOGETHER, "in its style alone": region, "in the other style": other}
        compared["with the other region as it is"] = ONLY[region]
        for name, pastiche in compared.items():
            found = distance(pastiches[pastiche], style, recipe, models, planes[region])
            rows.setdefault(f"style distance, painted {name}", []).append(f"{found:.2f}")
        where = inside(planes[region])
        for name, pastiche in (("in both styles", TOGETHER), ("in its style alone", region)):
            share = foreign_share(pastiches[pastiche], pastiches[ONLY[region]], pastiches[other], where)
            rows.setdefault(f"share of the other style's colours, painted {name}", []).append(f"{share:.1%}")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    Console().print(table)
    print("seconds:", ", ".join(f"{name} {value:.0f}" for name, value in seconds.items()))


if __name__ == "__main__":
    main()
