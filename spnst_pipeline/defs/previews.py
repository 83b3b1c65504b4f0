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
"""Long side in pixels of a small copy."""

PREVIEW_HEIGHT = 160
PREVIEW_BYTES = 15_000
"""Previews are written with every event: they must stay small."""

GAP = 4


def small_pictures(store: Store) -> Callable[[str], Image.Image]:
    """A function from a key to the picture, reduced; it remembers, because rows and columns share their headers."""

    @lru_cache(maxsize=256)
    def small(key: str) -> Image.Image:
        image = image_io.decode(store.read(key), key)
        image.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
        return image

    return small


def dimensions(store: Store, key: str) -> tuple[int, int]:
    """Width and height of a stored picture, from its first bytes."""
    with Image.open(BytesIO(store.read(key, HEAD))) as image:
        return image.size


def preview(*pictures: Image.Image) -> dg.MarkdownMetadataValue:
    """Pictures side by side as a small JPEG inside markdown."""
    return dg.MetadataValue.md(f"![preview]({jpeg_uri(side_by_side(pictures, PREVIEW_HEIGHT), PREVIEW_BYTES)})")


def side_by_side(pictures: Sequence[Image.Image], height: int) -> Image.Image:
    """Pictures in a row, each brought to ``height`` pixels."""
    tiles = [p.convert("RGB").resize((max(1, round(p.width * height / p.height)), height)) for p in pictures]
    row = Image.new("RGB", (sum(tile.width + GAP for tile in tiles) - GAP, height), "white")
    x = 0
    for tile in tiles:
        row.paste(tile, (x, 0))
        x += tile.width + GAP
    return row


def jpeg_uri(image: Image.Image, limit: int) -> str:
    """The image as a ``data:`` address of at most ``limit`` bytes: at a lower quality, then smaller, until it fits."""
    quality = 85
    while True:
        out = BytesIO()
        image.save(out, "JPEG", quality=quality)
        uri = f"data:image/jpeg;base64,{b64encode(out.getvalue()).decode()}"
        if len(uri) <= limit:
            return uri
        if quality > 55:
            quality -= 10
        else:
            image = image.resize((max(1, image.width * 4 // 5), max(1, image.height * 4 // 5)))
