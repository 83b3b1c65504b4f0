"""Stylisation: one asset of pastiches for each recipe, over the grid of photographs and paintings."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg
from PIL import Image

from spnst_core import images
from spnst_core.batching import batches
from spnst_core.optimize import TERMS, optimize
from spnst_core.recipes import Recipe
from spnst_core.targets import ContentTargets, DepthMap, EdgeMap, StyleTargets
from spnst_pipeline import layout
from spnst_pipeline.assets.catalog import content_image, style_image
from spnst_pipeline.assets.structure import depth_map, edge_map
from spnst_pipeline.assets.style import style_grams
from spnst_pipeline.events import Failures, Metadata, land
from spnst_pipeline.fingerprints import HEAD, metadata
from spnst_pipeline.lineage import Artefact, Lineage, NotMade
from spnst_pipeline.partitions import BATCHES, GRID, cell_key, rows
from spnst_pipeline.pictures import preview, small_pictures
from spnst_pipeline.progress import Listener
from spnst_pipeline.resources import Project
from spnst_pipeline.storage import Store

MADE = "made"
"""PNG text that says how a pastiche was made, as JSON: recipe, steps, seconds, device and final losses."""


def pastiche_asset(recipe: Recipe) -> dg.AssetsDefinition:
    """The asset ``pastiche/<recipe>``."""

    @dg.asset(
        key=["pastiche", recipe.name],
        partitions_def=GRID,
        backfill_policy=BATCHES,
        deps=[content_image, depth_map, edge_map, style_image, style_grams],
        group_name="pastiches",
        kinds={"pytorch", "image"},
        description=f"Photographs painted by the recipe {recipe.name}. {recipe.description}".strip(),
        metadata={"recipe": dg.MetadataValue.json(recipe.model_dump(mode="json"))},
    )
    def pastiche(
        context: dg.AssetExecutionContext, project: dg.ResourceParam[Project], listener: dg.ResourceParam[Listener]
    ) -> None:
        lineage, failures, small = Lineage(project), Failures(context), small_pictures(project.store)
        for content, styles in rows(context.partition_keys).items():
            for style, error in paint_row(project, lineage, listener, recipe, content, styles):
                key = cell_key(content, style)
                if error:
                    failures.add(key, error)
                else:
                    land(context, key, _metadata(project.store, small, recipe.name, content, style))
        failures.report()

    return pastiche


def paint_row(
    project: Project, lineage: Lineage, listener: Listener, recipe: Recipe, content: str, styles: Sequence[str]
) -> Iterator[tuple[str, Exception | None]]:
    """One content in several styles: each style as soon as its pastiche is in the store, or with what went wrong.

    What is up to date isn't painted again. Cells of a batch that fails are tried once more, one by one, so that a
    bad cell, or a batch that the device has no room for, costs no other cell.
    """
    wanted: dict[str, Artefact] = {}
    for style in styles:
        try:
            artefact = lineage.pastiche(recipe, content, style)
        except NotMade as error:
            yield style, error
        else:
            if lineage.is_current(artefact):
                yield style, None
            else:
                wanted[style] = artefact
    if not wanted:
        return
    try:
        targets = _content_targets(project, content)
    except Exception as error:  # reported for every cell of the row; other rows go on
        yield from ((style, error) for style in wanted)
        return
    height, width = images.fit(targets.content.shape[2], targets.content.shape[3], recipe.size)
    queue = batches(list(wanted), height * width, project.models.device)
    while queue:
        batch = queue.pop(0)
        try:
            for style, image, made in _paint(project, listener, recipe, content, targets, batch):
                artefact = wanted.pop(style)
                stamp = {**artefact.stamp, MADE: json.dumps(made)}
                project.store.write(artefact.key, images.encode_png(image, stamp))
                listener.made(artefact.key)
                yield style, None
        except Exception as error:
            if len(batch) == 1:
                yield batch[0], error
            else:
                queue[:0] = [[style] for style in batch if style in wanted]


def how_made(store: Store, key: str) -> dict[str, Any]:
    """How a pastiche was made: recipe, profile, steps, seconds, device, and its final losses."""
    made: dict[str, Any] = json.loads(metadata(key, store.read(key, HEAD))[MADE])
    return made


def _paint(
    project: Project, listener: Listener, recipe: Recipe, content: str, targets: ContentTargets, batch: Sequence[str]
) -> Iterator[tuple[str, Image.Image, dict[str, Any]]]:
    """One batch through the recipe: style, picture and how it was made, for each cell."""
    started = time.perf_counter()
    device = project.models.device
    styles = [StyleTargets.from_bytes(project.store.read(layout.style_grams(s)), device) for s in batch]
    listener.batch(recipe, content, batch)
    for iterate in optimize(targets, styles, recipe, project.models):
        listener.step(iterate)
    seconds = (time.perf_counter() - started) / len(batch)
    used = recipe.stage_weights(recipe.stages[-1])
    for index, style in enumerate(batch):
        made = {
            "recipe": recipe.name,
            "profile": project.models.label,
            "steps": recipe.steps,
            "seconds": round(seconds, 3),
            "device": device.type,
            "losses": {t: float(iterate.losses[t][index]) for t in TERMS if getattr(used, t)},
        }
        yield style, images.to_image(iterate.image[index]), made


def _content_targets(project: Project, content: str) -> ContentTargets:
    """The photograph with its depth and edges."""
    store, device = project.store, project.models.device
    return ContentTargets(
        images.read(store.read(layout.content_image(content))).to(device),
        EdgeMap.from_bytes(store.read(layout.edge_map(content)), device),
        DepthMap.from_bytes(store.read(layout.depth_map(content)), device),
    )


def _metadata(store: Store, small: Callable[[str], Image.Image], recipe: str, content: str, style: str) -> Metadata:
    """What a cell's event shows: photograph, painting and pastiche side by side, and how it was made."""
    key = layout.pastiche(recipe, content, style)
    made = how_made(store, key)
    keys = (layout.content_image(content), layout.style_image(style), key)
    return {
        "preview": preview(*map(small, keys)),
        **{f"loss_{term}": value for term, value in made.pop("losses").items()},
        **made,
        "fingerprint": metadata(key, store.read(key, HEAD))["fingerprint"],
    }
