"""Experiments in the pipeline: of chosen pictures, beside the grid, which they leave as it is."""

import pandas as pd
import pytest
from test_launcher import opened

from spnst_core import InputError
from spnst_core.experiments import Experiment
from spnst_core.metrics import METRICS
from spnst_pipeline.launcher import PHASE
from spnst_pipeline.layout import experiment
from spnst_pipeline.resources import Project

ABLATION = {"structure", "gatys", "structure_edges", "structure_depth"}


@pytest.fixture
def tried(made):
    """A project that was up to date, after the ablation; and its run."""
    return made, made.run(experiments=("ablation",))


def test_only_what_the_grid_hasnt_got_is_painted(tried):
    made, run = tried
    assert not run.execution.failed
    painted = {batch[0] for batch in run.recorder.batches}
    assert painted == ABLATION - {"structure", "gatys"}
    assert all((made.out / key).exists() for key in experiment("ablation"))
    again = made.run(experiments=("ablation",))
    assert (again.execution.runs, again.recorder.steps) == ([], 0)


def test_tables_are_of_the_experiments_recipes_and_the_grids_stay_its_own(tried):
    made, _ = tried
    folder = made.out / "experiment/ablation"
    table = pd.read_parquet(folder / "metrics.parquet")
    assert table.groupby("recipe").size().to_dict() == dict.fromkeys(ABLATION, 4)
    compared = pd.read_csv(folder / "comparison.csv")
    assert len(compared.groupby(["recipe", "against"])) == 12
    assert set(compared["metric"]) == {metric.key for metric in METRICS if not metric.judge}
    assert set(pd.read_parquet(made.out / "metric_table/metrics.parquet")["recipe"]) == {"structure", "gatys"}


def test_the_gallery_shows_the_frontier_and_stays_otherwise_the_grids(tried):
    made, _ = tried
    page = (made.out / "gallery/index.html").read_text("utf-8")
    assert Experiment.load("ablation").description in page
    assert "structure_edges/" not in page


def test_the_job_paints_the_chosen_pictures_alone(made, monkeypatch):
    settings = made.settings
    monkeypatch.setattr(type(made), "settings", lambda _, **changes: settings(experiments=("ablation",), **changes))
    with opened(made, monkeypatch) as bench:
        assert bench.ask("experiment_ablation", contents=["cat"], styles=["wave"]).success
        requests = bench.drive()
        assert not bench.ask("experiment_ablation", contents=["dog"]).success
    phases = {request.tags[PHASE] for request in requests}
    assert phases == {"painting", "measuring", "drawing experiments"}
    painted = {path.relative_to(made.out / "pastiche").as_posix() for path in (made.out / "pastiche").rglob("*.png")}
    assert {name for name in painted if name.startswith("structure_")} == {
        "structure_edges/cat/wave.png",
        "structure_depth/cat/wave.png",
    }
    assert len(pd.read_parquet(made.out / "experiment/ablation/metrics.parquet")) == 10  # two recipes have all four


def test_nothing_of_an_experiment_is_made_unasked(made, monkeypatch):
    settings = made.settings
    monkeypatch.setattr(type(made), "settings", lambda _, **changes: settings(experiments=("ablation",), **changes))
    with opened(made, monkeypatch) as bench:
        bench.ask("stylize_missing")
        phases = [request.tags[PHASE] for request in bench.drive()]
        assert phases == ["drawing experiments", "drawing the gallery"]  # of what the grid and the experiment share


def test_an_unknown_experiment_is_refused(fresh):
    with pytest.raises(InputError, match=r'no experiment "ablaton" \(did you mean "ablation"\?\)'):
        Project.open(fresh.settings(experiments=("ablaton",)))
