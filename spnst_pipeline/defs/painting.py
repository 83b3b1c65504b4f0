"""Painting rows of the grid in batches, and putting what was painted into the store."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from spnst_core.compute.memory import batches, ran_out, release
from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.imaging.maps import KINDS
from spnst_core.imaging.maps import Kind as MapKind
from spnst_core.metrics.sanity import plain
from spnst_core.objective.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_core.optim.divergence import Diverged
from spnst_core.painters.painter import Painter
from spnst_core.painting import Painted, blend_targets, content_targets, misfits, paint_batch
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts import provenance
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.index import Index
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.seal import sealed
from spnst_pipeline.artefacts.soundness import put, take
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.checkpoints import Checkpoints, Keeper, halfway
from spnst_pipeline.defs.events import in_one_line
from spnst_pipeline.defs.films import Films
from spnst_pipeline.defs.pastiche_files import encoded, file_format
from spnst_pipeline.defs.previews import stored_picture
from spnst_pipeline.defs.regions import by_region, own_styles, region_names, with_regions
from spnst_pipeline.defs.rows import Cell, Landed, Row
from spnst_pipeline.defs.targets import own_maps, style_pictures
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.places import Entry
from spnst_pipeline.storage.store import Store

HELD = 32
"""Styles whose statistics stay in memory: one row after the other is painted in the same ones."""


def paint(work: Iterable[Landed | Row], listener: Listener) -> Iterator[Landed]:
    """Paint rows in this process, one after the other; outcomes among them are passed on.

    Yields each pastiche and each film once it is in the store or has failed. The pastiche of a cell that only lacks its
    film stays as it is, and the film ends on it. If a batch fails, its cells are tried again one by one, so that
    neither a bad cell nor a batch too large for the device costs any other cell.
    """
    for each in work:
        if isinstance(each, Landed):
            yield each
        elif each.recipe.engine == "optimize":
            yield from _in_batches(each, listener)
        else:
            for cell in each.cells:
                yield from _in_one_pass(each, cell)


def _in_one_pass(row: Row, cell: Cell) -> Iterator[Landed]:
    """Paint a cell by a network alone; there is nothing to film."""
    if cell.to_paint:
        try:
            yield _pass(row, cell)
        except Exception as error:  # other cells go on
            yield cell.failed(error)
    if cell.to_film:
        yield cell.failed(InputError(f"{row.recipe.name} paints in one pass: there is nothing to film"))


def _pass(row: Row, cell: Cell) -> Landed:
    project, recipe, store = row.project, row.recipe, row.project.store
    content, opacity = image_io.read_with_opacity(take(store, ArtefactId("content_image", content=row.content)))
    by = _by_any_style if recipe.engine == "arbitrary" else _by_painter
    image, seconds, told = by(row, cell.style, content)
    style, goal = _style_targets(project, recipe, cell.style, content), ContentTargets(content, opacity=opacity)
    before, after = misfits(image.to(project.models.device), goal, style, recipe, project.models)
    history = pd.DataFrame([{"step": 1, "stage": 0, "style": after, "total": after}])  # of the finished pastiche
    fell = checks.style_fell(before, after, plain(content, style))
    told = {**told, "losses": {"style": after}}
    return _keep_pastiche(row, cell, Painted(image, history, seconds), fell, told, goal.seen(image))


def _by_painter(row: Row, style: str, content: Tensor) -> tuple[Tensor, float, dict[str, Any]]:
    """The pastiche by the style's painter, the seconds that it took, and how it was made."""
    project, stored = row.project, ArtefactId("painter", row.recipe.name, style=style)
    painter = Painter.from_bytes(take(project.store, stored), stored.path)
    device, began, started = project.models.device, datetime.now(timezone.utc), time.perf_counter()
    image = painter.paint(content, row.recipe.size, device)
    seconds = time.perf_counter() - started
    return image, seconds, provenance.describe_pass(painter, image, seconds, began, device)


def _by_any_style(row: Row, style: str, content: Tensor) -> tuple[Tensor, float, dict[str, Any]]:
    """The same by the network that paints any style."""
    project, recipe, painter = row.project, row.recipe, row.project.arbitrary_painter
    pictures = [(picture.on_white, picture.share) for picture in style_pictures(project, style)]
    began, started = datetime.now(timezone.utc), time.perf_counter()
    image = painter.paint(content, pictures, recipe)
    seconds = time.perf_counter() - started
    shares = [part.shares[-1] for part in project.styles.parts(style)]
    return image, seconds, provenance.describe_arbitrary(recipe, image, seconds, began, painter.device, shares)


