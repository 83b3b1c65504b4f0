"""The headline: what people read first, from small tables."""

import numpy as np
import pandas as pd
import pytest

from spnst_core.metrics.comparison import compare
from spnst_pipeline.defs.assets.tables import compared_recipes
from spnst_pipeline.defs.headline import details, headline, interval


def table(*rows):
    columns = ["recipe", "content", "style", "patch_distance", "edge_error", "depth_error", "ssim"]
    return pd.DataFrame(rows, columns=columns)


PAIR = table(
    ("structure", "cat", "wave", 0.30, 0.10, 0.02, 0.60),
    ("structure", "cat", "dots", 0.20, 0.20, 0.04, 0.50),
    ("gatys", "cat", "wave", 0.25, 0.50, 0.10, 0.40),
    ("gatys", "cat", "dots", 0.15, 0.10, 0.20, 0.40),
)


def shown(scores):
    return headline(scores, compare(scores))


def test_it_names_recipes_in_their_order_and_ends_with_the_change():
    found = shown(PAIR)
    assert found.columns == ["", "cells", "patch distance ↓", "edge error ↓", "depth error ↓", "SSIM ↑"]
    assert found.rows[:3] == [
        ["structure", "2", "0.250", "0.150", "0.030", "0.550"],
        ["gatys", "2", "0.200", "0.300", "0.150", "0.400"],
        ["structure / gatys", "2", "+25.0 %", "−50.0 %", "−80.0 %", "+37.5 %"],
    ]
    assert found.rows[3][0] == "95 % interval"
    assert found.rows[4] == ["better in", "", "0%", "50%", "100%", "100%"]


def test_ties_are_told_beside_what_is_better():
    even = PAIR.copy()
    even.loc[even["style"] == "wave", "ssim"] = 0.6
    assert [row[-1] for row in shown(even).rows[4:]] == ["50%", "50%"]
    assert [row[0] for row in shown(even).rows[4:]] == ["better in", "the same in"]
    [table] = details(compared_recipes(even))
    assert table.caption == "structure against gatys"
    assert [row[5] for row in table.rows] == ["0% of 2", "50% of 2", "100% of 2", "50% of 2, the same in 50%"]


@pytest.mark.parametrize("recipes", [["structure"], ["gatys"]])
def test_without_the_pair_there_are_only_means(recipes):
    assert len(shown(PAIR[PAIR["recipe"].isin(recipes)]).rows) == 1


def test_a_metric_that_is_missing_is_a_dash():
    rows = shown(PAIR.assign(depth_error=np.nan)).rows
    assert [row[4] for row in rows] == ["–"] * 5


def test_an_interval_reads_from_the_lower_to_the_higher():
    assert interval(-0.604, 0.05) == "−60…+5 %"
    assert interval(np.nan, np.nan) == "–"
