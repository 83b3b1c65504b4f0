"""What each control costs: seconds of a pastiche with it, over those of the same pastiche without.

    python -m benchmarks.control [--profile vgg16] [--device auto] [--size 256] [--pairs 1]

The content `coffee` is painted by `structure` in `nocturne`, with each control and without any in turn; the ratio
is the median over the pairs. Models are loaded once, beforehand; everything else counts.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.timing import finished, in_turn
from spnst_core import Band, Blend, Recipe, Region, load_models, samples, stylize
from spnst_core.models.profiles import Models, fetch_models

CONTENT, STYLE, OTHER = "coffee", "nocturne", "harvest"


def disc(width: int, height: int) -> npt.NDArray[np.float32]:
    """A soft disc in the middle, (height, width) in [0, 1]."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    distance = np.hypot((x - width / 2) / width, (y - height / 2) / height)
    return np.clip((0.3 - distance) / 0.02, 0, 1).astype(np.float32)


def controls(recipe: Recipe, models: Models) -> Mapping[str, Callable[[], Any]]:
    """A function that paints with each control, by what it is called."""
    content, styles = samples.contents()[CONTENT], samples.styles(512)
    style, other, mask = styles[STYLE], styles[OTHER], disc(*content.size)
    cut_out = content.convert("RGBA")
    cut_out.putalpha(Image.fromarray((255 * mask).astype(np.uint8)))
    ramp = np.linspace(0, 1, content.height, dtype=np.float32)[:, None].repeat(content.width, 1)
    small = stylize(content, style, recipe, models, recipe.size // 2).image

    def paint(
        recipe: Recipe = recipe,
        content: Image.Image = content,
        style: Image.Image | Blend = style,
        **options: Any,
    ) -> Callable[[], Any]:
        return lambda: stylize(content, style, recipe, models, **options)

    return {
        "none": paint(),
        "colours of the content": paint(recipe.with_colour("content")),
        "colours matched": paint(recipe.with_colour("match")),
        "half the style's strength": paint(recipe.with_style_strength(0.5)),
        "a blend of two styles": paint(style=Blend([style, other])),
        "a region in another style": paint(regions={"disc": Region(mask, other)}),
        "a region that stays as it is": paint(regions={"keep": Region(mask)}),
        "a band of depth in another style": paint(regions={"near": Region(Band(0.6, 1.0), other)}),
        "large strokes in a band of depth": paint(regions={"far": Region(Band(0.0, 0.4), strokes="large")}),
        "a map of detail": paint(detail_map=mask),
        "maps of depth and edges": paint(depth_map=ramp, edge_map=mask),
        "a transparent content": paint(content=cut_out),
        "upscaled from half the size": paint(upscale_from=small),
    }


def main() -> None:
    """Time every control and print the table."""
    parser = argparse.ArgumentParser(description=(main.__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="vgg16")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=256, help="long side in pixels")
    parser.add_argument("--pairs", type=int, default=1, help="how often each is painted")
    options = parser.parse_args()
    fetch_models(options.profile)
    torch.set_flush_denormal(True)
    models = load_models(options.profile, options.device)
    recipe = Recipe.load("structure").suited_to(models.encoder.name).with_size(options.size)

    def seconds(paint: Callable[[], Any]) -> float:
        began = time.perf_counter()
        paint()
        return finished(models.device) - began

    painting = controls(recipe, models)
    plain = painting["none"]
    plain()  # what is compiled and cached on the way isn't counted
    table = Table("control", "seconds", "without", "ratio", title=f"{options.profile}, {options.size} px")
    for name, paint in painting.items():
        found = in_turn(lambda: seconds(plain), lambda paint=paint: seconds(paint), options.pairs)  # type: ignore[misc]
        table.add_row(name, f"{median(found.ours):.1f}", f"{median(found.plain):.1f}", f"{1 / found.ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
