"""Tables: one row for each cell with scores, every recipe against every other, and what columns say of themselves."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from spnst_core.metrics.registry import METRICS
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.assets.tables import (
    COMPARISON_SCHEMA,
    dictionary,
    markdown,
    mean_scores,
    read_comparison,
    read_table,
    table_schema,
    to_csv,
)


@pytest.fixture(scope="module")
def table(first_run):
    return read_table(first_run[1].project.store)


@pytest.fixture(scope="module")
def comparison(first_run):
    return read_comparison(first_run[1].project.store)


def test_the_table_has_one_row_for_each_cell(table):
    assert len(table) == len(table[["content", "style", "recipe"]].drop_duplicates()) == 8
    assert set(table["recipe"]) == {"structure", "gatys"}


def test_its_scores_are_those_of_the_cells_files(table, first_run):
    place, _ = first_run
    for row in table.to_dict("records"):
        path = place.out / f"metrics/{row['recipe']}/{row['content']}/{row['style']}.json"
        scores = json.loads(path.read_text())["scores"]
        assert {name: row[name] for name in scores} == scores


@pytest.mark.parametrize("file", ["metric_table/metrics", "comparison/comparison"])
def test_the_csv_says_the_same_as_the_parquet_to_four_digits(first_run, file):
    place, _ = first_run
    parquet = pd.read_parquet(place.out / f"{file}.parquet")
    csv = pd.read_csv(place.out / f"{file}.csv", keep_default_na=False)
    csv = csv.astype(parquet.dtypes.to_dict())
    pd.testing.assert_frame_equal(csv, parquet, rtol=5e-4, atol=0)
    numbers = csv.select_dtypes("float").to_numpy().ravel()
    assert all(x == float(f"{x:.4g}") for x in numbers[np.isfinite(numbers)])


def test_a_csv_rounds_numbers_and_nothing_else():
    table = pd.DataFrame({"recipe": ["1.23456"], "steps": [123456], "ssim": [0.123456], "seconds": [12345.6]})
    table["lpips"] = float("nan")
    assert to_csv(table) == b"recipe,steps,ssim,seconds,lpips\n1.23456,123456,0.1235,12350.0,\n"


def test_every_column_of_the_file_carries_its_meaning_and_the_file_its_fingerprint(first_run):
    place, run = first_run
    schema = pq.read_schema(place.out / "metric_table/metrics.parquet")
    assert schema.field("ssim").metadata[b"better"] == b"higher"
    assert all(schema.field(name).metadata[b"description"] for name in schema.names)
    assert schema.metadata[b"fingerprint"].decode() == Lineage(run.project).metric_table().fingerprint


def test_every_recipe_is_compared_with_every_other_by_every_metric_of_the_table(comparison, table):
    pairs = set(zip(comparison["recipe"], comparison["against"], strict=True))
    assert pairs == {("structure", "gatys"), ("gatys", "structure")}
    assert set(comparison["metric"]) == {metric.key for metric in METRICS.values()} & set(table.columns)
    assert list(comparison.columns) == [column.name for column in COMPARISON_SCHEMA.columns]
    assert set(comparison["cells"]) == {4}


def test_a_difference_is_that_of_the_means(comparison, table):
    means = table.groupby("recipe")["edge_error"].mean()
    row = comparison.set_index(["recipe", "against", "metric"]).loc["structure", "gatys", "edge_error"]
    assert row["difference"] == pytest.approx(means["structure"] - means["gatys"])
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    assert (row["better"], row["kind"]) == ("lower", "independent")


def test_the_schema_has_a_column_for_each_layer_and_for_an_optional_judge_only_where_it_scored():
    names = [column.name for column in table_schema(["conv1"]).columns]
    assert names[:3] == ["content", "style", "recipe"]
    assert "style_distance_conv1" in names
    optional = [metric.key for metric in METRICS.values() if metric.judge]
    assert optional and not set(optional) & set(names)
    scored = table_schema(table=pd.DataFrame({optional[0]: [0.5]}))
    assert optional[0] in [column.name for column in scored.columns]


def test_the_page_of_the_documentation_says_of_every_column_what_the_code_says():
    """A metric that is added or changed here must be on the page: replace its table by the one that this compares."""
    page = (Path(__file__).parents[4] / "docs/metrics.md").read_text("utf-8")
    every = pd.DataFrame(columns=METRICS.names())
    assert dictionary(table_schema(["LAYER"], every)) in page


def test_the_dictionary_beside_the_table_has_its_columns_and_what_each_is(first_run, table):
    place, _ = first_run
    lines = (place.out / "metric_table/metrics.md").read_text("utf-8").splitlines()
    assert [line.split("`")[1] for line in lines if line.startswith("| `")] == list(table.columns)
    metric = METRICS["patch_distance"]
    assert f"| `patch_distance` | {metric.unit} | lower | independent | {metric.description} |" in lines
    assert any(line.startswith("| `recipe` |  |  |  | ") for line in lines)


def test_means_are_shown_as_markdown():
    few = pd.DataFrame({"recipe": ["a", "a", "b"], "ssim": [0.25, 0.75, 0.125]})
    assert mean_scores(few).value == "| recipe | ssim |\n| --- | --- |\n| a | 0.5 |\n| b | 0.125 |"
    assert markdown(["x"], []) == "| x |\n| --- |"


@pytest.mark.project
def test_without_any_scores_the_table_says_which_to_make(made):
    for path in (made.out / "metrics").rglob("*.json"):
        path.unlink()
    [line] = made.launch("metric_table").failed
    assert line.startswith("metric_table: ")
    advice = "materialise partitions of metrics/structure or metrics/gatys first"
    assert line.endswith(f"no cell has scores that are up to date: {advice}")


@pytest.mark.project
def test_a_cell_without_scores_is_left_out(made):
    (made.out / "metrics/gatys/cat/wave.json").unlink()
    launched = made.launch("metric_table")
    assert launched.keys == ["metric_table/metrics.parquet"]
    assert launched.told("metric_table")["dagster/row_count"] == 7
    assert len(pd.read_parquet(made.out / "metric_table/metrics.parquet")) == 7
