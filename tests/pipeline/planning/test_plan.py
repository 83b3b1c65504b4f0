"""Plans: what is missing or outdated, and the runs that make it."""

from dataclasses import replace

import numpy as np
import pytest

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.planning.plan import (
    EVERYTHING,
    Grid,
    Launch,
    decoding,
    drawing_gallery,
    drawing_sheets,
    measuring,
    painting,
    preparing,
)
from spnst_pipeline.project import Project

RECIPES = ("structure", "gatys")
STYLE_IMAGE, STYLE_GRAMS = ArtefactId("style_image"), ArtefactId("style_grams")
PASTICHES = tuple(ArtefactId("pastiche", recipe) for recipe in RECIPES)
METRICS = tuple(ArtefactId("metrics", recipe) for recipe in RECIPES)


@pytest.fixture
def open_project(made):
    """The project as its files are at the moment, with its grid."""

    def opened(**changes):
        project = Project.open(made.settings(**changes))
        return project, Grid(sorted(project.contents.pictures), sorted(project.styles.pictures), project.recipes)

    return opened


def launches(project, grid, **how):
    """Every phase's launches by the phase's name, without the empty ones; the store stays as it is."""
    plans = [phase(Lineage(project, **how), grid) for phase in EVERYTHING]
    return {plan.phase: list(plan.launches) for plan in plans if plan.launches}


def test_where_everything_is_up_to_date_nothing_is_launched(open_project):
    assert launches(*open_project()) == {}


def test_a_new_style_is_its_column_and_nothing_else(made, open_project, picture):
    """Told ahead of the phases that it depends on."""
    picture(44).save(made.root / "styles/new.png")
    project, grid = open_project()
    found = launches(project, grid, ahead=True)
    alone = ("new", "new")
    assert found["decoding pictures"] == [Launch((STYLE_IMAGE,), alone, False)]
    assert found["preparing contents and styles"] == [Launch((STYLE_GRAMS,), alone, False)]
    column = ("boat|new", "cat|new")
    assert found["painting"] == [Launch(PASTICHES, column, False)]
    assert found["measuring"] == [Launch(METRICS, column, False)]


def test_a_phase_waits_for_the_one_before(made, open_project, picture):
    picture(44).save(made.root / "styles/new.png")
    assert list(launches(*open_project())) == ["decoding pictures"]


def test_recipes_that_want_the_same_rectangle_share_a_run_as_far_as_the_batch_allows(made, open_project):
    for path in (made.out / "pastiche").rglob("*.png"):
        path.unlink()
    whole = ("boat|dots", "cat|wave")
    assert painting(Lineage(open_project()[0]), open_project()[1]).launches == (Launch(PASTICHES, whole, False),)
    project, grid = open_project(batch=7)
    assert painting(Lineage(project), grid).launches == tuple(Launch((asset,), whole, False) for asset in PASTICHES)
    project, grid = open_project(batch=2)
    plan = painting(Lineage(project), grid)
    assert len(plan.launches) == 4
    assert plan.wanted == dict.fromkeys(PASTICHES, 4)
    assert plan.cells == 8


def test_only_the_recipes_asked_for_are_painted_and_measured(made, open_project):
    for path in [*(made.out / "pastiche").rglob("*.png"), *(made.out / "metrics").rglob("*.json")]:
        path.unlink()
    project, grid = open_project()
    grid = replace(grid, recipes=project.recipes[1:])
    assert painting(Lineage(project), grid).wanted == {PASTICHES[1]: 4}
    assert measuring(Lineage(project, ahead=True), grid).wanted == {METRICS[1]: 4}


def test_forced_everything_is_launched_and_told_to_make_it_again(open_project):
    project, grid = open_project()
    found = launches(project, grid, force=True)
    assert len(found) == len(EVERYTHING) - 3  # there are no experiments, no painters and no drafts
    assert all(launch.force for phase in found.values() for launch in phase)
    config = found["painting"][0].config
    assert config == {"ops": {f"pastiche__{recipe}": {"config": {"force": True}} for recipe in RECIPES}}


def test_a_missing_score_redraws_its_row_its_column_and_the_gallery(made, open_project):
    (made.out / "metrics/gatys/cat/wave.json").unlink()
    found = launches(*open_project())
    assert found["measuring"] == [Launch((METRICS[1],), ("cat|wave", "cat|wave"), False)]
    assert found["drawing sheets"] == [
        Launch((ArtefactId("contact_sheet/content"),), ("cat", "cat"), False),
        Launch((ArtefactId("contact_sheet/style"),), ("wave", "wave"), False),
    ]
    assert found["drawing the gallery"] == [
        Launch(
            (
                ArtefactId("metric_table"),
                ArtefactId("comparison"),
                ArtefactId("contact_sheet/grid"),
                ArtefactId("gallery"),
            ),
            None,
            False,
        )
    ]
    assert found["drawing the gallery"][0].tags == {}


def test_a_grid_without_scores_has_no_gallery(made, open_project):
    for path in (made.out / "metrics").rglob("*.json"):
        path.unlink()
    project, grid = open_project()
    assert drawing_gallery(Lineage(project), grid).launches == ()


def test_ranges_follow_the_order_of_the_partitions_not_of_the_alphabet(made, open_project, picture):
    picture(45).save(made.root / "contents/alp.png")
    picture(46).save(made.root / "contents/bus.png")
    project, grid = open_project()
    grid = replace(grid, contents=["cat", "boat", "bus", "alp"])
    assert decoding(Lineage(project), grid).launches == (Launch((ArtefactId("content_image"),), ("bus", "alp"), False),)
    tags = decoding(Lineage(project), grid).launches[0].tags
    assert tags == {"dagster/asset_partition_range_start": "bus", "dagster/asset_partition_range_end": "alp"}


def test_a_partition_whose_picture_is_gone_wants_nothing(made, open_project):
    (made.root / "contents/cat.png").unlink()
    for path in (made.out / "pastiche").rglob("*.png"):
        path.unlink()
    project, grid = open_project()
    grid = replace(grid, contents=["boat", "cat"])
    assert preparing(Lineage(project), grid).launches == ()
    assert {launch.span for launch in painting(Lineage(project), grid).launches} == {("boat|dots", "boat|wave")}
    assert {span for launch in drawing_sheets(Lineage(project), grid).launches for span in launch.span} <= {
        "boat",
        "dots",
        "wave",
    }


def test_a_plan_looks_at_the_store_folder_by_folder(open_project, monkeypatch):
    """One question for each cell would be a request for each cell on S3."""
    project, grid = open_project()
    single = []
    monkeypatch.setattr(project.store, "exists", single.append)
    for phase in (decoding, preparing, painting, measuring):
        phase(Lineage(project), grid)
    assert single == []
    assert np.sum([phase(Lineage(project), grid).cells for phase in (painting, measuring)]) == 0
