"""Contact sheets: a grid of pictures with headers and captions, as one picture to look at."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

TILE = 240
"""Long side in pixels of a tile."""

GAP, PAD, LINE = 12, 28, 16
BACKGROUND, INK, FAINT, EMPTY = "#faf9f7", "#1d1c1a", "#8b877f", "#eceae5"


@dataclass(frozen=True)
class Tile:
    """A picture and the one or two lines under it (split at a newline): the first in ink, the second fainter."""

    image: Image.Image
    caption: str = ""


@dataclass(frozen=True)
class Row:
    """One row: its header tiles (photograph, depth, edges), and a cell under each column; None is a labelled gap."""

    header: Sequence[Tile]
    cells: Sequence[Tile | None]


def contact_sheet(title: str, columns: Sequence[Tile], rows: Sequence[Row], subtitle: str = "") -> Image.Image:
    """Draw a sheet: the columns' pictures on top, each row's own at its left.

    Raises:
        ValueError: a row hasn't as many cells as there are columns, or another number of headers than the first.
    """
    headers = len(rows[0].header) if rows else 0
    for number, row in enumerate(rows):
        if len(row.cells) != len(columns) or len(row.header) != headers:
            raise ValueError(
                f"row {number} has {len(row.header)} headers and {len(row.cells)} cells, "
                f"where the sheet has {headers} and {len(columns)}"
            )
    caption = 2 * LINE + 10
    heights = [
        max(_size(tile)[1] for tile in group if tile) + caption
        for group in [columns, *[[*row.header, *row.cells] for row in rows]]
    ]
    stride = TILE + GAP
    top = PAD + 48
    sheet = Image.new(
        "RGB",
        (2 * PAD + (headers + len(columns)) * stride, top + sum(heights) + GAP * len(heights) + PAD),
        BACKGROUND,
    )
    draw = ImageDraw.Draw(sheet)
    draw.text((PAD, PAD - 6), title, INK, font=_font(24))
    draw.text((PAD, PAD + 24), subtitle, FAINT, font=_font(13))
    y = top
    for column, tile in enumerate(columns):
        _paste(sheet, draw, tile, PAD + (headers + column) * stride, y, heights[0] - caption, bottom=True)
    y += heights[0] + GAP
    for row, height in zip(rows, heights[1:], strict=True):
        for place, entry in enumerate([*row.header, *row.cells]):
            x = PAD + place * stride
            if entry is None:
                draw.rectangle((x, y, x + TILE - 1, y + height - caption - 1), fill=EMPTY)
                draw.text((x + TILE / 2, y + (height - caption) / 2), "not made", FAINT, font=_font(13), anchor="mm")
            else:
                _paste(sheet, draw, entry, x, y, height - caption)
        y += height + GAP
    return sheet


def _size(tile: Tile) -> tuple[int, int]:
    """A tile's picture scaled so that it fits a square of TILE pixels."""
    scale = min(TILE / tile.image.width, TILE / tile.image.height)
    return max(1, round(tile.image.width * scale)), max(1, round(tile.image.height * scale))


def _paste(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, x: int, y: int, height: int, bottom: bool = False
) -> None:
    """Draw one tile in a box TILE wide, at its top or at its bottom, with the caption right under the picture."""
    size = _size(tile)
    at = y + height - size[1] if bottom else y
    sheet.paste(tile.image.convert("RGB").resize(size, Image.Resampling.LANCZOS), (x, at))
    for number, line in enumerate(tile.caption.split("\n")[:2]):
        font = _font(14 if number == 0 else 12)
        draw.text((x, at + size[1] + 5 + number * LINE), _shortened(line, font), FAINT if number else INK, font=font)


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text cut with an ellipsis so that it stays within a tile."""
    if font.getlength(text) <= TILE:
        return text
    while text and font.getlength(text + "…") > TILE:
        text = text[:-1]
    return text + "…"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
