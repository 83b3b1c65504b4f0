"""The pictures of docs/control.md: what each control does, side by side.

    python -m benchmarks.pictures --out DIR [--profile vgg16] [--device auto] [--size 384] [--only NAME ...]

Sample contents are painted by `structure` in sample styles, with a control and without it. Each row of pictures is
written to DIR as a JPEG as soon as it is painted. Nothing is random: on the same machine the pictures are the same.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFilter
from rich.console import Console
from torch import Tensor

from benchmarks.regions import cup_mask
from spnst_core import Band, Blend, Recipe, Region, load_models, samples, stylize
from spnst_core.imaging import io as image_io
from spnst_core.models.fine_detail import fine_detail
from spnst_core.models.profiles import Models, fetch_models

CUP, WOMAN = "coffee", "astronaut"
NIGHT, FIELD, WAVE = "nocturne", "harvest", "woodblock"

WIDTH, GAP = 320, 8
"""Pixels that a picture in a row is wide, and between two of them."""

SQUARE = 10
"""Pixels of a square of the ground on which transparent pictures are shown."""


@dataclass
class Studio:
    """Sample pictures, and what is painted with them."""

    models: Models
    recipe: Recipe
    contents: Mapping[str, Image.Image] = field(default_factory=samples.contents)
    styles: Mapping[str, Image.Image] = field(default_factory=lambda: samples.styles(512))
    plain: dict[tuple[str, str], Image.Image] = field(default_factory=dict)

    def pastiche(self, content: str, style: str) -> Image.Image:
        """The pastiche without any control, painted once."""
        if (content, style) not in self.plain:
            self.plain[content, style] = self.paint(self.contents[content], self.styles[style])
        return self.plain[content, style]

    def paint(
        self, content: Image.Image, style: Image.Image | Blend, recipe: Recipe | None = None, **options: object
    ) -> Image.Image:
        """A pastiche with options of `stylize`."""
        chosen = recipe or self.recipe
        return stylize(content, style, chosen, self.models, **options).image  # type: ignore[arg-type]

    def seen(self, network: Callable[[Tensor], Tensor], content: str) -> Image.Image:
        """What a network sees in a content at the pastiche's size, from black, the least, to white."""
        picture = image_io.to_tensor(self.contents[content])
        height, width = picture.shape[2:]
        picture = image_io.resize(picture, *image_io.fit(height, width, self.recipe.size))
        with torch.no_grad():
            found = network(picture.to(self.models.device)).cpu()
        return image_io.to_image(((found - found.min()) / (found.max() - found.min())).expand(-1, 3, -1, -1))


def face(size: tuple[int, int]) -> Image.Image:
    """The face of the sample content, white on black with a soft edge."""
    width, height = size
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((0.325 * width, 0.14 * height, 0.56 * width, 0.54 * height), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(width / 80))


def plane(mask: Image.Image) -> Tensor:
    """A grey picture as a plane (1, 1, H, W) in [0, 1]."""
    return image_io.to_tensor(mask.convert("RGB"))[:, :1]


