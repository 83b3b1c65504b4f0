"""Stylisation: the pastiches of each recipe over the grid of contents and styles, and the films of their making."""

from itertools import chain
from typing import cast

import dagster as dg

from spnst_core.recipes.recipe import Draft, Recipe
from spnst_pipeline.artefacts import provenance
from spnst_pipeline.artefacts.fingerprints import BLOCKED, HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId, rows
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.assets.input_images import content_image, style_image
from spnst_pipeline.defs.assets.structure import depth_map, edge_map
from spnst_pipeline.defs.assets.style import style_grams
from spnst_pipeline.defs.assets.timelapse import shown, timelapse_spec
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.defs.curves import loss_plot
from spnst_pipeline.defs.events import Made, Report, Results, in_one_line, results
from spnst_pipeline.defs.partitions import GRID
from spnst_pipeline.defs.pool import paint_in_pool
from spnst_pipeline.defs.previews import PREVIEW_HEIGHT, SmallPictures, preview, small_pictures
from spnst_pipeline.defs.rows import Kind, look_up
from spnst_pipeline.defs.targets import prepare
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.store import Store

CHECKS = (checks.FINITE, checks.STYLE_FELL)


def pastiche_assets(recipe: Recipe) -> dg.AssetsDefinition:
    """The assets ``pastiche/<recipe>`` and ``timelapse/<recipe>``.

    One step makes either or both, because a cell can only be filmed while it is painted.
    """
    pastiches, films = ArtefactId("pastiche", recipe.name), ArtefactId("timelapse", recipe.name)
    pastiche_spec = dg.AssetSpec(
        pastiches.asset_key,
        deps=_ingredients(recipe),
        group_name="pastiches",
        kinds={"pytorch", "image"},
        description=f"Contents painted by the recipe {recipe.name}. {recipe.description}".strip(),
        metadata={
            "file": pastiches.path,
            "format": "PNG, 8-bit sRGB unless the settings gamut and bits say otherwise, with the fingerprint, how it "
            "was made, losses and checks as texts",
            "shape": f"long side {recipe.size} px",
            "values": "0 to 255, or to 65,535 with 16 bits",
            "recipe": dg.MetadataValue.json(recipe.model_dump(mode="json")),
        },
    )
    film_spec = timelapse_spec(recipe)

    @dg.multi_asset(
        name=pastiches.step,
        specs=[pastiche_spec, film_spec],
        partitions_def=GRID,
        can_subset=True,
        pool="gpu",
        description=f"Paints by the recipe {recipe.name}, and films it where a film is asked for.",
        check_specs=[check.spec(pastiches.asset_key) for check in CHECKS],
    )
    def paint(
        context: dg.AssetExecutionContext,
        config: Paint,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Results:
        store, small = project.store, small_pictures(project.store, PREVIEW_HEIGHT)
        reports: dict[Kind, Report] = {
            "pastiche": Report(context, CHECKS, pastiches.asset_key),
            "timelapse": Report(context, asset=films.asset_key),
        }
        asked = [kind for kind, report in reports.items() if report.asked]
        cells = [pastiches.at(key) for key in context.partition_keys]
        changed = config.applied_to(recipe)
        targets = prepare(context, Lineage(project), listener, changed, cells)
        for unprepared, reason in targets.failed.items():
            reports[asked[0]].failed(unprepared.partition, reason)
            listener.failed(unprepared, in_one_line(reason))
        ready = rows(cell for cell in cells if cell not in targets.failed)
        work = chain.from_iterable(
            look_up(targets.lineage, changed, content, styles, config, asked) for content, styles in ready.items()
        )
        for cell, new, error in paint_in_pool(project, work, listener):
            report = reports[cast(Kind, cell.asset)]
            if new:
                listener.made(cell)
            made = None
            if not error and (new or report.asked):
                try:
                    made = _made(store, small, cell) if cell.asset == "pastiche" else shown(store, cell)
                except Exception as unshown:  # a picture that an event can't show costs no other cell
                    error = unshown
            if made:
                report.landed(cell.partition, made)
            elif error:
                report.failed(cell.partition, error)
                listener.failed(cell, in_one_line(error))
        yield from results(*targets.reports, *reports.values())

    return paint


def _ingredients(recipe: Recipe) -> list[dg.AssetKey | dg.AssetsDefinition]:
    """What a recipe's pastiches are made of."""
    if recipe.engine == "feedforward":
        return [content_image, ArtefactId("painter", recipe.name).asset_key]
    if recipe.engine == "arbitrary":
        return [content_image, style_image]
    draft = [ArtefactId("pastiche", recipe.init.recipe).asset_key] if isinstance(recipe.init, Draft) else []
    return [content_image, depth_map, edge_map, style_image, style_grams, *draft]


def _made(store: Store, small: SmallPictures, pastiche: ArtefactId) -> Made:
    """What a cell's event shows: content, style and pastiche side by side, its losses, and how it was made."""
    path, (content, style) = pastiche.path, pastiche.cell
    carried = metadata(path, store.read(path, HEAD))
    made = provenance.read_made(carried)
    seen = (ArtefactId("content_image", content=content), ArtefactId("style_image", style=style), pastiche)
    shown = {
        "preview": preview(*map(small, seen)),
        "losses": loss_plot(provenance.read_history(carried)),
        **{f"loss_{term}": round(value, 5) for term, value in made.pop("losses").items()},
        **made,
        "path": dg.MetadataValue.path(store.locate(path)),
        "fingerprint": carried["fingerprint"],
        **({"blocked": carried[BLOCKED]} if BLOCKED in carried else {}),
    }
    return Made(shown, checks.carried(carried))