def _in_batches(row: Row, listener: Listener) -> Iterator[Landed]:
    """Paint the cells of a row in batches that fit the device; those of a failed batch again, one by one."""
    try:
        file_format(row.project, row.content)  # which there must be, before anything is painted
        content = _content_targets(row.project, row.recipe, row.content)
    except Exception as error:  # reported for every cell of the row; other rows go on
        yield from (cell.failed(error) for cell in row.cells)
        return
    height, width = image_io.fit(content.content.shape[2], content.content.shape[3], row.recipe.size)
    checkpoints = _checkpoints(row, listener)
    positions = checkpoints.positions({cell.pastiche: cell.to_film for cell in row.cells})
    queue = [
        group
        for batch in batches(row.cells, height * width, row.project.models.device, row.project.models.room)
        for group in _alike(batch, lambda cell: positions.get(cell.pastiche))
    ]
    while queue:
        batch, landed = queue.pop(0), set[str | None]()
        begun = positions.get(batch[0].pastiche)
        try:
            for found in _paint_batch(row, listener, content, batch, go_on=begun is not None):
                landed.add(found.artefact.style)
                yield found
        except Exception as error:
            left = [cell for cell in batch if cell.style not in landed]
            release(error)
            if begun is not None and not ran_out(error):  # perhaps that is why it fails
                listener.note(f"{_names(left)} begin anew: {in_one_line(error)}")
                for cell in left:
                    del positions[cell.pastiche]
                queue[:0] = [left] if left else []
            elif len(batch) == 1:
                told = checks.CheckFailed(checks.diverged(error)) if isinstance(error, Diverged) else error
                yield from (cell.failed(told) for cell in left)
            else:
                queue[:0] = [[cell] for cell in left]


def _alike(cells: Sequence[Cell], position: Callable[[Cell], str | None]) -> list[list[Cell]]:
    """The cells in groups at one position."""
    groups = dict[str | None, list[Cell]]()
    for cell in cells:
        groups.setdefault(position(cell), []).append(cell)
    return list(groups.values())


def _names(cells: Sequence[Cell]) -> str:
    return ", ".join(str(cell.pastiche.id) for cell in cells)


def _checkpoints(row: Row, listener: Listener) -> Checkpoints:
    project = row.project
    return Checkpoints(project.checkpoints, project.settings.checkpoint_seconds, listener.note)


def _paint_batch(
    row: Row, listener: Listener, content: ContentTargets, cells: Sequence[Cell], go_on: bool
) -> Iterator[Landed]:
    """Paint one batch, film the cells that ask for it, and write the results to the store.

    With ``go_on`` it goes on from the cells' checkpoints.
    """
    project, recipe, names = row.project, row.recipe, [cell.style for cell in cells]
    checkpoints, pastiches = _checkpoints(row, listener), [cell.pastiche for cell in cells]
    films = {cell.style: cell.film for cell in cells if cell.film and cell.to_film}
    earlier = checkpoints.read(pastiches) if go_on else []
    frames = {name: checkpoint.frames or () for name, checkpoint in zip(names, earlier, strict=go_on)}
    began = datetime.now(timezone.utc)
    with Films(content.content, recipe, names, films, frames) as recorded:
        wholes = [_style_targets(project, recipe, name, content.content) for name in names]
        own = own_styles(project, recipe, row.content, content)
        styles = [
            by_region(project, recipe, name, content, whole, own) for name, whole in zip(names, wholes, strict=True)
        ]
        listener.batch(recipe, row.content, names)
        if earlier:
            listener.note(f"{_names(cells)} go on after step {len(earlier[0].history)}")
        with Keeper(checkpoints, pastiches, earlier, recorded.frames) as keeper:
            callbacks = (recorded.follow, keeper.follow, listener.step)
            batch = paint_batch(
                content, styles, recipe, project.models, _drafts(row, names), callbacks, halfway(earlier)
            )
        for cell, style, painted in zip(cells, styles, batch, strict=True):
            if cell.to_paint:
                misfit = misfits(painted.image, content, style, recipe, project.models)
                fell = checks.style_fell(*misfit, plain(content.content, style))
                made = _how_made(row, cell.style, painted, began, len(cells))
                landed = _keep_pastiche(row, cell, painted, fell, made, content.seen(painted.image))
                yield landed
                if landed.error:
                    continue
            if cell.film and cell.to_film:  # after the pastiche, so that a film that fails can't lose it
                yield _keep_film(row, cell, cell.film, recorded)
    checkpoints.remove(pastiches)


def _drafts(row: Row, styles: Sequence[str]) -> Tensor | None:
    """Pastiches of another recipe to start from, (B, 3, h, w), if the row's recipe does."""
    draft = row.project.draft_of(row.recipe)
    if not draft:
        return None
    cells = [ArtefactId("pastiche", draft.name, row.content, style) for style in styles]
    return torch.cat([image_io.read_with_opacity(take(row.project.store, cell))[0] for cell in cells])


