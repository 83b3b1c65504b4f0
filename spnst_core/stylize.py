"""Stylise pictures from Python: one cell, or a grid of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from PIL import Image
from torch import Tensor

from spnst_core.compute.memory import batches, shortfall
from spnst_core.errors import InputError, closest, cut, printable
from spnst_core.imaging import io as image_io
from spnst_core.imaging.band import Band
from spnst_core.imaging.blend import Blend, StylePicture
from spnst_core.imaging.io import Picture
from spnst_core.imaging.maps import KINDS, Kind, disagreement, read_map
from spnst_core.imaging.masks import read_mask
from spnst_core.imaging.planes import Plane, named, require_aspect
from spnst_core.imaging.region import KEEP, Region
from spnst_core.metrics.sanity import is_plain, is_plain_style
from spnst_core.models.profiles import Models, find_device, load_models
from spnst_core.objective.regions import REST, Regions
from spnst_core.objective.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_core.painters.arbitrary import ArbitraryPainter, refuse
from spnst_core.painting import (
    Callback,
    OwnMaps,
    Painted,
    band_masks,
    blend_targets,
    content_targets,
    paint_batch,
    style_targets,
    upscaling,
)
from spnst_core.recipes.drafts import draft_of
from spnst_core.recipes.recipe import Recipe, stroke_scales

if TYPE_CHECKING:
    import pandas as pd

    from spnst_core.report.film import Film

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """A pastiche and the history of its optimisation.

    Attributes:
        image: the pastiche, 8-bit sRGB, of mode ``RGB``, or ``RGBA`` if the content was transparent anywhere.
        pixels: its colours unrounded, (1, 3, H, W) of float32 in [0, 1], on the CPU.
        history: one row for each step of the optimiser: ``step`` from 1, ``stage`` from 0, the unweighted loss terms
            content, style, edge, depth, tv and others that the recipe weighs, and ``total``, their weighted sum; all
            losses are those before the step. Empty if nothing was optimised.
        seconds: wall time of the cell's batch divided by the number of its cells.
        opacity: that of the content in the pastiche's shape, (1, 1, H, W) in [0, 1]; None: all of it is opaque.
    """

    image: Image.Image
    pixels: Tensor
    history: pd.DataFrame
    seconds: float
    opacity: Tensor | None = None


def stylize(
    content: Picture,
    style: Picture | Blend,
    recipe: Recipe | str | Path = "structure",
    models: Models | None = None,
    size: int | None = None,
    callback: Callback | None = None,
    *,
    start: Picture | None = None,
    upscale_from: Picture | None = None,
    film: str | Path | None = None,
    depth_map: Plane | None = None,
    edge_map: Plane | None = None,
    detail_map: Plane | None = None,
    regions: Mapping[str, Region] | None = None,
    keep_rest: bool = False,
) -> Result:
    """Paints one content in one style.

    A warning is logged about a content or a style that holds nothing but one colour: there is little to paint.

    Examples:
        >>> import spnst_core as sp
        >>> from spnst_core import samples
        >>> content, style = samples.contents()["coffee"], samples.styles(64)["nocturne"]
        >>> recipe = sp.Recipe(name="quick", size=48, stages=[sp.Stage(steps=2)])
        >>> result = sp.stylize(content, style, recipe)
        >>> result.image.size
        (48, 38)
        >>> list(result.history["step"])
        [1, 2]

    Args:
        content: one picture of at least 16 px on each side: a path, a file's bytes, a PIL image of any mode, an RGB
            array (H, W, 3) of uint8 or of floats in [0, 1], or an RGB tensor (1, 3, H, W) or (3, H, W) of floats in
            [0, 1].
        style: one picture, likewise, or a `Blend` of several. Its resolution limits only how sharp the strokes can be.
        recipe: a recipe, the name of one that is built in or added by a package, or the path of a ``.yaml`` file.
        models: the networks, from `load_models`; by default the embedded profile on the best device, loaded for this
            call. A recipe with engine ``arbitrary`` uses their device alone, and its own network, which is fetched if
            need be.
        size: long side of the pastiche in pixels, from 32 to 10,000; by default the recipe's own.
        callback: called after each step with an `Iterate`: losses (1,), and the pastiche so far, (1, 3, h, w) in
            [0, 1], on the models' device.
        start: a picture to start from in place of the recipe's ``init``, such as an earlier pastiche; it is resized
            to the content's shape.
        upscale_from: a smaller pastiche of this content in this style to start from, likewise. Only the stages of the
            recipe that are larger are run.
        film: path of an ``.mp4`` file in which to record the optimisation, the content beside it and the loss curve
            below: one frame for each ``recipe.record_every`` steps, or for every second step if that is 0.
        depth_map: the content's relative inverse depth, larger = nearer, of any scale, in place of what the depth
            network sees: a path ending in ``.npy``, ``.png``, ``.tif`` or ``.exr``, an array (H, W), or a tensor.
        edge_map: the strength of the content's edges, from 0 to 1, likewise in place of what the edge detector sees. A
            warning is logged if a map correlates negatively with the network's.
        detail_map: where edges and depth are to count more, likewise from 0 to 1, where it is ``recipe.detail`` times
            their weights that is added.
        regions: parts of the content by name, each painted in a style, in a part of a style, or with strokes, of its
            own. The region named ``keep`` isn't painted: there the pastiche is the content. What no mask covers is
            painted in ``style``; where masks overlap, they share the place in proportion.
        keep_rest: what no mask covers isn't painted either.

    Returns:
        The pastiche, with the content's aspect ratio, and its history.

    Raises:
        InputError: content, style, start or upscale_from isn't one picture, has a wrong shape, type or range, can't be
            decoded, or is too small or too narrow for the recipe; there is no such recipe, or it can't have this size;
            recipe, models or callback is of a wrong type; the networks lack features that the recipe compares; the film
            can't be written, or its name doesn't end in ``.mp4``; a map is constant, isn't finite, has another aspect
            than the content, or is given to a recipe that compares features, or one of detail to a recipe that holds
            neither edges nor depth; a recipe that paints in one pass is given more than pictures; a mask is 0
            everywhere, has values outside [0, 1] or another aspect, or covers less than a pixel at the smallest stage;
            masks leave nothing to paint; ``keep`` has a style or strokes; a region's strokes are unknown or too large;
            a part of a blend is asked for; the pastiche to upscale has another aspect than the content, isn't smaller
            than the one that is to be made of it, or is given beside a start.
    """
    recipe, callbacks = _recipe(recipe, size), _callbacks(callback)
    if recipe.engine == "arbitrary":
        unused: dict[str, object] = {"callback": callback, "start": start, "upscale_from": upscale_from, "film": film}
        unused |= {"depth_map": depth_map, "edge_map": edge_map, "detail_map": detail_map}
        refuse(recipe, {**unused, "regions": regions, "keep_rest": keep_rest or None})
        painter = _painter(models)
        return _in_one_pass(painter, content, "the content", _read_style(style, "the style"), recipe)
    models = _models(models)
    if film and Path(film).suffix.lower() != ".mp4":
        raise InputError(f"film {film}: its name must end in .mp4")
    recipe = recipe.suited_to(models.encoder.name)  # so that a film knows the number of steps
    if upscale_from is not None:
        if start is not None:
            raise InputError("start and upscale_from are both pictures to start from: give one of them")
        name = str(upscale_from) if isinstance(upscale_from, str | Path) else "the pastiche to upscale"
        start = image_io.read(upscale_from, name)
        recipe = upscaling(recipe, start, image_io.read(content, "the content"), name)
    given, maps = _regions(regions, keep_rest), dict(zip(KINDS, (depth_map, edge_map, detail_map), strict=True))
    row = _content_targets(content, "the content", recipe, models, maps, given, keep_rest)
    seen = _read_style(style, "the style")
    whole = _style_targets(seen, "the style", recipe, models, row.content, _strokes(given, recipe).values())
    targets = _by_region(seen, whole, _own_styles(given, recipe, models, row), given, recipe, models, row)
    if start is None and (draft := draft_of(recipe)):
        own: dict[str, Any] = {"depth_map": depth_map, "edge_map": edge_map, "regions": regions, "keep_rest": keep_rest}
        if draft.suited_to(models.encoder.name).heeds_detail:
            own["detail_map"] = detail_map
        if draft.engine != "optimize":  # in one pass, a whole picture is painted in one style
            own = {}
        start = stylize(content, style, draft, models, recipe.size, **own).pixels
    first = None if start is None else image_io.read(start, "the start")
    with _film(Path(film), row.content, recipe) if film else nullcontext() as recorded:
        if recorded:
            callbacks = [recorded.follow, *callbacks]
        [painted] = paint_batch(row, [targets], recipe, models, first, callbacks)
        result = _result(painted, row)
        if recorded:
            recorded.finish(result.image.convert("RGB"))
    return result


def stylize_grid(
    contents: Mapping[str, Picture],
    styles: Mapping[str, Picture | Blend],
    recipe: Recipe | str | Path = "structure",
    models: Models | None = None,
    size: int | None = None,
    callback: Callback | None = None,
    *,
    start: Picture | None = None,
    depth_maps: Mapping[str, Plane] | None = None,
    edge_maps: Mapping[str, Plane] | None = None,
    detail_maps: Mapping[str, Plane] | None = None,
    regions: Mapping[str, Mapping[str, Region]] | None = None,
) -> Iterator[tuple[str, str, Result]]:
    """Paints every content in every style, content by content, in batches that fit the device's memory.

    Examples:
        >>> import spnst_core as sp
        >>> from spnst_core import samples
        >>> contents, styles = samples.contents(), samples.styles(64)
        >>> recipe = sp.Recipe(name="quick", size=32, stages=[sp.Stage(steps=1)])
        >>> pair = {key: styles[key] for key in ("nocturne", "woodblock")}
        >>> for content, style, result in sp.stylize_grid({"coffee": contents["coffee"]}, pair, recipe):
        ...     print(content, style, result.image.size)
        coffee nocturne (32, 26)
        coffee woodblock (32, 26)

    Args:
        contents: pictures by key, each as for `stylize`.
        styles: likewise; each can be a `Blend` of several.
        recipe: as for `stylize`.
        models: as for `stylize`.
        size: as for `stylize`.
        callback: called after each step of a batch of B cells with an `Iterate`: losses (B,), pastiches (B, 3, h, w).
        start: a picture that every cell starts from, as for `stylize`.
        depth_maps: the user's own maps, each as for `stylize`, by the keys of their contents; others have none.
        edge_maps, detail_maps: likewise.
        regions: likewise. A region without a style of its own is painted in that of the cell.

    Yields:
        Key of the content, key of the style, and result of each cell, as soon as its batch is done.

    Raises:
        InputError: there are no contents or no styles; they, maps or regions aren't a mapping; maps or regions are of a
            content that isn't there; otherwise as `stylize`. It is raised when the first cell is asked for, or the
            first cell of the content that can't be used.
    """
    for pictures, name in ((contents, "contents"), (styles, "styles")):
        if not isinstance(pictures, Mapping):
            raise InputError(f"{name} can't be a {type(pictures).__name__}: give a mapping of keys to pictures")
    if not contents or not styles:
        raise InputError("a grid needs at least one content and one style")
    depth_maps, edge_maps, detail_maps, regions = (
        _by_content(depth_maps, "depth_maps", contents),
        _by_content(edge_maps, "edge_maps", contents),
        _by_content(detail_maps, "detail_maps", contents),
        _by_content(regions, "regions", contents),
    )
    recipe, callbacks = _recipe(recipe, size), _callbacks(callback)
    seen = {key: _read_style(style, f'the style "{key}"') for key, style in styles.items()}
    if recipe.engine == "arbitrary":
        by_content = {"depth_maps": depth_maps, "edge_maps": edge_maps, "detail_maps": detail_maps, "regions": regions}
        unused = {name: given or None for name, given in by_content.items()}
        refuse(recipe, {"callback": callback, "start": start, **unused})
        painter = _painter(models)
        for content_key, content in contents.items():
            for style_key, parts in seen.items():
                name = f'the content "{content_key}"'
                yield content_key, style_key, _in_one_pass(painter, content, name, parts, recipe)
        return
    models = _models(models)
    recipe = recipe.suited_to(models.encoder.name)
    first = None if start is None else image_io.read(start, "the start")
    draft = draft_of(recipe) if start is None else None

    given_regions = {key: _regions(regions.get(key)) for key in contents}
    strokes = {name for given in given_regions.values() for name in _strokes(given, recipe).values()}

    def targets_of(content: Tensor | None = None) -> dict[str, StyleTargets]:
        return {
            key: _style_targets(style, f'the style "{key}"', recipe, models, content, strokes)
            for key, style in seen.items()
        }

    shared = None if recipe.colour == "match" else targets_of()
    for content_key, content in contents.items():
        given = _regions(regions.get(content_key))
        maps = {
            kind: own.get(content_key) for kind, own in zip(KINDS, (depth_maps, edge_maps, detail_maps), strict=True)
        }
        row = _content_targets(content, f'the content "{content_key}"', recipe, models, maps, given)
        height, width = image_io.fit(row.content.shape[2], row.content.shape[3], recipe.size)
        wholes, own_styles = shared or targets_of(row.content), _own_styles(given, recipe, models, row)
        targets = {
            key: _by_region(seen[key], whole, own_styles, given, recipe, models, row) for key, whole in wholes.items()
        }
        drafts = {}
        if draft:
            own: dict[str, Any] = {}
            if draft.engine == "optimize":  # as in `stylize`
                every = {"depth_maps": depth_maps, "edge_maps": edge_maps, "regions": regions}
                if draft.suited_to(models.encoder.name).heeds_detail:
                    every["detail_maps"] = detail_maps
                own = {name: {content_key: x[content_key]} for name, x in every.items() if content_key in x}
            painted_first = stylize_grid({content_key: content}, styles, draft, models, recipe.size, **own)
            drafts = {style_key: result.pixels for _, style_key, result in painted_first}
        for batch in batches(list(targets), height * width, models.device, models.room):
            begun = torch.cat([drafts[key] for key in batch]) if draft else first
            painted = paint_batch(row, [targets[key] for key in batch], recipe, models, begun, callbacks)
            for style_key, cell in zip(batch, painted, strict=True):
                yield content_key, style_key, _result(cell, row)


def _by_content(given: Mapping[str, T] | None, name: str, contents: Mapping[str, Picture]) -> Mapping[str, T]:
    """What was given for some contents, once it is sure that they are there."""
    found = {} if given is None else given
    if not isinstance(found, Mapping):
        raise InputError(f"{name} can't be a {type(found).__name__}: give a mapping of contents' keys")
    if unknown := next((key for key in found if key not in contents), None):
        raise InputError(f'{name} has "{cut(unknown)}"{closest(unknown, contents)}, which is none of the contents')
    return found


def _recipe(recipe: Recipe | str | Path, size: int | None) -> Recipe:
    found = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    if found.engine == "feedforward":
        raise InputError(
            f"recipe {found.name} paints by a painter, which is trained for a style first: spnst painters train STYLE, "
            "then spnst paint --painter; or choose a recipe with engine optimize"
        )
    return found if size is None else found.with_size(size)


def _painter(models: Models | None) -> ArbitraryPainter:
    return ArbitraryPainter.load(find_device("auto") if models is None else _models(models).device)


def _in_one_pass(
    painter: ArbitraryPainter, content: Picture, name: str, style: Sequence[StylePicture], recipe: Recipe
) -> Result:
    import pandas as pd

    picture, opacity = image_io.read_with_opacity(content, name)
    began = time.perf_counter()
    image = painter.paint(picture, [(part.on_white, part.share) for part in style], recipe)
    painted = Painted(image, pd.DataFrame(columns=["step", "stage", "total"]), time.perf_counter() - began)
    return _result(painted, ContentTargets(picture, opacity=opacity))


def _callbacks(callback: Callback | None) -> list[Callback]:
    if callback is None:
        return []
    if not callable(callback):
        raise InputError(f"callback can't be a {type(callback).__name__}: give a function of one argument, an Iterate")
    return [callback]


def _models(models: Models | None) -> Models:
    if models is None:
        return load_models("embedded")
    if not isinstance(models, Models):
        raise InputError(
            f"models can't be a {type(models).__name__}: give the networks themselves, such as "
            'models=load_models("embedded")'
        )
    return models


def _content_targets(
    content: Picture,
    name: str,
    recipe: Recipe,
    models: Models,
    maps: Mapping[Kind, Plane | None] = MappingProxyType({}),
    regions: Mapping[str, Region] = MappingProxyType({}),
    keep_rest: bool = False,
) -> ContentTargets:
    picture, opacity = image_io.read_with_opacity(content, name)
    if is_plain(picture):
        _log.warning("%s holds nothing but one colour, and no shapes to keep: choose another picture", printable(name))
    height, width = image_io.fit(picture.shape[2], picture.shape[3], recipe.size)
    if warning := shortfall(height, width, models.device):
        _log.warning("%s", warning)
    given = {kind: x for kind, x in maps.items() if x is not None}
    names = {kind: named(x, f"the map of {kind} of {name}") for kind, x in given.items()}
    own = OwnMaps(**{kind: read_map(x, kind, names[kind]) for kind, x in given.items()})
    own.require_aspect(picture, names)
    if own.detail is not None:
        recipe.require_detail()
    wanted: dict[str, Plane | Band] = {**recipe.depth_bands, **{key: region.mask for key, region in regions.items()}}
    bands = {key: mask for key, mask in wanted.items() if isinstance(mask, Band)}
    masks = {
        key: _mask(mask, f'the mask of "{key}" of {name}', picture, "content")
        for key, mask in wanted.items()
        if not isinstance(mask, Band)
    }
    areas = Regions.of(picture, recipe, masks, keep_rest) if masks and not bands else None
    targets = content_targets(picture, recipe, models, own, opacity, areas)
    if bands:
        masks |= band_masks(picture, targets, models, bands, own)
        targets = replace(targets, regions=Regions.of(picture, recipe, masks, keep_rest))
    seen: dict[Kind, DepthMap | EdgeMap | None] = {"depth": targets.depth, "edges": targets.edge}
    for kind, found in seen.items():
        if kind in names and (warning := disagreement(kind, found.agreement if found else None, names[kind])):
            _log.warning("%s", warning)
    return targets


def _regions(regions: Mapping[str, Region] | None, keep_rest: bool = False) -> Mapping[str, Region]:
    """The regions that were asked for, once it is sure that they can be meant."""
    given = {} if regions is None else regions
    if not isinstance(given, Mapping) or not all(isinstance(region, Region) for region in given.values()):
        raise InputError('regions must be a mapping of names to regions, such as {"sky": Region("sky.png")}')
    if REST in given:
        raise InputError("a region needs a name, such as sky")
    if keep_rest and not given:
        raise InputError("there are no regions, and so the rest is everything: give a region's mask, or leave it out")
    kept = given.get(KEEP)
    if kept and any(part is not None for part in (kept.style, kept.style_mask, kept.strokes)):
        raise InputError(
            f'the region "{KEEP}" stays as it is and takes neither style nor strokes: leave them out, or name it '
            "otherwise"
        )
    return given


def _mask(source: Plane, name: str, picture: Tensor, whose: str) -> Tensor:
    mask = read_mask(source, printable(name))
    require_aspect(mask, picture, named(source, name), whose)
    return mask


def _strokes(regions: Mapping[str, Region], recipe: Recipe) -> dict[str, str]:
    """The names of the strokes of the regions that have their own, by the regions' names."""
    return recipe.band_strokes | {name: region.strokes for name, region in regions.items() if region.strokes}


