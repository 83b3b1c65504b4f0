"""The comparison of recipes, against means worked out by hand."""

import pandas as pd
import pytest

from spnst_pipeline.comparison import changes, compare


def table(*rows):
    columns = ["recipe", "content", "style", "style_distance", "edge_distance", "depth_distance", "ssim"]
    return pd.DataFrame(rows, columns=columns)


PAIR = table(
    ("structure", "cat", "wave", 0.30, 0.10, 0.02, 0.60),
    ("structure", "cat", "dots", 0.20, 0.20, 0.04, 0.50),
    ("gatys", "cat", "wave", 0.25, 0.50, 0.10, 0.40),
    ("gatys", "cat", "dots", 0.15, 0.10, 0.20, 0.40),
)


def test_means_and_changes():
    change = changes(PAIR)
    assert change["style_distance"] == pytest.approx(0.25 / 0.20 - 1)
    assert change["edge_distance"] == pytest.approx(-0.5)
    assert change["depth_distance"] == pytest.approx(0.03 / 0.15 - 1)
    assert change["ssim"] == pytest.approx(0.55 / 0.40 - 1)


def test_the_table_names_recipes_in_their_order_and_ends_with_the_change():
    shown = compare(PAIR)
    assert shown.columns == ["", "cells", "style distance", "edge distance", "depth distance", "SSIM"]
    assert shown.rows == [
        ["structure", "2", "0.250", "0.150", "0.030", "0.550"],
        ["gatys", "2", "0.200", "0.300", "0.150", "0.400"],
        ["structure vs gatys", "", "+25.0%", "−50.0%", "−80.0%", "+37.5%"],
    ]


def test_only_cells_that_both_recipes_have_are_compared():
    more = pd.concat([PAIR, table(("gatys", "boat", "wave", 9, 9, 9, 0.9))])
    pd.testing.assert_series_equal(changes(more), changes(PAIR))
    assert compare(more).rows[1][1] == "3"


@pytest.mark.parametrize("recipes", [["structure"], ["gatys"], ["bold"]])
def test_without_the_pair_there_is_no_change(recipes):
    some = PAIR[PAIR["recipe"].isin(recipes)] if recipes != ["bold"] else PAIR.assign(recipe="bold").head(1)
    assert changes(some) is None
    assert len(compare(some).rows) == 1


def test_recipes_without_a_common_cell_are_not_compared():
    apart = table(("structure", "cat", "wave", 1, 1, 1, 1), ("gatys", "cat", "dots", 1, 1, 1, 1))
    assert changes(apart) is None
