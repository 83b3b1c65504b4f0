"""Regions as options give them, such as ``NAME=FILE``, read and checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from spnst_core import Blend, InputError, Recipe, Region
from spnst_core.errors import closest, cut, printable
from spnst_core.imaging import io as image_io
from spnst_core.imaging.band import Band
from spnst_core.imaging.masks import read_mask
from spnst_core.imaging.planes import require_aspect
from spnst_core.imaging.region import KEEP
from spnst_core.objective.regions import Regions

DEPTH = "depth:"
"""What the mask of a region begins with that is a band of depth."""


class RegionOptions(NamedTuple):
    """What the options say.

    Attributes:
        masks: ``--region``, of the content.
        styles: ``--region-style``, pictures.
        style_masks: ``--style-mask``, of the style that a region is painted in.
        strokes: ``--region-strokes``, their names.
        keep_rest: ``--keep-rest``.
    """

    masks: Sequence[str] = ()
    styles: Sequence[str] = ()
    style_masks: Sequence[str] = ()
    strokes: Sequence[str] = ()
    keep_rest: bool = False

    def read(
        self, content: Image.Image, style: Image.Image | Blend, recipe: Recipe
    ) -> tuple[dict[str, Region], tuple[Path, ...]]:
        """The regions by name, and the files that were read.

        Args:
            content, style: the decoded pictures.
            recipe: whose sizes each region must cover something at.

        Raises:
            InputError: an option that isn't ``NAME=FILE``, a name given twice or of no region, a style for what is to
                stay as it is, a file that can't be used, or as `Regions.of` or `Recipe.style_sizes_for`.
        """
        given = _pairs("--region", self.masks)
        bands = {name: Band.parse(text.removeprefix(DEPTH)) for name, text in given.items() if text.startswith(DEPTH)}
        files = {name: Path(text) for name, text in given.items() if name not in bands}
        styles, style_masks = _files("--region-style", self.styles), _files("--style-mask", self.style_masks)
        strokes = _pairs("--region-strokes", self.strokes, "NAME=STROKES, such as far=large")
        named = {*styles, *style_masks, *strokes}
        bands |= {name: band for name, band in recipe.depth_bands.items() if name in named and name not in given}
        known = {**given, **recipe.bands}
        if self.keep_rest and not given:
            raise InputError("--keep-rest is for what no mask covers: give a mask with --region NAME=MASK")
        options: dict[str, Collection[str]] = {
            "--region-style": styles,
            "--style-mask": style_masks,
            "--region-strokes": strokes,
        }
        for option, names in options.items():
            for name in names:
                if name == KEEP:
                    raise InputError(f"{option} {KEEP}: the region {KEEP} stays as it is: leave the option out")
                if name not in known:
                    hint = closest(name, known)
                    raise InputError(f"{option} {cut(name)}: there is no such region{hint}: give --region NAME=MASK")
        recipe.style_sizes_for(strokes.values())  # which there must be, and not too large
        painted = {name: image_io.decode(file) for name, file in styles.items()}
        picture = image_io.to_tensor(content)
        masks = {name: _mask(file, picture, "content") for name, file in files.items()}
        parts: dict[str, Tensor | Band] = {**masks, **bands}
        if masks and not bands:  # what these cover is known when the depth is
            Regions.of(picture, recipe, masks, self.keep_rest)
        regions = {
            name: Region(
                mask,
                painted.get(name),
                _part(style_masks[name], painted.get(name, style)) if name in style_masks else None,
                strokes.get(name),
            )
            for name, mask in parts.items()
        }
        return regions, (*files.values(), *styles.values(), *style_masks.values())


def _files(option: str, given: Sequence[str]) -> dict[str, Path]:
    return {name: Path(file) for name, file in _pairs(option, given).items()}


def _pairs(option: str, given: Sequence[str], form: str = "NAME=FILE, such as sky=sky.png") -> dict[str, str]:
    found = dict[str, str]()
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals and value):
            raise InputError(f"{option} must be {form}, not {cut(each)}")
        if name in found:
            raise InputError(f"{option} is given twice for {cut(name)}: keep one of them")
        found[name] = value
    return found


def _mask(file: Path, picture: Tensor, whose: str) -> Tensor:
    mask = read_mask(file)
    require_aspect(mask, picture, str(file), whose)
    return mask


def _part(file: Path, style: Image.Image | Blend) -> Tensor:
    if isinstance(style, Blend):
        raise InputError(f"{printable(str(file))} can't be a mask of a blend: give its region a --region-style")
    return _mask(file, image_io.to_tensor(style), "style")
