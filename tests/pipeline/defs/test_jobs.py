"""Jobs: which part of the grid each one asks for, and requests for what isn't there."""

import pytest

from spnst_core import InputError
from spnst_pipeline.defs.jobs import Request, Selection, job_definition, jobs
from spnst_pipeline.planning.plan import EVERYTHING, EXPERIMENT, PREPARATION, REPORTING, Grid
from spnst_pipeline.project import Project


@pytest.fixture
def project(fresh):
    return Project.open(fresh.settings(experiments=("ablation",)))


@pytest.fixture
def by_name(project):
    return {job.name: job for job in jobs(project.experiments)}


@pytest.fixture
def grid(project):
    return Grid(["boat", "cat"], ["dots", "wave"], project.every_recipe)


def names(grid):
    return [recipe.name for recipe in grid.recipes]


def test_there_is_one_for_each_wish_and_each_experiment(by_name):
    assert {name: job.phases for name, job in by_name.items()} == {
        "precompute": PREPARATION,
        "stylize_missing": EVERYTHING,
        "refresh_gallery": REPORTING,
        "experiment_ablation": EXPERIMENT,
    }
    assert [job.name for job in jobs([])] == ["precompute", "stylize_missing", "refresh_gallery"]


def test_each_is_a_job_of_one_op_with_a_description(by_name):
    for job in by_name.values():
        definition = job_definition(job)
        assert [node.name for node in definition.nodes] == [job.op] == [f"plan_{job.name}"]
        assert definition.description.startswith(job.description)


def test_asked_for_nothing_in_particular_it_is_the_grids_recipes_and_all_pictures(by_name, project, grid):
    asked = by_name["stylize_missing"].grid(project, grid, Request())
    assert names(asked) == ["structure", "gatys"]
    assert (asked.rows, asked.columns) == (None, None)


def test_recipes_and_pictures_can_be_chosen(by_name, project, grid):
    config = Request(recipes=["gatys"], contents=["cat"], styles=["wave"])
    asked = by_name["stylize_missing"].grid(project, grid, config)
    assert (names(asked), asked.rows, asked.columns) == (["gatys"], ["cat"], ["wave"])


def test_an_experiment_has_its_own_recipes(by_name, project, grid):
    asked = by_name["experiment_ablation"].grid(project, grid, Selection(contents=["cat"]))
    assert set(names(asked)) == {"structure", "gatys", "structure_edges", "structure_depth"}
    assert asked.rows == ["cat"]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (Request(recipes=["gatis"]), r'no recipe "gatis" \(did you mean "gatys"\?\)'),
        (Request(contents=["cats"]), r'no content "cats" \(did you mean "cat"\?\)'),
        (Request(styles=["waves"]), r'no style "waves" \(did you mean "wave"\?\)'),
    ],
)
def test_what_is_not_there_is_refused_by_name(by_name, project, config, says):
    with pytest.raises(InputError, match=says):
        by_name["stylize_missing"].require_known(project, config)


def test_what_is_there_is_not_refused(by_name, project):
    by_name["stylize_missing"].require_known(project, Request(recipes=["gatys"], contents=["cat"], styles=["wave"]))
