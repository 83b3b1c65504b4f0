"""Stylisation: pastiches of each recipe, over the grid of photographs and paintings, and the films of their making."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, NamedTuple

import dagster as dg
import pandas as pd
from PIL import Image
from torch import Tensor

from spnst_core.compute.memory import batches
from spnst_core.imaging import io as image_io
from spnst_core.objective.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_core.objective.terms.style import style_misfit
from spnst_core.optim.optimize import optimize, starting_point
from spnst_core.painting import Trace, content_targets
from spnst_core.recipes.recipe import Recipe
from spnst_core.recipes.style_size import StyleSize
from spnst_pipeline.artefacts import layout, provenance
from spnst_pipeline.artefacts.fingerprints import BLOCKED, HEAD, metadata
from spnst_pipeline.artefacts.partition_keys import cell_key, rows
from spnst_pipeline.artefacts.rules import Artefact, Lineage, NotMade
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.assets.input_images import content_image, style_image
from spnst_pipeline.defs.assets.structure import depth_map, edge_map
from spnst_pipeline.defs.assets.style import style_grams
from spnst_pipeline.defs.assets.timelapse import Recording, shown, timelapse_spec
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.curves import loss_plot
from spnst_pipeline.defs.events import Made, Report, Result, results
from spnst_pipeline.defs.partitions import GRID
from spnst_pipeline.defs.previews import preview, small_pictures
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.store import Store

CHECKS = (checks.FINITE, checks.STYLE_FELL)


Kind = Literal["pastiche", "timelapse"]


def pastiche_assets(recipe: Recipe) -> dg.AssetsDefinition:
    """The assets ``pastiche/<recipe>`` and ``timelapse/<recipe>``.

    One step makes either or both, because a cell can only be filmed while it is painted.
    """
    key = dg.AssetKey(["pastiche", recipe.name])
    pastiche_spec = dg.AssetSpec(
        key,
        deps=[content_image, depth_map, edge_map, style_image, style_grams],
        group_name="pastiches",
        kinds={"pytorch", "image"},
        description=f"Photographs painted by the recipe {recipe.name}. {recipe.description}".strip(),
        metadata={
            "file": layout.pastiche(recipe.name, "<content>", "<style>"),
            "format": "PNG, 8-bit sRGB, with the fingerprint, how it was made, losses and checks as texts",
            "shape": f"long side {recipe.size} px",
            "values": "0 to 255",
            "recipe": dg.MetadataValue.json(recipe.model_dump(mode="json")),
        },
    )
    film_spec = timelapse_spec(recipe)

    @dg.multi_asset(
        name=f"pastiche__{recipe.name}",
        specs=[pastiche_spec, film_spec],
        partitions_def=GRID,
        can_subset=True,
        pool="gpu",
        description=f"Paints by the recipe {recipe.name}, and films it where a film is asked for.",
        check_specs=[check.spec(key) for check in CHECKS],
    )
    def paint(
        context: dg.AssetExecutionContext,
        config: Paint,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Iterator[Result]:
        lineage, store, small = Lineage(project), project.store, small_pictures(project.store)
        reports: dict[Kind, Report] = {
            "pastiche": Report(context, CHECKS, key),
            "timelapse": Report(context, asset=film_spec.key),
        }
        asked = [kind for kind, report in reports.items() if report.asked]
        for content, styles in rows(context.partition_keys).items():
            for kind, style, new, error in paint_row(lineage, listener, recipe, content, styles, config, asked):
                cell, report = cell_key(content, style), reports[kind]
                if error:
                    report.failed(cell, error)
                elif kind == "pastiche" and (new or report.asked):
                    report.landed(cell, _made(store, small, recipe.name, content, style))
                elif new or report.asked:
                    report.landed(cell, shown(store, layout.timelapse(recipe.name, content, style)))
        yield from results(*reports.values())

    return paint


class Landed(NamedTuple):
    """A pastiche or a film of one style that is there, whether it is new, or what went wrong."""

    kind: Kind
    style: str
    new: bool = False
    error: Exception | None = None


@dataclass(frozen=True)
class _Wanted:
    """A cell to paint, because its pastiche is missing or outdated (``stale``), or for the film."""

    pastiche: Artefact
    stale: bool
    film: Artefact | None

    def failed(self, style: str, error: Exception) -> Landed:
        """What to tell when the cell can't be painted."""
        return Landed("pastiche" if self.stale else "timelapse", style, error=error)