def _own_styles(
    regions: Mapping[str, Region], recipe: Recipe, models: Models, row: ContentTargets
) -> dict[str, StyleTargets]:
    """The statistics of the regions that are painted in a style of their own, by name."""
    return {
        name: _part(_read_style(region.style, f'the style of "{name}"'), region, name, recipe, models, row)
        for name, region in regions.items()
        if region.style is not None
    }


def _by_region(
    style: Sequence[StylePicture],
    whole: StyleTargets,
    own: Mapping[str, StyleTargets],
    regions: Mapping[str, Region],
    recipe: Recipe,
    models: Models,
    row: ContentTargets,
) -> StyleTargets:
    """The statistics of a style, or those of each region of a content that is painted.

    Args:
        style: its pictures.
        whole: its statistics.
        own: those of regions in a style of their own.
    """
    strokes = _strokes(regions, recipe)

    def of(name: str) -> StyleTargets:
        found = in_its_style(name)
        if name not in strokes:
            return found
        return found.with_strokes(stroke_scales(strokes[name]), recipe.style_sizes_for())

    def in_its_style(name: str) -> StyleTargets:
        region = regions.get(name)  # the rest has none, nor have a recipe's bands
        if name in own or region is None or region.style_mask is None:
            return own.get(name, whole)
        return _part(style, region, name, recipe, models, row)

    found = [of(name) for name in row.regions.names] if row.regions else []
    return StyleTargets.by_region(found) if any(each is not whole for each in found) else whole


