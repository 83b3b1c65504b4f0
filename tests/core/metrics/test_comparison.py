"""The comparison of recipes: means and wins worked out by hand, intervals against a plain loop and known cases."""

import numpy as np
import pandas as pd
import pytest

from spnst_core.metrics import comparison
from spnst_core.metrics.comparison import compare
from spnst_core.metrics.registry import METRICS

EDGES = [metric for metric in METRICS.values() if metric.key in ("edge_error", "ssim")]


def table(*rows):
    return pd.DataFrame(rows, columns=["recipe", "content", "style", "edge_error", "ssim"])


PAIR = table(
    ("structure", "cat", "wave", 0.10, 0.60),
    ("structure", "cat", "dots", 0.20, 0.40),
    ("gatys", "cat", "wave", 0.50, 0.40),
    ("gatys", "cat", "dots", 0.10, 0.40),
)


def row(compared, metric, recipe="structure", against="gatys"):
    chosen = compared[
        (compared["recipe"] == recipe) & (compared["against"] == against) & (compared["metric"] == metric)
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


def random_grid(contents, styles, effect, seed=0):
    """Scores with a part of each content, a part of each style and noise; the second recipe is lower."""
    rng = np.random.default_rng(seed)
    base = rng.normal(1, 0.2, (contents, 1)) + rng.normal(0, 0.1, (1, styles)) + rng.normal(0, 0.05, (contents, styles))
    other = base - effect + rng.normal(0, 0.05, (contents, styles))
    cells = [(c, s) for c in range(contents) for s in range(styles)]
    return table(
        *(("gatys", f"c{c}", f"s{s}", base[c, s], 0.5) for c, s in cells),
        *(("structure", f"c{c}", f"s{s}", other[c, s], 0.5) for c, s in cells),
    )


def test_means_differences_changes_and_wins():
    edges = row(compare(PAIR, EDGES), "edge_error")
    assert edges["cells"] == 2
    assert (edges["mean"], edges["against_mean"]) == (pytest.approx(0.15), pytest.approx(0.30))
    assert edges["difference"] == pytest.approx(-0.15)
    assert edges["change"] == pytest.approx(-0.5)
    assert edges["wins"] == 0.5


def test_a_tie_is_half_a_win_and_told_and_more_may_be_better():
    ssim = row(compare(PAIR, EDGES), "ssim")
    assert (ssim["wins"], ssim["ties"]) == (0.75, 0.5)
    assert row(compare(PAIR, EDGES), "edge_error")["ties"] == 0


@pytest.mark.parametrize(("edge_error", "ties"), [(0.10000999, 0.5), (0.1000101, 0)])
def test_scores_that_differ_by_a_hair_are_a_tie(edge_error, ties):
    near = PAIR.copy()
    near.loc[2, "edge_error"] = edge_error  # beside 0.1
    assert row(compare(near, EDGES), "edge_error")["ties"] == ties


def test_the_other_way_round_is_the_opposite():
    there, back = (
        row(compare(PAIR, EDGES), "edge_error", *pair) for pair in [("structure", "gatys"), ("gatys", "structure")]
    )
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["difference_low"] == pytest.approx(-back["difference_high"])
    assert there["wins"] == 1 - back["wins"]


def test_only_cells_that_both_recipes_have_are_compared():
    more = pd.concat([PAIR, table(("gatys", "boat", "wave", 9.0, 0.9))])
    assert row(compare(more, EDGES), "edge_error")["cells"] == 2
    assert row(compare(more, EDGES), "edge_error")["mean"] == row(compare(PAIR, EDGES), "edge_error")["mean"]


def test_a_missing_score_takes_its_cell_out_of_that_metric_alone():
    holed = PAIR.copy()
    holed.loc[0, "edge_error"] = np.nan
    compared = compare(holed, EDGES)
    assert row(compared, "edge_error")["cells"] == 1
    assert row(compared, "ssim")["cells"] == 2


def test_a_metric_that_nobody_has_makes_no_row():
    assert set(compare(PAIR.drop(columns="ssim"), EDGES)["metric"]) == {"edge_error"}


def test_recipes_without_a_common_cell_or_alone_make_no_row():
    apart = table(("structure", "cat", "wave", 1, 1), ("gatys", "cat", "dots", 1, 1))
    assert compare(apart, EDGES).empty
    assert list(compare(PAIR.iloc[:2], EDGES).columns) == comparison.COLUMNS


def test_one_cell_has_no_interval():
    one = row(compare(PAIR.iloc[[0, 2]], EDGES), "edge_error")
    assert np.isnan([one["change_low"], one["change_high"], one["difference_low"], one["difference_high"]]).all()


def test_the_interval_is_that_of_a_plain_loop():
    scores = random_grid(5, 4, effect=0.3)
    found = row(compare(scores, EDGES), "edge_error")
    wide = scores.pivot_table(index="content", columns=["recipe", "style"], values="edge_error")
    own, other = wide["structure"].to_numpy(), wide["gatys"].to_numpy()
    rng = np.random.default_rng(3)
    changes = []
    for _ in range(4000):
        rows, columns = rng.integers(0, 5, 5), rng.integers(0, 4, 4)
        drawn = np.ix_(rows, columns)
        changes.append(own[drawn].mean() / other[drawn].mean() - 1)
    expected = np.quantile(changes, [0.025, 0.975])
    assert [found["change_low"], found["change_high"]] == pytest.approx(expected, abs=0.015)


@pytest.mark.heavy
def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    held = []
    for seed in range(60):
        found = row(compare(random_grid(10, 10, effect=0.1, seed=seed), EDGES), "edge_error")
        held.append(found["difference_low"] <= -0.1 <= found["difference_high"])
    assert np.mean(held) >= 0.88


def test_the_same_table_gives_the_same_figures():
    scores = random_grid(3, 3, effect=0.1)
    pd.testing.assert_frame_equal(compare(scores, EDGES), compare(scores, EDGES))


def test_an_original_of_nought_has_no_relative_change():
    none = PAIR.assign(edge_error=[0.1, 0.2, 0.0, 0.0])
    found = row(compare(none, EDGES), "edge_error")
    assert found["difference"] == pytest.approx(0.15)
    assert not np.isfinite(found["change"])