def paint_row(
    lineage: Lineage,
    listener: Listener,
    recipe: Recipe,
    content: str,
    styles: Sequence[str],
    options: Paint,
    asked: Collection[Kind],
) -> Iterator[Landed]:
    """One content in several styles: each pastiche as soon as it is in the store, or with what went wrong; its film.

    What is up to date isn't painted again, except for a film: one that is missing and asked for, by ``asked`` or by
    the recipe, is recorded while its cell is painted once more; the pastiche stays, and the film ends on it. Cells of
    a batch that fails are tried once more, one by one, so that a bad cell, or a batch that the device has no room for,
    costs no other cell.

    Raises:
        InputError: options that the recipe can't have.
    """
    project = lineage.project
    changed = options.applied_to(recipe)
    filming = changed.record_every > 0 or "timelapse" in asked
    wanted: dict[str, _Wanted] = {}
    for style in styles:
        try:
            pastiche = lineage.pastiche(changed, content, style)
            film = lineage.timelapse(changed, content, style) if filming else None
        except NotMade as error:
            yield Landed("pastiche" if "pastiche" in asked else "timelapse", style, error=error)
            continue
        stale = (options.force and "pastiche" in asked) or not lineage.reuse(pastiche)
        unfilmed = film and (options.force or not lineage.reuse(film))
        if not stale:
            yield Landed("pastiche", style)
        if film and not unfilmed:
            yield Landed("timelapse", style)
        if stale or unfilmed:
            wanted[style] = _Wanted(pastiche, stale, film if unfilmed else None)
    if not wanted:
        return
    try:
        targets = _content_targets(project, changed, content)
    except Exception as error:  # reported for every cell of the row; other rows go on
        yield from (cell.failed(style, error) for style, cell in wanted.items())
        return
    height, width = image_io.fit(targets.content.shape[2], targets.content.shape[3], changed.size)
    queue = batches(list(wanted), height * width, project.models.device)
    while queue:
        batch = queue.pop(0)
        films = {style: film for style in batch if (film := wanted[style].film)}
        try:
            with Recording(targets.content, changed, batch, films) as recording:
                for style, painting in _paint(project, listener, changed, content, targets, batch, recording):
                    yield from _keep(project.store, listener, style, wanted[style], painting, recording, options)
                    del wanted[style]
        except Exception as error:
            if len(batch) == 1:
                yield wanted[batch[0]].failed(batch[0], error)
            else:
                queue[:0] = [[style] for style in batch if style in wanted]


@dataclass(frozen=True)
class _Painting:
    """A finished cell that isn't encoded yet.

    Attributes:
        image: the pastiche, (1, 3, H, W), in [0, 1] if all went well.
        before, after: how far from its style the picture was that it started from, and the pastiche.
        made: how it was made.
        history: its losses, one row a step.
    """

    image: Tensor
    before: float
    after: float
    made: Mapping[str, Any]
    history: pd.DataFrame


def _keep(
    store: Store,
    listener: Listener,
    style: str,
    cell: _Wanted,
    painting: _Painting,
    recording: Recording,
    options: Paint,
) -> Iterator[Landed]:
    """Put a painted cell into the store: the pastiche first, so that a film that fails can't lose it."""
    if cell.stale:
        try:
            data = _encoded(painting, cell.pastiche, options.changes)
        except checks.CheckFailed as error:  # the same again if it were tried again
            yield Landed("pastiche", style, error=error)
            return
        store.write(cell.pastiche.key, data)
        listener.made(cell.pastiche.key)
        yield Landed("pastiche", style, new=True)
    if cell.film:
        try:
            pastiche = image_io.decode(store.read(cell.pastiche.key), cell.pastiche.key)
            store.write(cell.film.key, recording.finished(style, pastiche))
        except Exception as error:  # painting the cell again might not help, and nothing else depends on its film
            yield Landed("timelapse", style, error=error)
        else:
            listener.made(cell.film.key)
            yield Landed("timelapse", style, new=True)


