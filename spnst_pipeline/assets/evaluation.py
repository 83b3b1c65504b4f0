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
from spnst_pipeline import checks, layout
from spnst_pipeline.assets.catalog import content_image
from spnst_pipeline.assets.style import style_grams
from spnst_pipeline.comparison import BASELINE
from spnst_pipeline.events import Made, Result, each
from spnst_pipeline.lineage import Artefact, Lineage, NotMade
from spnst_pipeline.options import Remake
from spnst_pipeline.partitions import GRID
from spnst_pipeline.progress import Listener
from spnst_pipeline.provenance import how_made
from spnst_pipeline.resources import Project
from spnst_pipeline.storage import Store

SCORES = ("style_distance", "edge_distance", "depth_distance", "ssim")

_LOWER, _HIGHER = {"better": "lower", "unit": "none"}, {"better": "higher", "unit": "none"}

COLUMNS = dg.TableSchema(
    [
        dg.TableColumn("content", "string", "Partition key of the photograph."),
        dg.TableColumn("style", "string", "Partition key of the painting."),
        dg.TableColumn("recipe", "string", "The recipe that the pastiche was painted by."),
        dg.TableColumn(
            "style_distance", "double", "Relative distance of Gram matrices to the style's; 0 is the same.", tags=_LOWER
        ),
        dg.TableColumn(
            "edge_distance", "double", "Relative squared error of edges against the photograph's.", tags=_LOWER
        ),
        dg.TableColumn(
            "depth_distance",
            "double",
            "Squared error of standardised depth against the photograph's: 0 the same, 2 unrelated, 4 inside out.",
            tags=_LOWER,
        ),
        dg.TableColumn("ssim", "double", "Structural similarity to the photograph, -1 to 1.", tags=_HIGHER),
        dg.TableColumn(
            "seconds",
            "double",
            "The cell's share of the time that its batch took.",
            tags={"better": "lower", "unit": "s"},
        ),
        dg.TableColumn("steps", "int64", "Steps of the optimiser.", tags={"unit": "steps"}),
        dg.TableColumn("device", "string", "Where it was painted: cpu, cuda or mps."),
        dg.TableColumn("profile", "string", "The networks that it was painted with."),
    ]
)
"""The metric table's columns."""


def metrics_asset(recipe: Recipe) -> dg.AssetsDefinition:
    """The asset ``metrics/<recipe>``."""

    key = dg.AssetKey(["metrics", recipe.name])
    keeps = _is_to_keep_structure(recipe)
    declared = [checks.KEEPS_STRUCTURE] if keeps else []

    @dg.asset(
        key=key,
        partitions_def=GRID,
        deps=[dg.AssetKey(["pastiche", recipe.name]), content_image, style_grams],
        group_name="evaluation",
        kinds={"pytorch", "json"},
        pool="gpu",
        description=f"How far each pastiche by {recipe.name} is from its photograph's structure and from its style.",
        metadata={
            "file": layout.metrics(recipe.name, "<content>", "<style>"),
            "format": f"JSON object: {', '.join(column.name for column in COLUMNS.columns)}, fingerprint",
            "values": "distances are 0 at best, SSIM 1",
        },
        check_specs=[check.spec(key) for check in declared],
    )
    def metrics(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Result:
        lineage, store = Lineage(project), project.store
        photograph = lru_cache(maxsize=1)(lambda content: images.read(store.read(layout.content_image(content))))

        baseline = next((r for r in project.recipes if r.name == BASELINE), None)

        def scored(other: Recipe, content: str, style: str) -> dict[str, Any] | None:
            there = lineage.current(lineage.metrics, other, content, style)
            return read_scores(store, there) if there else None

        def make(key: str) -> Made:
            content, style = key.split("|")
            wanted = lineage.metrics(recipe, content, style)
            new = config.force or not lineage.reuse(wanted)
            if new:
                scores = _scores(project, photograph(content), recipe.name, content, style)
                store.write(wanted.key, json.dumps({**scores, "fingerprint": wanted.fingerprint}, indent=1).encode())
                listener.made(wanted.key)
            scores = read_scores(store, wanted)
            shown = {name: scores[name] for name in (*SCORES, "seconds", "fingerprint")}
            verdicts: list[checks.Verdict] = []
            elsewhere: dict[dg.AssetKey, checks.Verdict] = {}
            if keeps and baseline and (other := scored(baseline, content, style)):
                verdicts.append(checks.keeps_structure(recipe, scores, other))
            if new and recipe == baseline:  # a cell that was scored before its baseline couldn't be judged then
                for rival in filter(_is_to_keep_structure, project.recipes):
                    if other := scored(rival, content, style):
                        rival_key = dg.AssetKey(["metrics", rival.name])
                        elsewhere[rival_key] = checks.keeps_structure(rival, other, scores)
            return Made(shown, verdicts, elsewhere)

        return each(context, make, declared)

    return metrics


def _is_to_keep_structure(recipe: Recipe) -> bool:
    """Whether a recipe's scores are held against the baseline's."""
    return recipe.name != BASELINE and bool(checks.kept_terms(recipe))


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
        description="The scores of every cell, one row each, as Parquet and CSV. Blocked cells are left out.",
        metadata={
            "file": layout.METRIC_TABLE,
            "format": f"Parquet; the same as CSV in {layout.METRIC_TABLE_CSV}",
            "dagster/column_schema": COLUMNS,
        },
    )
    def metric_table(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> None:
        lineage, store = Lineage(project, force=config.force), project.store
        wanted = lineage.metric_table()
        if not lineage.reuse(wanted):
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
