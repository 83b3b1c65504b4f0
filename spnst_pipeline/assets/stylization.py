"""Stylisation: one asset of pastiches for each recipe, over the grid of photographs and paintings."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import dagster as dg
import pandas as pd
from PIL import Image
from torch import Tensor

from spnst_core import images
from spnst_core.batching import batches
from spnst_core.metrics import style_distance
from spnst_core.optimize import TERMS, optimize, starting_point
from spnst_core.recipes import Recipe
from spnst_core.style_size import StyleSize
from spnst_core.stylize import Trace, content_targets
from spnst_core.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_pipeline import checks, layout, provenance
from spnst_pipeline.assets.catalog import content_image, style_image
from spnst_pipeline.assets.structure import depth_map, edge_map
from spnst_pipeline.assets.style import style_grams
from spnst_pipeline.curves import loss_plot
from spnst_pipeline.events import Made, Report, Result
from spnst_pipeline.fingerprints import HEAD, metadata
from spnst_pipeline.lineage import Artefact, Lineage, NotMade
from spnst_pipeline.options import Paint
from spnst_pipeline.partitions import GRID, cell_key, rows
from spnst_pipeline.pictures import preview, small_pictures
from spnst_pipeline.progress import Listener
from spnst_pipeline.resources import Project
from spnst_pipeline.storage import Store

CHECKS = (checks.FINITE, checks.STYLE_FELL)


def pastiche_asset(recipe: Recipe) -> dg.AssetsDefinition:
    """The asset ``pastiche/<recipe>``."""
    key = dg.AssetKey(["pastiche", recipe.name])

    @dg.asset(
        key=key,
        partitions_def=GRID,
        deps=[content_image, depth_map, edge_map, style_image, style_grams],
        group_name="pastiches",
        kinds={"pytorch", "image"},
        pool="gpu",
        description=f"Photographs painted by the recipe {recipe.name}. {recipe.description}".strip(),
        metadata={
            "file": layout.pastiche(recipe.name, "<content>", "<style>"),
            "format": "PNG, 8-bit sRGB, with the fingerprint, how it was made, losses and checks as texts",
            "shape": f"long side {recipe.size} px",
            "values": "0 to 255",
            "recipe": dg.MetadataValue.json(recipe.model_dump(mode="json")),
        },
        check_specs=[check.spec(key) for check in CHECKS],
    )
    def pastiche(
        context: dg.AssetExecutionContext,
        config: Paint,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Result:
        lineage, report, small = Lineage(project), Report(context, CHECKS), small_pictures(project.store)
        for content, styles in rows(context.partition_keys).items():
            for style, error in paint_row(lineage, listener, recipe, content, styles, config):
                if error:
                    report.failed(cell_key(content, style), error)
                else:
                    report.landed(cell_key(content, style), _made(project.store, small, recipe.name, content, style))
        return report.result()

    return pastiche


def paint_row(
    lineage: Lineage, listener: Listener, recipe: Recipe, content: str, styles: Sequence[str], options: Paint
) -> Iterator[tuple[str, Exception | None]]:
    """One content in several styles: each style as soon as its pastiche is in the store, or with what went wrong.

    What is up to date isn't painted again. Cells of a batch that fails are tried once more, one by one, so that a
    bad cell, or a batch that the device has no room for, costs no other cell.

    Raises:
        InputError: options that the recipe can't have.
    """
    project = lineage.project
    changed = options.applied_to(recipe)
    wanted: dict[str, Artefact] = {}
    for style in styles:
        try:
            artefact = lineage.pastiche(changed, content, style)
        except NotMade as error:
            yield style, error
        else:
            if not options.force and lineage.reuse(artefact):
                yield style, None
            else:
                wanted[style] = artefact
    if not wanted:
        return
    try:
        targets = _content_targets(project, changed, content)
    except Exception as error:  # reported for every cell of the row; other rows go on
        yield from ((style, error) for style in wanted)
        return
    height, width = images.fit(targets.content.shape[2], targets.content.shape[3], changed.size)
    queue = batches(list(wanted), height * width, project.models.device)
    while queue:
        batch = queue.pop(0)
        try:
            for style, painting in _paint(project, listener, changed, content, targets, batch):
                artefact = wanted.pop(style)
                try:
                    project.store.write(artefact.key, _encoded(painting, artefact, options.changes))
                except checks.CheckFailed as error:  # the same again if it were tried again
                    yield style, error
                else:
                    listener.made(artefact.key)
                    yield style, None
        except Exception as error:
            if len(batch) == 1:
                yield batch[0], error
            else:
                queue[:0] = [[style] for style in batch if style in wanted]


@dataclass(frozen=True)
class _Painting:
    """A finished cell that isn't encoded yet.

    Attributes:
        image: the pastiche, (1, 3, H, W), in [0, 1] if all went well.
        before, after: style distances of the picture that it started from and of the pastiche.
        made: how it was made.
        history: its losses, one row a step.
    """

    image: Tensor
    before: float
    after: float
    made: Mapping[str, Any]
    history: pd.DataFrame


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
    return images.encode_png(images.to_image(painting.image), stamp)


def _paint(
    project: Project, listener: Listener, recipe: Recipe, content: str, targets: ContentTargets, batch: Sequence[str]
) -> Iterator[tuple[str, _Painting]]:
    """One batch through the recipe: each style with its painting."""
    began, started = datetime.now(timezone.utc), time.perf_counter()
    encoder, device = project.models.encoder, project.models.device
    styles = [_style_targets(project, recipe, style) for style in batch]
    trace = Trace()
    listener.batch(recipe, content, batch)
    for iterate in optimize(targets, styles, recipe, project.models):
        trace.add(iterate)
        listener.step(iterate)
    starts = starting_point(targets, styles, recipe, project.models)
    seconds = time.perf_counter() - started
    used = recipe.stage_weights(recipe.stages[-1])
    for index, (name, style) in enumerate(zip(batch, styles, strict=True)):
        image, start = iterate.image[index : index + 1], starts[index : index + 1]
        made = {
            "recipe": recipe.name,
            "profile": project.identity.label,
            "steps": recipe.steps,
            "seconds": round(seconds / len(batch), 3),
            "began": began.isoformat(timespec="seconds"),
            "batch": len(batch),
            "batch_seconds": round(seconds, 3),
            "device": device.type,
            "losses": {t: float(iterate.losses[t][index]) for t in TERMS if getattr(used, t)},
        }
        before, after = style_distance(start, style, encoder), style_distance(image, style, encoder)
        yield name, _Painting(image, before, after, made, trace.history(index))


def _content_targets(project: Project, recipe: Recipe, content: str) -> ContentTargets:
    """The photograph with its depth and edges: as prepared, or computed now at sizes that no recipe asks for."""
    store, device = project.store, project.models.device
    photograph = images.read(store.read(layout.content_image(content))).to(device)
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
        painting = images.read(store.read(layout.style_image(style)))
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
        **{f"loss_{term}": value for term, value in made.pop("losses").items()},
        **made,
        "path": dg.MetadataValue.path(store.locate(key)),
        "fingerprint": carried["fingerprint"],
        **({"blocked": carried[checks.BLOCKED]} if checks.BLOCKED in carried else {}),
    }
    return Made(shown, checks.carried(carried))
