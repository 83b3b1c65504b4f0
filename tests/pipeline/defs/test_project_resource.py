"""The project as a resource: what its page shows, and what runs get."""

import json

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap

from spnst_core.errors import InputError
from spnst_pipeline.definitions import defs
from spnst_pipeline.defs.project_resource import project_resource
from spnst_pipeline.planning.grid import checked
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings


def test_its_page_shows_every_setting_with_its_description(fresh, monkeypatch):
    settings = fresh.settings(size=64)
    (fresh.root / "spnst.yaml").write_text(settings.to_yaml(fresh.root))
    monkeypatch.setenv("SPNST_CONFIG", str(fresh.root / "spnst.yaml"))
    [page] = [one for one in RepositorySnap.from_def(defs().get_repository_def()).resources if one.name == "project"]
    told = {field.name: field.description for field in page.config_field_snaps}
    assert told == {name: field.description for name, field in Settings.model_fields.items() if not field.exclude}
    in_force = Settings.load().model_dump(mode="json")
    assert {name: json.loads(value) for name, value in page.configured_values.items()} == in_force
    assert in_force["size"] == 64


def test_a_run_gets_the_project_of_these_settings_with_its_pictures_as_they_are_then(fresh, picture):
    settings = fresh.settings()

    @dg.asset
    def pictures(project: dg.ResourceParam[Project]) -> list[str]:
        assert project.settings == settings
        return list(project.contents.pictures)

    resources = {"project": project_resource(settings)}
    picture(9).save(fresh.root / "contents/new.png")
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([pictures], instance=instance, resources=resources)
    assert result.output_for_node("pictures") == ["boat", "cat", "new"]


def test_a_setting_that_cannot_be_used_fails_the_run_with_its_reason(fresh):
    @dg.asset
    def nothing(project: dg.ResourceParam[Project]) -> None: ...

    resources = {"project": project_resource(fresh.settings(content=str(fresh.root / "nowhere")))}
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(Exception, match="project") as caught,
    ):
        dg.materialize([nothing], instance=instance, resources=resources)
    assert isinstance(caught.value.__cause__, InputError)
    assert "nowhere" in str(caught.value.__cause__)


def test_the_command_line_shares_one_project_among_its_runs(fresh):
    """So that networks are loaded once."""
    project = checked(Project.open(fresh.settings()))
    seen = []

    @dg.asset
    def look(project: dg.ResourceParam[Project]) -> None:
        seen.append(project)

    resources = {"project": project_resource(project.settings, project)}
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            dg.materialize([look], instance=instance, resources=resources)
    assert [one is project for one in seen] == [True, True]
