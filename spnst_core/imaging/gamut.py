"""Gamuts: colour spaces in which a finished picture can be written. Painting itself happens in sRGB.

Conversion changes no colour: it serves whoever works in another space, or hands the file on to those who do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from spnst_core.errors import InputError, closest, cut
from spnst_core.imaging import icc
from spnst_core.imaging.decoding import PROFILE, refusal
from spnst_core.imaging.icc import Floats

CONTENT = "content"
"""What stands for the colour space of a content's own file."""


@dataclass(frozen=True)
class Gamut:
    """A colour space of three primaries and their curves, told by its ICC profile.

    Attributes:
        name: what a file calls the profile, in Latin-1.
        profile: one that `spnst_core.imaging.icc.read` reads.
    """

    name: str
    profile: bytes

    def from_srgb(self, x: Floats) -> Floats:
        """Colours (..., 3) of sRGB in this space, both in [0, 1]. What it can't hold is clipped, channel by channel."""
        if self.profile == icc.SRGB_ICC:
            return x
        linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
        own = linear @ self._from_linear_srgb.T
        return np.stack(
            [np.interp(own[..., k], curve, icc.LEVELS) for k, curve in enumerate(self._matrix_and_curves[1])], -1
        )

    @cached_property
    def _matrix_and_curves(self) -> tuple[Floats, Floats]:
        return icc.read(self.profile)

    @cached_property
    def _from_linear_srgb(self) -> Floats:
        return np.asarray(np.linalg.solve(self._matrix_and_curves[0], icc.colorants(icc.SRGB)), np.float64)


SRGB = Gamut("sRGB", icc.SRGB_ICC)

GAMUTS: Mapping[str, Gamut] = {
    "srgb": SRGB,
    "display-p3": Gamut("Display P3", icc.made("Display P3", icc.DISPLAY_P3, icc.SRGB_CURVE)),
    "adobe-rgb": Gamut("Adobe RGB (1998)", icc.made("Adobe RGB (1998)", icc.ADOBE_RGB, icc.ADOBE_CURVE)),
}
"""By the name that users give them: P3's primaries with the white and curve of sRGB, and Adobe RGB (1998)."""

CHOICES = (*GAMUTS, CONTENT)


def choose(name: str, content: Image.Image, called: str) -> Gamut:
    """A gamut by its name, or that of a content.

    Args:
        name: one of `CHOICES`.
        content: as `spnst_core.imaging.decoding.decode` returns it; one whose file tells no profile is sRGB.
        called: the content's name, for errors.

    Raises:
        InputError: no such gamut, or the content's profile isn't made of three primaries and their curves.
    """
    if name not in CHOICES:
        raise InputError(f'no gamut "{cut(name)}"{closest(name, CHOICES)}: there are {", ".join(CHOICES)}')
    if name != CONTENT:
        return GAMUTS[name]
    profile = content.info.get(PROFILE)
    if profile is None:
        return SRGB
    try:
        icc.read(profile)
    except icc.NotByMatrix as error:
        problem = f"has a colour profile that {error}, and no pastiche can be written by it"
        raise refusal(called, f"{problem}: choose {' or '.join(GAMUTS)} as gamut") from error
    return Gamut("profile of the content", profile)
