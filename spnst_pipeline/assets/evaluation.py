"""Evaluation: the scores of each pastiche, and all of them as one table."""

import json
from dataclasses import asdict
from functools import lru_cache
from io import BytesIO
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from spnst_core import images
from spnst_core.metrics import measure
from spnst_core.recipes import Recipe
from spnst_core.targets import StyleTargets
from spnst_pipeline import layout
from spnst_pipeline.assets.catalog import content_image
from spnst_pipeline.assets.style import style_grams
from spnst_pipeline.assets.stylization import how_made
from spnst_pipeline.events import Metadata, each
from spnst_pipeline.lineage import Artefact, Lineage, NotMade
from spnst_pipeline.partitions import BATCHES, GRID
from spnst_pipeline.progress import Listener
from spnst_pipeline.resources import Project
from spnst_pipeline.storage import Store

SCORES = ("style_distance", "edge_distance", "depth_distance", "ssim")


def metrics_asset(recipe: Recipe) -> dg.AssetsDefinition:
    """The asset ``metrics/<recipe>``."""

    @dg.asset(
        key=["metrics", recipe.name],
        partitions_def=GRID,
        backfill_policy=BATCHES,
        deps=[dg.AssetKey(["pastiche", recipe.name]), content_image, style_grams],
        group_name="evaluation",
        kinds={"pytorch", "json"},
        description=f"How far each pastiche by {recipe.name} is from its photograph's structure and from its style.",
    )
    def metrics(
        context: dg.AssetExecutionContext, project: dg.ResourceParam[Project], listener: dg.ResourceParam[Listener]
    ) -> None:
        lineage, store = Lineage(project), project.store
        photograph = lru_cache(maxsize=1)(lambda content: images.read(store.read(layout.content_image(content))))

        def make(key: str) -> Metadata:
            content, style = key.split("|")
            wanted = lineage.metrics(recipe, content, style)
            if not lineage.is_current(wanted):
                scores = _scores(project, photograph(content), recipe.name, content, style)
                store.write(wanted.key, json.dumps({**scores, "fingerprint": wanted.fingerprint}, indent=1).encode())
                listener.made(wanted.key)
            scores = read_scores(store, wanted)
            return {name: scores[name] for name in (*SCORES, "seconds", "fingerprint")}

        each(context, make)

    return metrics


def read_scores(store: Store, metrics: Artefact) -> dict[str, Any]:
    """The scores of one cell: content, style, recipe, the distances and SSIM, seconds, steps and device."""
    scores: dict[str, Any] = json.loads(store.read(metrics.key))
    return scores


def _scores(project: Project, photograph: Tensor, recipe: str, content: str, style: str) -> dict[str, Any]:
    store, key = project.store, layout.pastiche(recipe, content, style)
    grams = StyleTargets.from_bytes(store.read(layout.style_grams(style)), project.models.device)
    made = how_made(store, key)
    return {
        "content": content,
        "style": style,
        "recipe": recipe,
        **asdict(measure(photograph, images.read(store.read(key)), grams, project.models)),
        "seconds": made["seconds"],
        "steps": made["steps"],
        "device": made["device"],
        "profile": made["profile"],
    }


def metric_table_asset(recipes: tuple[Recipe, ...]) -> dg.AssetsDefinition:
    """The asset ``metric_table``."""

    @dg.asset(
        deps=[dg.AssetKey(["metrics", recipe.name]) for recipe in recipes],
        group_name="evaluation",
        kinds={"parquet", "csv"},
        description="The scores of every cell, one row each, as Parquet and CSV.",
    )
    def metric_table(
        context: dg.AssetExecutionContext, project: dg.ResourceParam[Project], listener: dg.ResourceParam[Listener]
    ) -> None:
        lineage, store = Lineage(project), project.store
        wanted = lineage.metric_table()
        if not lineage.is_current(wanted):
            cells = lineage.cells(lineage.metrics)
            if not cells:
                raise NotMade("no cell has scores that are up to date: materialise metrics first")
            table = pd.DataFrame([read_scores(store, cell) for cell in cells]).drop(columns="fingerprint")
            store.write(layout.METRIC_TABLE_CSV, table.to_csv(index=False).encode())
            store.write(wanted.key, _parquet(table, wanted.stamp))
            listener.made(wanted.key)
        table = read_table(store)
        means = table.groupby("recipe")[list(SCORES)].mean().round(4)
        context.add_asset_metadata(
            {
                "dagster/row_count": len(table),
                "means": dg.MetadataValue.md(_markdown(means)),
                "fingerprint": wanted.fingerprint,
            }
        )

    return metric_table


def read_table(store: Store) -> pd.DataFrame:
    """The metric table: one row a cell."""
    return pd.read_parquet(BytesIO(store.read(layout.METRIC_TABLE)))


def _parquet(table: pd.DataFrame, stamp: dict[str, str]) -> bytes:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    out = BytesIO()
    pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **stamp}), out)
    return out.getvalue()


def _markdown(means: pd.DataFrame) -> str:
    """The mean scores of each recipe as a markdown table."""
    lines = [["recipe", *means.columns], ["---"] * (len(means.columns) + 1)]
    lines += [[str(name), *(f"{value:.4f}" for value in row)] for name, row in means.iterrows()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
