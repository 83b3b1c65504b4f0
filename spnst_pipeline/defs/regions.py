"""Regions in the grid: bands of depth, and masks that lie beside contents and styles, paired by their names.

A region of a content can have a style of its own, which lies beside the content as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.imaging.blend import StylePicture
from spnst_core.imaging.masks import decode_mask
from spnst_core.imaging.planes import require_aspect
from spnst_core.objective.regions import Regions
from spnst_core.objective.targets import ContentTargets, DepthMap, StyleTargets
from spnst_core.painting import band_masks, blend_targets, style_targets
from spnst_core.recipes.recipe import Recipe, stroke_scales
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.project import Project
from spnst_pipeline.storage.files import File


def with_regions(project: Project, recipe: Recipe, content: str, targets: ContentTargets) -> ContentTargets:
    """A content's targets with the regions that its masks and the recipe's bands of depth make, if there are any.

    A mask takes the place of a band of its name.

    Raises:
        InputError: a mask that can't be used, or as `Regions.of`.
    """
    picture = targets.content
    masks = band_masks(picture, targets, project.models, recipe.depth_bands) | _masks(project, content, picture)
    return replace(targets, regions=Regions.of(picture, recipe, masks)) if masks else targets


def region_names(project: Project, recipe: Recipe, content: str) -> list[str]:
    """The names of a content's regions, by its masks and a recipe's bands; what paints in one pass heeds none."""
    if recipe.engine != "optimize":
        return []
    return sorted({*recipe.bands, *project.contents.masks_of(content)})


def painted_regions(project: Project, recipe: Recipe, content: str) -> Regions:
    """The regions by which pastiches of a content that has some were painted, from the store and the masks.

    Raises:
        InputError: a mask that can't be read any more, or has changed since.
    """
    store = project.store
    picture = image_io.read(take(store, ArtefactId("content_image", content=content)))
    bands = dict[str, Tensor]()
    if recipe.bands:
        depth = DepthMap.from_bytes(take(store, ArtefactId("depth_map", content=content)))
        bands = {name: depth.mask(band) for name, band in recipe.depth_bands.items()}
    return Regions.of(picture, recipe, {**bands, **_masks(project, content, picture)})


def _masks(project: Project, content: str, picture: Tensor) -> dict[str, Tensor]:
    """The masks that lie beside a content, by region."""
    return {name: _mask(file, picture, "content") for name, file in project.contents.masks_of(content).items()}


def own_styles(project: Project, recipe: Recipe, content: str, targets: ContentTargets) -> dict[str, StyleTargets]:
    """The statistics of the regions of a content that are painted in a style of their own, by name.

    They are computed now, and aren't stored.

    Raises:
        InputError: a picture that can't be read.
    """
    if targets.regions is None:
        return {}
    files = project.contents.styles_of(content)
    pictures = {
        name: StylePicture.read(files[name].picture([files[name].read()]), files[name].name)
        for name in targets.regions.names
        if name in files
    }
    return {
        name: blend_targets([picture], recipe, project.models, targets.content) for name, picture in pictures.items()
    }


def by_region(
    project: Project,
    recipe: Recipe,
    style: str,
    content: ContentTargets,
    whole: StyleTargets,
    own: Mapping[str, StyleTargets],
) -> StyleTargets:
    """The statistics of a style for each region of a content: those of the style's region of that name, or the whole.

    Those of a part of a style are computed now, and aren't stored. A band's own strokes are taken from either.

    Args:
        own: those of the regions in a style of their own.

    Raises:
        InputError: a mask that can't be used.
    """
    if content.regions is None:
        return whole
    files, strokes, names = project.styles.masks_of(style), recipe.band_strokes, content.regions.names
    if not {*files, *strokes, *own} & {*names}:
        return whole

    def part(file: File) -> StyleTargets:
        picture, opacity = image_io.read_with_opacity(take(project.store, ArtefactId("style_image", style=style)))
        mask = _mask(file, picture, "style")
        return style_targets(picture, recipe, project.models, content.content, mask, opacity)

    def of(region: str) -> StyleTargets:
        found = own[region] if region in own else part(files[region]) if region in files else whole
        if region not in strokes:
            return found
        return found.with_strokes(stroke_scales(strokes[region]), recipe.style_sizes_for())

    return StyleTargets.by_region([of(region) for region in names])


def _mask(file: File, picture: Tensor, whose: str) -> Tensor:
    mask = decode_mask(file.read(), file.name)
    require_aspect(mask, picture, file.name, whose)
    return mask
