"""Experiments in the pipeline: of chosen pictures, beside the grid, which they leave as it is."""

import pandas as pd
import pytest
from daemon import opened

from spnst_core.metrics.registry import METRICS
from spnst_core.recipes.experiments import Experiment
from spnst_pipeline.artefacts.fingerprints import VERSIONS
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.sensors.launcher import PHASE
from spnst_pipeline.project import Project

pytestmark = pytest.mark.project

ABLATION = {"structure", "gatys", "structure_edges", "structure_depth"}


@pytest.fixture(scope="module")
def tried(first_run, tmp_path_factory):
    """A project that was up to date, after the ablation; and its run. Shared: look, don't touch."""
    place = first_run[0].copied(tmp_path_factory.mktemp("tried") / "project")
    return place, place.run(experiments=("ablation",))


def with_experiment(place, monkeypatch):
    """The project's settings name the ablation."""
    settings = place.settings
    monkeypatch.setattr(type(place), "settings", lambda _, **changes: settings(experiments=("ablation",), **changes))


@pytest.mark.slow(25)
def test_only_what_the_grid_hasnt_got_is_painted(tried, monkeypatch):
    place, run = tried
    assert not run.failed
    painted = {batch[0] for batch in run.recorder.batches}
    assert painted == ABLATION - {"structure", "gatys"}
    ablation = ArtefactId("experiment", experiment="ablation")
    assert all((place.out / key).exists() for key in (ablation.path, *ablation.beside.values()))
    again = place.run(experiments=("ablation",))
    assert (again.runs, again.recorder.steps) == ([], 0)
    monkeypatch.setitem(VERSIONS, "experiment", 99)
    lineage = Lineage(run.project)
    assert lineage.outdated(lineage.experiment, run.project.experiments[0])


@pytest.mark.slow(25)
def test_tables_are_of_the_experiments_recipes_and_the_grids_stay_its_own(tried):
    place, _ = tried
    folder = place.out / "experiment/ablation"
    table = pd.read_parquet(folder / "metrics.parquet")
    assert table.groupby("recipe").size().to_dict() == dict.fromkeys(ABLATION, 4)
    compared = pd.read_csv(folder / "comparison.csv")
    assert len(compared.groupby(["recipe", "against"])) == 12
    assert set(compared["metric"]) == {metric.key for metric in METRICS.values() if not metric.judge}
    assert set(pd.read_parquet(place.out / "metric_table/metrics.parquet")["recipe"]) == {"structure", "gatys"}


@pytest.mark.slow(25)
def test_the_gallery_shows_the_frontier_and_stays_otherwise_the_grids(tried):
    place, _ = tried
    page = (place.out / "gallery/index.html").read_text("utf-8")
    assert Experiment.load("ablation").description in page
    assert "structure_edges/" not in page


@pytest.mark.slow(11)
def test_the_job_paints_the_chosen_pictures_alone(made, monkeypatch):
    with_experiment(made, monkeypatch)
    with opened(made, monkeypatch) as bench:
        assert bench.ask("experiment_ablation", contents=["cat"], styles=["wave"]).success
        requests = bench.drive()
        assert not bench.ask("experiment_ablation", contents=["dog"]).success
    phases = {request.tags[PHASE] for request in requests}
    assert phases == {"painting", "measuring", "drawing experiments", "drawing the gallery"}
    painted = {path.relative_to(made.out / "pastiche").as_posix() for path in (made.out / "pastiche").rglob("*.png")}
    assert {name for name in painted if name.startswith("structure_")} == {
        "structure_edges/cat/wave.png",
        "structure_depth/cat/wave.png",
    }
    table = pd.read_parquet(made.out / "experiment/ablation/metrics.parquet")
    assert set(zip(table["content"], table["style"], strict=True)) == {("cat", "wave")}  # though the grid has all four
    assert len(table) == 4


def test_nothing_of_an_experiment_is_made_unasked(made, monkeypatch):
    with_experiment(made, monkeypatch)
    with opened(made, monkeypatch) as bench:
        bench.ask("stylize_missing")
        assert bench.drive() == []


def test_a_picture_that_is_taken_away_meanwhile_holds_up_nothing(made, monkeypatch):
    with_experiment(made, monkeypatch)
    with opened(made, monkeypatch) as bench:
        asked = bench.ask("experiment_ablation", contents=["cat"])
        assert asked.success
        (made.root / "contents/cat.png").unlink()
        bench.drive()
        assert bench.ask("precompute", force=True).success
        assert bench.tick().run_requests


def test_an_experiment_with_sizes_of_its_own_leaves_the_grid_as_it_is(made):
    """Its sizes aren't prepared yet, but nothing of the grid needs them."""
    alone, project = (Project.open(made.settings(experiments=names)) for names in ((), ("seed_six",)))
    assert set(project.style_sizes) > set(alone.style_sizes)
    grid = Lineage(project)
    assert grid.styles() == sorted(project.styles.pictures)
    assert len(grid.cells(grid.metrics)) == 8
