"""Tables: the scores of every cell, and how each recipe compares with every other over the grid."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from spnst_core.metrics.comparison import compare
from spnst_core.metrics.registry import METRICS
from spnst_core.recipes.recipe import Recipe
from spnst_core.report.latex import latex_table
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage, NotMade
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import put, take
from spnst_pipeline.defs.assets.evaluation import read_scores
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.headline import details, headline
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.store import Store

_TEXT = {
    "content": "Partition key of the content.",
    "style": "Partition key of the style.",
    "recipe": "The recipe that painted the pastiche.",
}
_MADE = [
    dg.TableColumn(
        "seconds", "double", "The cell's share of the time that its batch took.", tags={"better": "lower", "unit": "s"}
    ),
    dg.TableColumn("steps", "int64", "Steps of the optimiser.", tags={"unit": "steps"}),
    dg.TableColumn("device", "string", "The device that painted it: cpu, cuda or mps."),
    dg.TableColumn("profile", "string", "The profile of networks that it was painted with."),
    dg.TableColumn("missing", "string", "Why scores are missing, as 'metric: reason; …'; empty if none are."),
]


def table_schema(layers: Iterable[str] = (), table: pd.DataFrame | None = None) -> dg.TableSchema:
    """The metric table's columns, with one for the style distance in each layer of the encoder.

    Metrics of an optional judge have a column where ``table`` has their scores.
    """
    known = () if table is None else table.columns
    scores = [
        _column(m.key, m.description, m.better, m.unit, m.kind)
        for m in METRICS.values()
        if not m.judge or m.key in known
    ]
    by_layer = [
        _column(f"style_distance_{layer}", f"Relative distance of Gram matrices in {layer}.", "lower", "", "seen")
        for layer in layers
    ]
    text = [dg.TableColumn(name, "string", description) for name, description in _TEXT.items()]
    return dg.TableSchema([*text, *scores, *by_layer, *_MADE])


def _column(name: str, description: str, better: str, unit: str, kind: str) -> dg.TableColumn:
    return dg.TableColumn(name, "double", description, tags={"better": better, "unit": unit or "none", "kind": kind})


DIGITS = 4
"""Significant digits of numbers in CSV files: more than any comparison of recipes resolves. Parquet files hold all."""

_BOUND = "bound of the 95 % bootstrap interval, with contents and styles resampled"

TABLE, COMPARED = ArtefactId("metric_table"), ArtefactId("comparison")

COMPARISON_SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("recipe", "string", "The recipe that is compared."),
        dg.TableColumn("against", "string", "The recipe that it is compared with."),
        dg.TableColumn("metric", "string", "A column of the metric table."),
        dg.TableColumn("better", "string", "Whether less or more of the metric is better."),
        dg.TableColumn("kind", "string", "Whether the optimiser has seen the metric: seen or independent."),
        dg.TableColumn("cells", "int64", "Number of cells that both recipes have."),
        dg.TableColumn("mean", "double", "The recipe's mean over those cells."),
        dg.TableColumn("against_mean", "double", "The other recipe's mean over those cells."),
        dg.TableColumn("difference", "double", "The first mean minus the second."),
        dg.TableColumn("difference_low", "double", f"Lower {_BOUND}."),
        dg.TableColumn("difference_high", "double", f"Upper {_BOUND}."),
        dg.TableColumn("change", "double", "The difference relative to the other's mean."),
        dg.TableColumn("change_low", "double", f"Lower {_BOUND}."),
        dg.TableColumn("change_high", "double", f"Upper {_BOUND}."),
        dg.TableColumn("wins", "double", "Share of the cells in which the recipe is better; ties count half."),
        dg.TableColumn("ties", "double", "Share of the cells that tie: the two differ by 0.01 % at most."),
    ]
)
"""The comparison table's columns."""