def _encoded(painting: _Painting, artefact: Artefact, changes: Mapping[str, float]) -> bytes:
    """The pastiche's file.

    Raises:
        CheckFailed: the pastiche can't be shown.
    """
    verdicts = (
        checks.required(checks.finite(painting.image)),
        checks.style_fell(painting.before, painting.after),
    )
    made = {**painting.made, **({"overridden": dict(changes)} if changes else {})}
    stamp = {**artefact.stamp, **provenance.stamp(made, painting.history), **checks.stamp(verdicts)}
    return image_io.encode_png(image_io.to_image(painting.image), stamp)


def _paint(
    project: Project,
    listener: Listener,
    recipe: Recipe,
    content: str,
    targets: ContentTargets,
    batch: Sequence[str],
    recording: Recording,
) -> Iterator[tuple[str, _Painting]]:
    """One batch through the recipe: each style with its painting."""
    began, started = datetime.now(timezone.utc), time.perf_counter()
    device = project.models.device
    styles = [_style_targets(project, recipe, style) for style in batch]
    trace = Trace()
    listener.batch(recipe, content, batch)
    for iterate in optimize(targets, styles, recipe, project.models):
        trace.add(iterate)
        recording.follow(iterate)
        listener.step(iterate)
    starts = starting_point(targets, styles, recipe, project.models)
    seconds = time.perf_counter() - started
    used = recipe.stage_weights(recipe.stages[-1]).by_term
    for index, (name, style) in enumerate(zip(batch, styles, strict=True)):
        history = trace.history(index)
        image, start = iterate.image[index : index + 1], starts[index : index + 1]
        made = {
            "recipe": recipe.name,
            "profile": project.identity.label,
            "steps": len(history),
            "seconds": round(seconds / len(batch), 3),
            "began": began.isoformat(timespec="seconds"),
            "batch": len(batch),
            "batch_seconds": round(seconds, 3),
            "device": device.type,
            "precision": str(project.models.precision).removeprefix("torch."),
            "losses": {term: float(iterate.losses[term][index]) for term, weight in used.items() if weight},
        }
        before, after = (style_misfit(x, [style], recipe, project.models).item() for x in (start, image))
        yield name, _Painting(image, before, after, made, history)


def _content_targets(project: Project, recipe: Recipe, content: str) -> ContentTargets:
    """The photograph with its depth and edges: as prepared, or computed now at sizes that no recipe asks for."""
    store, device = project.store, project.models.device
    photograph = image_io.read(store.read(layout.content_image(content)))
    if not set(recipe.sizes) <= set(project.content_sizes):
        return content_targets(photograph, recipe, project.models)
    return ContentTargets(
        photograph,
        EdgeMap.from_bytes(store.read(layout.edge_map(content)), device),
        DepthMap.from_bytes(store.read(layout.depth_map(content)), device),
    )


def _style_targets(project: Project, recipe: Recipe, style: str) -> StyleTargets:
    """The painting's statistics: as prepared, or computed now at sizes that no recipe asks for."""
    store, models = project.store, project.models
    sizes = {*recipe.style_sizes, StyleSize(recipe.size)}
    if not sizes <= set(project.style_sizes):
        painting = image_io.read(store.read(layout.style_image(style)))
        return StyleTargets.compute(painting, models, sizes, recipe.style_layers(models.encoder))
    return StyleTargets.from_bytes(store.read(layout.style_grams(style)), models.device)


def _made(store: Store, small: Callable[[str], Image.Image], recipe: str, content: str, style: str) -> Made:
    """What a cell's event shows: photograph, painting and pastiche side by side, its losses, and how it was made."""
    key = layout.pastiche(recipe, content, style)
    carried = metadata(key, store.read(key, HEAD))
    made = provenance.read_made(carried)
    keys = (layout.content_image(content), layout.style_image(style), key)
    shown = {
        "preview": preview(*map(small, keys)),
        "losses": loss_plot(provenance.read_history(carried)),
        **{f"loss_{term}": round(value, 5) for term, value in made.pop("losses").items()},
        **made,
        "path": dg.MetadataValue.path(store.locate(key)),
        "fingerprint": carried["fingerprint"],
        **({"blocked": carried[BLOCKED]} if BLOCKED in carried else {}),
    }
    return Made(shown, checks.carried(carried))
