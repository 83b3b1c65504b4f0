"""StyleSize: the size at which a style's statistics are computed, such as ``512-short`` or ``256-long``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from spnst_core.imaging import io as image_io


@dataclass(frozen=True, order=True)
class StyleSize:
    """A length in pixels and the side of the picture that has it; the other side follows the picture's aspect.

    >>> str(StyleSize(512, "short")), StyleSize.parse("256-long").shape(300, 600)
    ('512-short', (128, 256))

    Raises:
        ValueError: less than one pixel.
    """

    pixels: int
    side: Literal["long", "short"] = "long"

    def __post_init__(self) -> None:
        if self.pixels < 1:
            raise ValueError(f"a style can't be looked at with {self.pixels} pixels")

    def __str__(self) -> str:
        return f"{self.pixels}-{self.side}"

    @classmethod
    def parse(cls, text: str) -> StyleSize:
        """Read the text that `str` writes.

        Raises:
            ValueError: not of that form.
        """
        match = re.fullmatch(r"([0-9]{1,9})-(long|short)", text)
        if match is None:
            raise ValueError("a style size is pixels and a side, as in 512-short or 256-long")
        return cls(int(match[1]), "long" if match[2] == "long" else "short")

    def times(self, factor: float) -> StyleSize:
        """The same side, ``factor`` times as long, at least one pixel."""
        return StyleSize(max(1, round(self.pixels * factor)), self.side)

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width at this size of a picture that is ``height`` by ``width``."""
        if self.side == "long":
            return image_io.fit(height, width, self.pixels)
        scale = self.pixels / min(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def distance(self, height: int, width: int) -> int:
        """By how many pixels a picture's own side differs from this size."""
        return abs(self.pixels - (max if self.side == "long" else min)(height, width))
