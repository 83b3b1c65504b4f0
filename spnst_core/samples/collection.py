"""Sample pictures: contents that come with scikit-image, and styles that are painted by code."""

from __future__ import annotations

from importlib import resources
from itertools import islice

from PIL import Image

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.samples.abstract import abstract
from spnst_core.samples.harvest import harvest
from spnst_core.samples.nocturne import nocturne
from spnst_core.samples.pointillism import pointillism
from spnst_core.samples.stained_glass import stained_glass
from spnst_core.samples.woodblock import woodblock

CONTENTS = {
    "astronaut": ("astronaut.png", (50, 0, 450, 360)),
    "chelsea": ("chelsea.png", (0, 0, 451, 300)),
    "coffee": ("coffee.png", (40, 0, 540, 400)),
    "rocket": ("rocket.jpg", (90, 30, 552, 427)),
}
"""File in scikit-image by slug, and the part of it to crop: left, upper, right and lower edge in pixels."""

STYLES = {
    "nocturne": nocturne,
    "stained-glass": stained_glass,
    "woodblock": woodblock,
    "harvest": harvest,
    "pointillism": pointillism,
    "abstract": abstract,
}
"""The function that paints a style, by slug; it takes the long side in pixels."""

MIN_SIZE = 32
"""Smallest long side of a style in pixels."""


def contents() -> dict[str, Image.Image]:
    """Contents by slug: a person, an animal, a still life, an outdoor scene.

    They are files of the scikit-image package itself: nothing is downloaded.
    """
    folder = resources.files("skimage") / "data"
    return {
        slug: image_io.decode((folder / file).read_bytes(), file).crop(box) for slug, (file, box) in CONTENTS.items()
    }


def styles(size: int = 512, count: int | None = None) -> dict[str, Image.Image]:
    """Styles by slug, painted by code from fixed seeds. Each takes a second or two at the default size.

    Args:
        size: long side of each in pixels.
        count: paint no more than the first so many; by default all.

    Raises:
        InputError: ``size`` is below ``MIN_SIZE``, at which strokes can't be seen.
    """
    if size < MIN_SIZE:
        raise InputError(f"a style {size} pixels long can't show its strokes; ask for at least {MIN_SIZE}")
    return {slug: paint(size) for slug, paint in islice(STYLES.items(), count)}
