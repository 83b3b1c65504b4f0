"""Pastiches as files of the store: PNG, in the colour space and with the bits that the settings ask for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.imaging.decoding import refusal
from spnst_core.imaging.encoding import FileFormat
from spnst_core.imaging.gamut import CONTENT, GAMUTS, Gamut, choose
from spnst_pipeline.artefacts.fingerprints import HEAD
from spnst_pipeline.project import Project
from spnst_pipeline.storage.blends import Blend
from spnst_pipeline.storage.files import File

MOST_PROFILE = HEAD // 2
"""Largest ICC profile of a content, in bytes, that its pastiches can have: what they carry must lie in their `HEAD`."""


def file_format(project: Project, content: str) -> FileFormat | None:
    """How the pastiches of a content are written; None: in 8-bit sRGB and without a profile, as all other pictures.

    Raises:
        InputError: they are to have the content's profile, and it can't be read, kept or written by.
    """
    settings = project.settings
    if not settings.written:
        return None
    own = settings.gamut == CONTENT
    gamut = _own_gamut(project.contents.picture(content)) if own else GAMUTS[settings.gamut]
    return FileFormat(".png", settings.bits, gamut=gamut)


@lru_cache(maxsize=32)
def _own_gamut(content: File | Blend) -> Gamut:
    """The colour space of a content's file, which its decoded picture no longer tells."""
    gamut = choose(CONTENT, content.picture([file.read() for file in content.files]), content.name)
    if len(gamut.profile) > MOST_PROFILE:
        raise refusal(
            content.name,
            f"has a colour profile of {len(gamut.profile):,} bytes, and a pastiche in a store holds one of "
            f"{MOST_PROFILE:,}: choose {' or '.join(GAMUTS)} as gamut",
        )
    return gamut


def encoded(form: FileFormat | None, image: Tensor, opacity: Tensor | None, texts: Mapping[str, str]) -> bytes:
    """A pastiche's file.

    Args:
        form: from `file_format`.
        image: (1, 3, H, W), sRGB in [0, 1].
        opacity: of each pixel, (1, 1, H, W) in [0, 1]; None: all are opaque.
        texts: what it carries.
    """
    if form is None:
        return image_io.encode_png(image_io.to_image(image, opacity), texts)
    return form.encode(image, texts, opacity)
