"""Small copies of stored pictures, for previews in the event log, contact sheets and the gallery."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from io import BytesIO

import dagster as dg
from PIL import Image

from spnst_core.imaging import io as image_io
from spnst_pipeline.artefacts.fingerprints import HEAD
from spnst_pipeline.storage.store import Store

SMALL = 320
"""Long side in pixels of a small copy, on sheets and in the gallery."""

PREVIEW_HEIGHT = 512
"""Greatest height in pixels of a preview."""

PREVIEW_BYTES = 64_000
"""Most bytes of a preview, as text.

Dagster sets no limit, but keeps two events with the preview of each cell, and the UI loads a page of them at once. On
the sample pictures, WebP at `QUALITY` takes 21 kB for one picture 512 px high, 46 kB for two and 125 kB for three (JPEG
at 75: 48, 105 and 217 kB), so that three are reduced to about 320 px. Writing an event took 120 ms without a preview on
a busy machine, 130 ms with 48 kB and 155 ms with 134 kB; ten thousand cells take at most 1.3 GB.
"""

QUALITY = 60
"""Of WebP: half of what JPEG takes for the same picture. Encoding three pictures takes 0.13 s of a CPU."""

GAP = 4


def small_pictures(store: Store, side: int = SMALL) -> Callable[[str], Image.Image]:
    """A function that reads the picture at a path, reduced to ``side`` pixels, and caches it for other cells."""

    @lru_cache(maxsize=256)
    def small(path: str) -> Image.Image:
        image = image_io.decode(store.read(path), path)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return image

    return small


def dimensions(store: Store, path: str) -> tuple[int, int]:
    """Width and height of a stored picture, from its first bytes."""
    with Image.open(BytesIO(store.read(path, HEAD))) as image:
        return image.size


def preview(*pictures: Image.Image) -> dg.MarkdownMetadataValue:
    """Pictures side by side as a small WebP inside markdown; the row is at most as high as the tallest of them."""
    height = min(PREVIEW_HEIGHT, max(picture.height for picture in pictures))
    return dg.MetadataValue.md(f"![preview]({webp_uri(side_by_side(pictures, height), PREVIEW_BYTES)})")


def side_by_side(pictures: Sequence[Image.Image], height: int) -> Image.Image:
    """Pictures in a row, each brought to ``height`` pixels."""
    tiles = [p.convert("RGB").resize((max(1, round(p.width * height / p.height)), height)) for p in pictures]
    row = Image.new("RGB", (sum(tile.width + GAP for tile in tiles) - GAP, height), "white")
    x = 0
    for tile in tiles:
        row.paste(tile, (x, 0))
        x += tile.width + GAP
    return row


def webp_uri(image: Image.Image, limit: int) -> str:
    """The image as a ``data:`` address of at most ``limit`` bytes, reduced until it fits."""
    while True:
        out = BytesIO()
        image.save(out, "WEBP", quality=QUALITY)
        uri = f"data:image/webp;base64,{b64encode(out.getvalue()).decode()}"
        if len(uri) <= limit:
            return uri
        scale = min(0.9, 0.95 * (limit / len(uri)) ** 0.5)  # bytes shrink a little slower than pixels
        image = image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))))
