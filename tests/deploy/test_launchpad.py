"""The saved examples for the Launchpad: every job has one, and Dagster takes them as they are."""

from pathlib import Path

import dagster as dg
import pytest
import yaml

from spnst_pipeline.definitions import defs

EXAMPLES = {path.stem: path for path in (Path(__file__).parents[2] / "deploy/launchpad").glob("*.yaml")}


@pytest.fixture(scope="module")
def graph():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPNST_PROFILE", "embedded")
        patch.setenv("SPNST_EXPERIMENTS", "ablation")
        yield defs()


def test_every_job_has_one(graph):
    jobs = {job.name for job in graph.resolve_all_job_defs() if not job.name.startswith("__")}
    assert set(EXAMPLES) == jobs | {"pastiche"}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_it_is_a_config_that_can_be_launched(graph, name):
    text = EXAMPLES[name].read_text("utf-8")
    assert text.startswith("# ")
    job = graph.resolve_implicit_global_asset_job_def() if name == "pastiche" else graph.resolve_job_def(name)
    assert dg.validate_run_config(job, yaml.safe_load(text))
