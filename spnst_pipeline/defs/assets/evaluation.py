"""Evaluation: the scores of each pastiche, with its maps of depth and edges as the judges see them."""

import json
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import dagster as dg
import torch
from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.metrics.registry import METRICS, measure
from spnst_core.objective.targets import StyleTargets, depth_picture
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.fingerprints import KEYS
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import put, take
from spnst_pipeline.artefacts.stored_provenance import how_made
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.assets.input_images import content_image, style_image
from spnst_pipeline.defs.assets.style import style_grams
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Made, Metadata, Results, each
from spnst_pipeline.defs.headline import BASELINE
from spnst_pipeline.defs.partitions import GRID
from spnst_pipeline.defs.previews import preview, stored_picture
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.store import Store


def metrics_asset(recipe: Recipe) -> dg.AssetsDefinition:
    """The asset ``metrics/<recipe>``."""
    asset, pastiches = ArtefactId("metrics", recipe.name), ArtefactId("pastiche", recipe.name)
    declared = [checks.KEEPS_STRUCTURE] if _is_to_keep_structure(recipe) else []
    is_baseline = recipe.name == BASELINE

    @dg.asset(
        key=asset.asset_key,
        partitions_def=GRID,
        deps=[pastiches.asset_key, content_image, style_image, style_grams],
        group_name="evaluation",
        kinds={"pytorch", "json"},
        pool="gpu",
        description=f"How far each pastiche by {recipe.name} is from its content's structure and from its style.",
        metadata={
            "file": asset.path,
            "format": "JSON object: content, style, recipe, scores, missing (why a score is), layers (style distance "
            "in each), seconds, steps, device, profile, fingerprint; beside it what the judges see of the pastiche, as "
            ".depth.png and .edges.png",
            "values": "; ".join(f"{m.key}: {m.better} is better ({m.kind})" for m in METRICS.values()),
        },
        check_specs=[check.spec(asset.asset_key) for check in declared],
    )
    def metrics(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Results:
        lineage, store = Lineage(project), project.store

        @lru_cache(maxsize=1)
        def content_picture(content: str) -> Tensor:
            return image_io.read(take(store, ArtefactId("content_image", content=content)))

        def make(key: str) -> Made:
            content, style = asset.at(key).cell
            wanted = lineage.metrics(recipe, content, style)
            new = not keep_or_copy(lineage, wanted, force=config.force)
            if new:
                _measure(project, content_picture(content), wanted)
                listener.made(wanted.id)
            scores = read_scores(store, wanted)
            own = _verdicts(lineage, recipe, content, style, scores["scores"])
            others = _verdicts_of_rivals(lineage, content, style, scores["scores"]) if new and is_baseline else {}
            return Made(_shown(store, wanted, scores), own, others)

        return each(context, make, declared)

    return metrics


def _is_to_keep_structure(recipe: Recipe) -> bool:
    """Whether a recipe's scores are held against the baseline's."""
    return recipe.name != BASELINE and bool(checks.kept_terms(recipe))


def _shown(store: Store, metrics: Artefact, scores: Mapping[str, Any]) -> Metadata:
    """What a cell's event shows: its scores, and its depth and edges as the judges see them."""
    maps = (stored_picture(store, metrics.id, what) for what in metrics.beside)
    return {
        **scores["scores"],
        **({"missing": dg.MetadataValue.json(scores["missing"])} if scores["missing"] else {}),
        "preview": preview(*maps),
        "seconds": scores["seconds"],
        "fingerprint": scores["fingerprint"],
    }


def _verdicts(
    lineage: Lineage, recipe: Recipe, content: str, style: str, scores: Mapping[str, float]
) -> list[checks.Verdict]:
    """Whether a recipe keeps more structure than the baseline does, where the baseline's scores are there."""
    baseline = next((other for other in lineage.project.every_recipe if other.name == BASELINE), None)
    if not baseline or not _is_to_keep_structure(recipe):
        return []
    found = _current_scores(lineage, baseline, content, style)
    return [] if found is None else [checks.keeps_structure(recipe, scores, found)]


def _verdicts_of_rivals(
    lineage: Lineage, content: str, style: str, baseline: Mapping[str, float]
) -> dict[ArtefactId, checks.Verdict]:
    """The same of recipes whose cell was scored before the baseline's, by their assets."""
    return {
        ArtefactId("metrics", rival.name): checks.keeps_structure(rival, found, baseline)
        for rival in filter(_is_to_keep_structure, lineage.project.every_recipe)
        if (found := _current_scores(lineage, rival, content, style)) is not None
    }


def _current_scores(lineage: Lineage, recipe: Recipe, content: str, style: str) -> Mapping[str, float] | None:
    """The scores of a cell by a recipe, or None where they aren't up to date."""
    there = lineage.current(lineage.metrics, recipe, content, style)
    return read_scores(lineage.project.store, there)["scores"] if there else None


def read_scores(store: Store, metrics: Artefact) -> dict[str, Any]:
    """What the file of one cell's scores says; see the asset's description of its format."""
    scores: dict[str, Any] = json.loads(take(store, metrics.id))
    return scores


def _as_json(record: Mapping[str, Any], stamp: Mapping[str, str]) -> bytes:
    carried = {key: stamp[key] for key in KEYS if key in stamp}
    return json.dumps({**record, **carried}, indent=1, allow_nan=False).encode()


def _measure(project: Project, content_picture: Tensor, wanted: Artefact) -> None:
    """Write the maps of a pastiche, then its scores."""
    store, models, (content, style) = project.store, project.models, wanted.id.cell
    painted = ArtefactId("pastiche", wanted.id.recipe, content, style)
    pastiche = image_io.read(take(store, painted))
    style_picture = image_io.read(take(store, ArtefactId("style_image", style=style)))
    grams = StyleTargets.from_bytes(take(store, ArtefactId("style_grams", style=style)), models.device)
    scores = measure(content_picture, pastiche, style_picture, grams, models, project.judges)
    with torch.no_grad():
        on_device = pastiche.to(models.device)
        depth, edges = (
            depth_picture(project.judges.depth(on_device)),
            image_io.to_image(project.judges.edges(on_device)),
        )
    made = how_made(store, painted.path)
    record = {
        "content": content,
        "style": style,
        "recipe": wanted.id.recipe,
        "scores": scores.values,
        "missing": scores.missing,
        "layers": scores.layers,
        **{name: made[name] for name in ("seconds", "steps", "device", "profile")},
    }
    maps = {"depth": image_io.encode_png(depth), "edges": image_io.encode_png(edges)}
    put(store, wanted, partial(_as_json, record), maps)