def on_squares(picture: Image.Image) -> Image.Image:
    """A transparent picture on a chequered ground."""
    ground = Image.new("RGB", picture.size, "white")
    draw = ImageDraw.Draw(ground)
    for top in range(0, picture.height, SQUARE):
        for left in range(top // SQUARE % 2 * SQUARE, picture.width, 2 * SQUARE):
            draw.rectangle((left, top, left + SQUARE - 1, top + SQUARE - 1), fill="#ccc")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def colours(studio: Studio) -> list[Image.Image]:
    """Content, style, and the pastiche in the style's colours, in the content's, and in the style's matched to them."""
    content, style = studio.contents[CUP], studio.styles[NIGHT]
    recipes = [studio.recipe.with_colour(colour) for colour in ("content", "match")]
    return [
        content,
        style,
        studio.pastiche(CUP, NIGHT),
        *(studio.paint(content, style, recipe) for recipe in recipes),
    ]


def strength(studio: Studio) -> list[Image.Image]:
    """A content, and pastiches of it that take on more and more of a style."""
    content, style = studio.contents[CUP], studio.styles[NIGHT]
    some = [studio.paint(content, style, studio.recipe.with_style_strength(share)) for share in (0.25, 0.5, 0.75)]
    return [content, *some, studio.pastiche(CUP, NIGHT)]


def blends(studio: Studio) -> list[Image.Image]:
    """A style, a content painted in it, in a blend of both, and in the other style, and the other style."""
    night, wave = studio.styles[NIGHT], studio.styles[WAVE]
    blend = studio.paint(studio.contents[CUP], Blend([night, wave]))
    return [night, studio.pastiche(CUP, NIGHT), blend, studio.pastiche(CUP, WAVE), wave]


def stages(studio: Studio) -> list[Image.Image]:
    """Two styles, and pastiches that take their large forms from one and their last strokes from the other."""
    night, wave = studio.styles[NIGHT], studio.styles[WAVE]
    first = [[1.0, 0.0]] * (len(studio.recipe.stages) - 1)
    orders = ([*first, [0.0, 1.0]], [*(share[::-1] for share in first), [1.0, 0.0]])
    both = [studio.paint(studio.contents[CUP], Blend([night, wave], order)) for order in orders]
    return [night, wave, *both]


def regions(studio: Studio) -> list[Image.Image]:
    """A content, the mask of its cup, and pastiches in one style, in two by the mask, and with the cup as it is."""
    content, night = studio.contents[CUP], studio.styles[NIGHT]
    mask = cup_mask(content.size)
    own = studio.paint(content, night, regions={"cup": Region(plane(mask), studio.styles[FIELD])})
    kept = studio.paint(content, night, regions={"keep": Region(plane(mask))})
    return [content, mask, studio.pastiche(CUP, NIGHT), own, kept]


def depth_bands(studio: Studio) -> list[Image.Image]:
    """A content, its depth, and pastiches with what is near in a style of its own, and as it is."""
    content, night, near = studio.contents[CUP], studio.styles[NIGHT], Band(0.6, 1.0)
    own = studio.paint(content, night, regions={"near": Region(near, studio.styles[FIELD])})
    kept = studio.paint(content, night, regions={"keep": Region(near)})
    return [content, studio.seen(studio.models.depth, CUP), own, kept]


def depth_strokes(studio: Studio) -> list[Image.Image]:
    """A content, its depth, the pastiche with strokes of one size, and with large ones far away and small ones near."""
    content = studio.contents[WOMAN]
    bands = {
        "far": Region(Band(0.0, 0.35), strokes="large"),
        "near": Region(Band(0.35, 1.0), strokes="small"),
    }
    sized = studio.paint(content, studio.styles[NIGHT], regions=bands)
    return [content, studio.seen(studio.models.depth, WOMAN), studio.pastiche(WOMAN, NIGHT), sized]


def own_maps(studio: Studio) -> list[Image.Image]:
    """Edges as the network sees them, a pastiche by them, edges of which some were erased, and a pastiche by those."""
    edges = studio.seen(studio.models.edges, CUP)
    cup = Image.new("L", edges.size)
    width, height = edges.size
    ImageDraw.Draw(cup).ellipse((0.2 * width, 0.0, 0.9 * width, 0.85 * height), fill=255)
    left = Image.composite(edges, Image.new("RGB", edges.size), cup.filter(ImageFilter.GaussianBlur(width / 80)))
    by_them = studio.paint(studio.contents[CUP], studio.styles[NIGHT], edge_map=plane(left))
    return [edges, studio.pastiche(CUP, NIGHT), left, by_them]


def detail(studio: Studio) -> list[Image.Image]:
    """A content, a map that is white on its face, and the pastiche without and with it."""
    content = studio.contents[WOMAN]
    mask = face(content.size)
    held = studio.paint(content, studio.styles[NIGHT], detail_map=plane(mask))
    return [content, mask, studio.pastiche(WOMAN, NIGHT), held]


def detail_made(studio: Studio) -> list[Image.Image]:
    """A content, the map made of it, and the pastiche without and with it."""
    content = studio.contents[WOMAN]
    made = fine_detail(studio.models.edges, image_io.to_tensor(content))  # type: ignore[arg-type]
    held = studio.paint(content, studio.styles[NIGHT], detail_map=made)
    return [content, image_io.to_image(made.expand(-1, 3, -1, -1)), studio.pastiche(WOMAN, NIGHT), held]


def transparency(studio: Studio) -> list[Image.Image]:
    """A cup cut out of its photograph, and its pastiche, on a chequered ground."""
    cut_out = studio.contents[CUP].convert("RGBA")
    cut_out.putalpha(cup_mask(cut_out.size))
    pastiche = studio.paint(cut_out, studio.styles[NIGHT])
    return [on_squares(cut_out.resize(pastiche.size, Image.Resampling.LANCZOS)), on_squares(pastiche)]


def upscaled(studio: Studio) -> list[Image.Image]:
    """A pastiche enlarged, the one of twice its size that is made of it, and one of that size from the beginning."""
    content, style = studio.contents[CUP], studio.styles[NIGHT]
    small = stylize(content, style, studio.recipe, studio.models, studio.recipe.size // 2).image
    large = studio.paint(content, style, upscale_from=small)
    return [small.resize(large.size, Image.Resampling.BICUBIC), large, studio.pastiche(CUP, NIGHT)]


ROWS: Mapping[str, Callable[[Studio], list[Image.Image]]] = {
    row.__name__: row
    for row in (
        colours,
        strength,
        blends,
        stages,
        regions,
        depth_bands,
        depth_strokes,
        own_maps,
        detail,
        detail_made,
        transparency,
        upscaled,
    )
}
"""Functions that paint a row of pictures, by the name of its file."""


def row_of(pictures: Sequence[Image.Image], width: int = WIDTH) -> Image.Image:
    """Pictures side by side on white, as high as the first is if it is ``width`` pixels wide."""
    height = round(pictures[0].height * width / pictures[0].width)
    tiles = [
        picture.convert("RGB").resize(
            (round(picture.width * height / picture.height), height), Image.Resampling.LANCZOS
        )
        for picture in pictures
    ]
    row = Image.new("RGB", (sum(tile.width + GAP for tile in tiles) - GAP, height), "white")
    left = 0
    for tile in tiles:
        row.paste(tile, (left, 0))
        left += tile.width + GAP
    return row


def main() -> None:
    """Paint and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write the pictures")
    parser.add_argument("--profile", default="vgg16", help="networks to paint with; their edges must be a HED's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=384, help="long side in pixels")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME", help=", ".join(ROWS))
    given = parser.parse_args()
    fetch_models(given.profile)
    torch.set_flush_denormal(True)
    models = load_models(given.profile, given.device)
    studio = Studio(models, Recipe.load("structure").suited_to(models.encoder.name).with_size(given.size))
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        pictures = ROWS[name](studio)
        width = given.size if name == "upscaled" else WIDTH
        row_of(pictures, width).save(given.out / f"{name}.jpg", quality=85)
        Console().print(given.out / f"{name}.jpg")


if __name__ == "__main__":
    main()