def _part(
    style: Sequence[StylePicture], region: Region, name: str, recipe: Recipe, models: Models, row: ContentTargets
) -> StyleTargets:
    """The statistics of a style, or of the part of it that a region takes on."""
    called, strokes = f'the style of "{name}"', _strokes({name: region}, recipe).values()
    if region.style_mask is None:
        return _style_targets(style, called, recipe, models, row.content, strokes)
    if len(style) > 1:
        raise InputError(f"{called} is a blend, of which no part can be taken: give one picture, or no style mask")
    [picture] = style
    mask = _mask(region.style_mask, f'the style mask of "{name}"', picture.pixels, "style")
    return style_targets(picture.pixels, recipe, models, row.content, mask, picture.opacity, strokes)


def _read_style(style: Picture | Blend, name: str) -> list[StylePicture]:
    """The pictures of a style."""
    return style.read(name) if isinstance(style, Blend) else [StylePicture.read(style, name)]


def _style_targets(
    style: Sequence[StylePicture],
    name: str,
    recipe: Recipe,
    models: Models,
    content: Tensor | None,
    strokes: Collection[str] = (),
) -> StyleTargets:
    targets = blend_targets(style, recipe, models, content, strokes)
    if is_plain_style(targets):
        _log.warning("%s holds nothing but one colour, and no strokes to take: choose another picture", printable(name))
    return targets


def _film(path: Path, content: Tensor, recipe: Recipe) -> Film:
    from spnst_core.report.film import Film  # it brings FFmpeg and matplotlib's fonts

    return Film.of_cell(path, content, recipe)


def _result(painted: Painted, row: ContentTargets) -> Result:
    opacity = row.seen(painted.image)
    image, pixels = image_io.to_image(painted.image, opacity), painted.image.cpu()
    return Result(image, pixels, painted.history, painted.seconds, None if opacity is None else opacity.cpu())
