"""What a pastiche's file tells of how it was made: nothing lost that a curve needs, and small."""

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from spnst_core.imaging import io as image_io
from spnst_core.recipes.terms import TERMS
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.provenance import HISTORY, POINTS, read_history, stamp
from spnst_pipeline.artefacts.stored_provenance import how_made, loss_history
from spnst_pipeline.storage.store import Store


def history(*steps, **terms):
    """Losses of stages of so many steps; terms not given have no weight."""
    count = sum(steps)
    columns = {"step": np.arange(count) + 1, "stage": np.repeat(np.arange(len(steps)), steps)}
    return pd.DataFrame({**columns, **dict.fromkeys(TERMS, 0.0), **terms, "total": 1.0})


def reread(table):
    return read_history(stamp({}, table))


def test_a_short_history_is_kept_whole_to_four_digits():
    losses = [1.0, 0.123456, 9.87654e-7]
    found = reread(history(2, 1, style=losses, tv=[0.5, 0.25, 0.125]))
    assert list(found.columns) == ["step", "stage", "style", "tv", "total"]
    assert found["step"].tolist() == [1, 2, 3]
    assert found["stage"].tolist() == [0, 0, 1]
    assert found["style"].tolist() == [1.0, 0.1235, 9.877e-07]


@pytest.mark.parametrize("steps", [(80, 80, 60), (1, 2000), (59, 1), (60,), (61,), (3,) * 25])
def test_a_long_one_is_sampled_and_keeps_both_ends_of_every_stage(steps):
    full = history(*steps, content=np.random.default_rng(0).random(sum(steps)) + 1)
    found = reread(full)
    assert len(found) == min(POINTS, sum(steps))
    ends = full.groupby("stage")["step"].agg(["min", "max"])
    pd.testing.assert_frame_equal(found.groupby("stage")["step"].agg(["min", "max"]), ends)
    exact = full.set_index("step")["content"][found["step"]].to_numpy()
    np.testing.assert_allclose(found["content"], exact, rtol=5e-4)


def test_a_term_without_weight_is_nan_where_it_has_none_and_absent_where_it_never_has():
    found = reread(history(2, 2, edge=[0.0, 0.0, 0.3, 0.2]))
    assert found["edge"].isna().tolist() == [True, True, False, False]
    assert "depth" not in found


def test_the_store_gives_it_back_from_the_head_of_the_file(tmp_path, picture):
    store = Store.open(str(tmp_path))
    full = history(500, 500, 500, **{term: np.linspace(1, 0.001, 1500) for term in TERMS})
    texts = {**stamp({"recipe": "structure", "losses": {"style": 0.1}}, full), "fingerprint": "abc"}
    store.write("pastiche/a/b/c.png", image_io.encode_png(picture(1, 900, 700), texts))
    assert len(texts[HISTORY]) < 6000
    assert how_made(store, "pastiche/a/b/c.png")["losses"] == {"style": 0.1}
    assert len(loss_history(store, "pastiche/a/b/c.png")) == POINTS
    assert metadata("c.png", store.read("pastiche/a/b/c.png", HEAD))["fingerprint"] == "abc"


def test_every_cell_of_a_run_keeps_and_plots_its_losses_and_its_time(first_run):
    place, run = first_run
    with place.instance() as instance:
        for recipe in run.project.recipes:
            shown = {}
            for record in instance.fetch_materializations(dg.AssetKey(["pastiche", recipe.name]), limit=100).records:
                shown.setdefault(record.partition_key, record.asset_materialization.metadata)
            assert len(shown) == 4
            for key, event in shown.items():
                content, style = key.split("|")
                file = f"pastiche/{recipe.name}/{content}/{style}.png"
                losses = loss_history(run.project.store, file)
                assert losses["step"].tolist() == [1, 2, 3, 4, 5]
                assert losses[["content", "style"]].notna().all(axis=None)
                made = how_made(run.project.store, file)
                assert 0 < made["seconds"] <= made["batch_seconds"]
                assert event["seconds"].value == made["seconds"]
                assert event["losses"].value.startswith("![losses](data:image/png;base64,")
