"""Blends: several pictures that count as one style, each with its share, and the picture that stands for them.

The shares can change from stage to stage of a recipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any, NamedTuple

import torch
from PIL import Image, ImageOps
from torch import Tensor

from spnst_core.errors import InputError, quoted
from spnst_core.imaging import io as image_io
from spnst_core.imaging.io import Picture

LONGEST_TILE = 2048
"""Longest side in pixels of the picture that stands for a blend."""


class StylePicture(NamedTuple):
    """A picture that a style's statistics are taken from.

    Attributes:
        pixels: (1, 3, H, W) in [0, 1].
        opacity: what each pixel counts, (1, 1, H, W) in [0, 1]; None: all are opaque.
        shares: in the style, one for each stage of a recipe, or one for all.
    """

    pixels: Tensor
    opacity: Tensor | None = None
    shares: tuple[float, ...] = (1.0,)

    @property
    def share(self) -> float:
        """In the style as the last stage paints it, and as what paints in one pass does."""
        return self.shares[-1]

    @classmethod
    def read(cls, picture: Picture, name: str, shares: tuple[float, ...] = (1.0,)) -> StylePicture:
        """From a picture in any accepted form.

        Raises:
            InputError: as `spnst_core.imaging.io.read_with_opacity`.
        """
        return cls(*image_io.read_with_opacity(picture, name), shares)

    @property
    def on_white(self) -> Tensor:
        """The pixels, what is transparent in them mixed with white, (1, 3, H, W)."""
        if self.opacity is None:
            return self.pixels
        return torch.ones_like(self.pixels).lerp(self.pixels, self.opacity)


@dataclass(frozen=True)
class Blend:
    """Several pictures as one style.

    The statistics of a blend are those of its pictures, averaged by their weights: what a picture would have in which
    each style covered its share of the area.

    Attributes:
        pictures: at least two, each as for `spnst_core.imaging.io.read`.
        weights: one for each picture; only their ratios matter. None: all count the same. Or a sequence of such
            weights for each stage of the recipe, in order, which may leave one picture alone in a stage.

    Raises:
        InputError: fewer than two pictures have a weight, or as `stage_shares`.
    """

    pictures: Sequence[Picture]
    weights: Sequence[float] | Sequence[Sequence[float]] | None = None

    def __post_init__(self) -> None:
        for weights in self._weights:
            if len(self.pictures) != len(weights):
                raise InputError(
                    f"a blend of {len(self.pictures)} pictures has {len(weights)} weights: give one for each"
                )
        stage_shares(self._weights)  # which there must be

    @property
    def stages(self) -> tuple[tuple[float, ...], ...]:
        """The weights divided by their sum: those of each stage, or once those of all."""
        return stage_shares(self._weights)

    @property
    def shares(self) -> tuple[float, ...]:
        """The same of the last stage."""
        return self.stages[-1]

    @property
    def _weights(self) -> Sequence[Sequence[Any]]:
        given: Sequence[Any] = [1.0] * len(self.pictures) if self.weights is None else self.weights
        staged = len(given) > 0 and all(isinstance(each, Sequence) and not isinstance(each, str) for each in given)
        return given if staged else [given]

    def read(self, name: str) -> list[StylePicture]:
        """Each picture that has a share in any stage.

        Raises:
            InputError: as `StylePicture.read`; ``name`` is what the error calls the blend.
        """
        return [
            StylePicture.read(picture, f"{name}, picture {number}", own)
            for number, (picture, own) in enumerate(zip(self.pictures, zip(*self.stages, strict=True), strict=True), 1)
            if any(own)
        ]


def shares(weights: Sequence[Any]) -> tuple[float, ...]:
    """The weights of a blend divided by their sum.

    Raises:
        InputError: one isn't a number, isn't finite or is negative, they sum to 0 or to more than a number can hold, or
            fewer than two are above 0.
    """
    return stage_shares([weights])[0]


def stage_shares(stages: Sequence[Sequence[Any]]) -> tuple[tuple[float, ...], ...]:
    """The weights that a blend has in each stage of a recipe, divided by their sums.

    Raises:
        InputError: as `shares`; of several stages, each may leave one style alone, but not all of them the same.
    """
    found = list[tuple[float, ...]]()
    for number, weights in enumerate(stages, 1):
        try:
            found.append(_divided(weights))
        except InputError as error:
            if len(stages) == 1:
                raise
            raise InputError(f"stage {number}: {error}") from error
    if sum(map(any, zip(*found, strict=True))) < 2:
        raise InputError("only one style has a weight above 0: a blend needs two, and one style alone needs no blend")
    return tuple(found)


def _divided(weights: Sequence[Any]) -> tuple[float, ...]:
    for weight in weights:
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise InputError(f"a weight must be a number, not {quoted(weight)}")
        if not _finite(weight) or weight < 0:
            raise InputError(f"a weight must be a number from 0, not {quoted(weight)}")
    total = sum(map(float, weights))
    if not isfinite(total):
        raise InputError("the weights sum to more than a number can hold: divide them all by the same number")
    if not total:
        raise InputError("the weights sum to 0: give styles a weight above 0")
    return tuple(weight / total for weight in weights)


def _finite(weight: float) -> bool:
    try:
        return isfinite(weight)
    except OverflowError:  # an integer of hundreds of digits
        return False


def tile(images: Sequence[Image.Image], parts: Sequence[float]) -> Image.Image:
    """The picture that stands for a blend: a square, of which each image fills an upright strip by its share.

    A strip shows the middle of its image at the largest scale at which it fills the strip. The square's side is the
    largest of the images' short sides, at most `LONGEST_TILE`.

    Args:
        images: RGB.
        parts: their shares, which sum to 1.
    """
    side = min(LONGEST_TILE, max(min(image.size) for image in images))
    found = Image.new("RGB", (side, side))
    edges = [round(side * sum(parts[:count])) for count in range(len(parts) + 1)]
    for image, (left, right) in zip(images, pairwise(edges), strict=True):
        if right > left:
            found.paste(ImageOps.fit(image, (right - left, side), Image.Resampling.LANCZOS), (left, 0))
    return found