def _keep_pastiche(
    row: Row,
    cell: Cell,
    painted: Painted,
    fell: checks.Verdict,
    made: Mapping[str, Any],
    opacity: Tensor | None = None,
) -> Landed:
    """Put a pastiche into the store, with the opacity of its content, unless its checks forbid it."""
    try:
        verdicts = checks.required(checks.finite(painted.image)), fell
    except checks.CheckFailed as error:  # painting it again would give the same
        return Landed(cell.pastiche.id, error=error)
    if not row.force and Index(row.project.store).holds(cell.pastiche):  # another process was faster
        return Landed(cell.pastiche.id, new=True)
    settings = row.project.settings
    written = {"gamut": settings.gamut, "bits": settings.bits} if settings.written else {}
    told = {**provenance.stamp({**made, **written}, painted.history), **checks.stamp(verdicts)}
    form = file_format(row.project, row.content)
    put(row.project.store, cell.pastiche, lambda stamp: encoded(form, painted.image, opacity, {**stamp, **told}))
    return Landed(cell.pastiche.id, new=True)


def _keep_film(row: Row, cell: Cell, film: Artefact, recorded: Films) -> Landed:
    """Put a film into the store, ending on the pastiche that is there."""
    store = row.project.store
    try:
        pastiche = stored_picture(store, cell.pastiche.id)
        store.write(film.path, sealed(recorded.finished(cell.style, pastiche)))
    except Exception as error:  # painting the cell again might not help, and nothing else depends on its film
        return Landed(film.id, error=error)
    return Landed(film.id, new=True)


def _how_made(row: Row, style: str, painted: Painted, began: datetime, cells: int) -> dict[str, Any]:
    """How a pastiche was made, for its file; ``cells`` is the size of its batch."""
    stages = [*zip(*(part.shares for part in row.project.styles.parts(style)), strict=True)]
    maps = [kind for kind in _heeded_maps(row.recipe) if (row.content, kind) in row.project.contents.maps]
    own = {"own_maps": maps} if maps else {}
    regions = {"regions": names} if (names := region_names(row.project, row.recipe, row.content)) else {}
    batch = {"batch": cells, "batch_seconds": round(painted.seconds * cells, 3)}
    setbacks = {"setbacks": painted.setbacks} if painted.setbacks else {}
    overridden = {"overridden": dict(row.changes)} if row.changes else {}
    found = provenance.describe(
        row.recipe, row.project.models, painted.history, painted.image, painted.seconds, began, stages
    )
    return {**found, **own, **regions, **batch, **setbacks, **overridden}


def _heeded_maps(recipe: Recipe) -> tuple[MapKind, ...]:
    """The kinds of the user's own maps that count for a recipe. Depth and edges are made for all recipes alike."""
    return tuple(kind for kind in KINDS if kind != "detail" or recipe.heeds_detail)


def _content_targets(project: Project, recipe: Recipe, content: str) -> ContentTargets:
    """A content with its edges and depth from the store, or computed now if the store lacks a size, and its detail."""
    store, device = project.store, project.models.device
    picture, opacity = image_io.read_with_opacity(take(store, ArtefactId("content_image", content=content)))
    if set(recipe.sizes) <= set(project.content_sizes):
        targets = ContentTargets(
            picture,
            EdgeMap.from_bytes(take(store, ArtefactId("edge_map", content=content)), device),
            DepthMap.from_bytes(take(store, ArtefactId("depth_map", content=content)), device),
            opacity,
            detail=own_maps(project, content, picture, "detail").detail if recipe.heeds_detail else None,
        )
    else:
        own = own_maps(project, content, picture, *_heeded_maps(recipe))
        targets = content_targets(picture, recipe, project.models, own, opacity)
    return with_regions(project, recipe, content, targets)


def _style_targets(project: Project, recipe: Recipe, style: str, content: Tensor) -> StyleTargets:
    """A style's statistics from the store; computed now if they depend on the content, or the store lacks a size."""
    store, models = project.store, project.models
    if recipe.colour == "match" or not set(recipe.style_sizes) <= set(project.style_sizes):
        return blend_targets(style_pictures(project, style), recipe, models, content)
    path = ArtefactId("style_grams", style=style).path
    if not (file := store.entry(path)):
        raise FileNotFoundError(store.locate(path))
    found = _stored_style(store.location, file, models.device)
    recipe.require_stages(len(found.stages))
    return found


@lru_cache(maxsize=HELD)
def _stored_style(store: str, file: Entry, device: torch.device) -> StyleTargets:
    """The statistics in a file of a store, for as long as it stays as it was listed."""
    return StyleTargets.from_bytes(take(Store.open(store), ArtefactId.from_path(file.name)), device)
