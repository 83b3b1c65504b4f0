"""Small copies of stored pictures, for previews in the event log, contact sheets and the gallery."""

from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Protocol

import dagster as dg
from PIL import Image

from spnst_core.imaging import io as image_io
from spnst_pipeline.artefacts.fingerprints import HEAD
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.storage.store import Store

SMALL = 320
"""Long side in pixels of a small copy, on sheets and in the gallery."""

PREVIEW_HEIGHT = 512
"""Greatest height in pixels of a preview."""

PREVIEW_WIDTH = 1000
"""Greatest width in pixels of one picture: the dialog takes 80 % of a window, and a wider picture is cut off there."""

PREVIEW_BYTES = 64_000
"""Most bytes of a preview's pictures together, as text.

Dagster sets no limit, but keeps two events with the preview of each cell, and the UI loads a page of them at once. On
the sample pictures, WebP at `QUALITY` takes 21 kB for one picture 512 px high, 46 kB for two and 125 kB for three (JPEG
at 75: 48, 105 and 217 kB), so that three are reduced to about 320 px. Writing an event took 120 ms without a preview on
a busy machine, 130 ms with 48 kB and 155 ms with 134 kB; ten thousand cells take at most 1.3 GB.
"""

QUALITY = 60
"""Of WebP: half of what JPEG takes for the same picture. Encoding three pictures takes 0.13 s of a CPU."""


def stored_picture(store: Store, artefact: ArtefactId, what: str = "") -> Image.Image:
    """The picture that is an artefact's own file, or one that belongs to it.

    Raises:
        FileNotFoundError: there is no such file.
        Damaged: it isn't what was written.
    """
    path = artefact.beside[what] if what else artefact.path
    return image_io.decode(take(store, artefact, what), path)


class SmallPictures(Protocol):
    """Reads pictures as `stored_picture`, reduced."""

    def __call__(self, artefact: ArtefactId, what: str = "", /) -> Image.Image: ...


def small_pictures(store: Store, side: int = SMALL) -> SmallPictures:
    """A function that reads stored pictures, reduced to ``side`` pixels, and caches them for other cells."""

    @lru_cache(maxsize=256)
    def small(artefact: ArtefactId, what: str = "") -> Image.Image:
        image = stored_picture(store, artefact, what)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return image

    return small


def dimensions(store: Store, path: str) -> tuple[int, int]:
    """Width and height of a stored picture, from its first bytes."""
    with Image.open(BytesIO(store.read(path, HEAD))) as image:
        return image.size


def preview(*pictures: Image.Image) -> dg.MarkdownMetadataValue:
    """Small WebP copies of pictures inside markdown, all of one height, that of the tallest at most.

    Each is an image by itself, so that the last ones begin a new line where the dialog that shows them is too narrow
    for all: one wide image would be cut off there.
    """
    tallest = max(picture.height for picture in pictures)
    fitting = min(PREVIEW_WIDTH * picture.height // picture.width for picture in pictures)
    height = max(1, min(PREVIEW_HEIGHT, tallest, fitting))
    copies = [_of_height(picture.convert("RGB"), height) for picture in pictures]
    return dg.MetadataValue.md(" ".join(f"![preview]({uri})" for uri in webp_uris(copies, PREVIEW_BYTES)))


def webp_uris(images: Sequence[Image.Image], limit: int) -> list[str]:
    """Images of one height as ``data:`` addresses of at most ``limit`` bytes together, reduced until they fit."""
    while True:
        uris = [_webp_uri(image) for image in images]
        total = sum(map(len, uris))
        if total <= limit:
            return uris
        scale = min(0.9, 0.95 * (limit / total) ** 0.5)  # bytes shrink a little slower than pixels
        images = [_of_height(image, max(1, int(image.height * scale))) for image in images]


def _of_height(picture: Image.Image, height: int) -> Image.Image:
    return picture.resize((max(1, round(picture.width * height / picture.height)), height))


def _webp_uri(image: Image.Image) -> str:
    out = BytesIO()
    image.save(out, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{b64encode(out.getvalue()).decode()}"