def table_assets(recipes: tuple[Recipe, ...]) -> list[dg.AssetsDefinition]:
    """The assets ``metric_table`` and ``comparison``."""

    @dg.asset(
        key=TABLE.asset_key,
        deps=[ArtefactId("metrics", recipe.name).asset_key for recipe in recipes],
        group_name="evaluation",
        kinds={"parquet", "csv"},
        description="The scores of every cell, one row each, as Parquet and CSV. Blocked cells are left out.",
        metadata={
            "file": TABLE.path,
            "format": f"Parquet; the same to {DIGITS} digits as CSV in {TABLE.beside['csv']}; what the columns are, in "
            f"{TABLE.beside['columns']}",
            "dagster/column_schema": table_schema(),
        },
    )
    def metric_table(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> None:
        lineage, store = Lineage(project), project.store
        wanted = lineage.metric_table()
        if not keep_or_copy(lineage, wanted, force=config.force):
            _write_table(lineage, wanted)
            listener.made(wanted.id)
        table = read_table(store)
        context.add_asset_metadata(
            {
                "dagster/row_count": len(table),
                "dagster/column_schema": table_schema(project.identity.layers.style_layers, table),
                "means": mean_scores(table),
                "fingerprint": wanted.fingerprint,
            }
        )

    @dg.asset(
        key=COMPARED.asset_key,
        deps=[metric_table],
        group_name="evaluation",
        kinds={"parquet", "csv"},
        description="Every recipe against every other, by every metric, over the cells that both have: differences "
        "with intervals, and in what share of the cells it is better.",
        metadata={
            "file": COMPARED.path,
            "format": f"Parquet; the same to {DIGITS} digits as CSV in {COMPARED.beside['csv']}; tables in LaTeX in "
            f"{COMPARED.beside['latex']}",
            "dagster/column_schema": COMPARISON_SCHEMA,
        },
    )
    def comparison(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> None:
        lineage, store = Lineage(project), project.store
        wanted = lineage.comparison()
        if not keep_or_copy(lineage, wanted, force=config.force):
            _write_comparison(store, wanted)
            listener.made(wanted.id)
        compared = read_comparison(store)
        short = headline(read_table(store), compared)
        context.add_asset_metadata(
            {
                "dagster/row_count": len(compared),
                "headline": dg.MetadataValue.md(markdown(short.columns, short.rows)),
                "fingerprint": wanted.fingerprint,
            }
        )

    return [metric_table, comparison]


def _write_table(lineage: Lineage, wanted: Artefact) -> None:
    """Put the metric table into the store.

    Raises:
        NotMade: there is no cell to put into it.
    """
    store, layers = lineage.project.store, lineage.project.identity.layers.style_layers
    cells = lineage.cells(lineage.metrics)
    if not cells:
        advice = " or ".join(str(ArtefactId("metrics", recipe.name)) for recipe in lineage.project.recipes)
        raise NotMade(f"no cell has scores that are up to date: materialise partitions of {advice} first")
    table, schema = score_table(store, cells, layers)
    columns = f"# Columns of the metric table\n\n{dictionary(schema)}\n".encode()
    beside = {"csv": to_csv(table), "columns": columns}
    put(store, wanted, lambda stamp: to_parquet(table, schema, stamp), beside)


def _write_comparison(store: Store, wanted: Artefact) -> None:
    """Put the comparison into the store, made from the metric table that is there."""
    compared = compared_recipes(read_table(store))
    tables = (latex_table(table.columns, table.rows, table.caption) for table in details(compared))
    beside = {"csv": to_csv(compared), "latex": "\n".join(tables).encode()}
    put(store, wanted, lambda stamp: to_parquet(compared, COMPARISON_SCHEMA, stamp), beside)


def read_table(store: Store, table: ArtefactId = TABLE) -> pd.DataFrame:
    """The metric table, or that of an experiment: one row a cell."""
    return pd.read_parquet(BytesIO(take(store, table)))


def read_comparison(store: Store) -> pd.DataFrame:
    """The comparison: one row for each ordered pair of recipes and metric."""
    return pd.read_parquet(BytesIO(take(store, COMPARED)))


def score_table(store: Store, cells: Sequence[Artefact], layers: Iterable[str]) -> tuple[pd.DataFrame, dg.TableSchema]:
    """The scores of some cells, one row each, and what the columns mean; ``layers`` of the encoder have one each."""
    table = pd.DataFrame([_row(read_scores(store, cell)) for cell in cells])
    schema = table_schema(layers, table)
    return table.reindex(columns=[column.name for column in schema.columns]), schema


def compared_recipes(table: pd.DataFrame) -> pd.DataFrame:
    """Every recipe of a metric table against every other, with the columns of `COMPARISON_SCHEMA`."""
    compared = compare(table)
    for name in ("better", "kind"):
        compared[name] = compared["metric"].map({metric.key: getattr(metric, name) for metric in METRICS.values()})
    return compared[[column.name for column in COMPARISON_SCHEMA.columns]]


def mean_scores(table: pd.DataFrame) -> dg.MarkdownMetadataValue:
    """Mean scores of each recipe of a metric table."""
    means = table.groupby("recipe", sort=False)[[m.key for m in METRICS.values() if m.key in table]].mean().round(4)
    return dg.MetadataValue.md(markdown(["recipe", *means.columns], means.itertuples()))


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    by_layer = {f"style_distance_{layer}": value for layer, value in record["layers"].items()}
    missing = "; ".join(f"{metric}: {reason}" for metric, reason in record["missing"].items())
    return {**record, **record["scores"], **by_layer, "missing": missing}


def to_parquet(table: pd.DataFrame, schema: dg.TableSchema, stamp: Mapping[str, str]) -> bytes:
    """The table as Parquet, in which every column carries its description and tags, and the file its stamp."""
    types = {"double": pa.float64(), "int64": pa.int64(), "string": pa.string()}
    fields = [
        pa.field(column.name, types[column.type], metadata={"description": column.description or "", **column.tags})
        for column in schema.columns
    ]
    arrow = pa.Table.from_pandas(table, pa.schema(fields), preserve_index=False)
    out = BytesIO()
    pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **stamp}), out)
    return out.getvalue()


def to_csv(table: pd.DataFrame) -> bytes:
    """The table as CSV, with floating-point numbers rounded to `DIGITS` significant digits."""
    rounded = table.copy()
    for name in table.select_dtypes("float"):
        rounded[name] = [float(f"{x:.{DIGITS}g}") for x in table[name]]
    return rounded.to_csv(index=False).encode()


def dictionary(schema: dg.TableSchema) -> str:
    """The data dictionary of a table, as Markdown: a line for each column with what its description and tags say."""
    rows = [
        [
            f"`{column.name}`",
            column.tags.get("unit", "").removeprefix("none"),
            column.tags.get("better", ""),
            column.tags.get("kind", ""),
            column.description or "",
        ]
        for column in schema.columns
    ]
    return markdown(["column", "unit", "better", "judge", "what it is"], rows)


def markdown(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table as Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
