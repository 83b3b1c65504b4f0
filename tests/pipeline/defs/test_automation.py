"""What the UI offers ready-made, and what the automation condition asks for."""

import dagster as dg
import pytest

from spnst_pipeline.definitions import defs
from spnst_pipeline.defs.automation import AT_ONCE
from spnst_pipeline.defs.partitions import CONTENT, GRID, STYLE


@pytest.fixture
def graph(fresh, monkeypatch):
    (fresh.root / "spnst.yaml").write_text(fresh.settings().to_yaml(fresh.root))
    monkeypatch.setenv("SPNST_CONFIG", str(fresh.root / "spnst.yaml"))
    return defs()


def test_jobs_schedule_and_sensors(graph):
    repository = graph.get_repository_def()
    assert {"precompute", "stylize_missing", "refresh_gallery"} <= set(repository.job_names)
    [nightly] = repository.schedule_defs
    assert (nightly.name, nightly.job_name) == ("nightly", "stylize_missing")
    assert nightly.default_status == dg.DefaultScheduleStatus.STOPPED
    status = {sensor.name: sensor.default_status.name for sensor in repository.sensor_defs}
    assert status == {
        "launcher": "RUNNING",
        "catalogue": "RUNNING",
        "new_cells": "RUNNING",
        "stylize_at_once": "STOPPED",
    }
    assert all(thing.description for thing in (nightly, *repository.sensor_defs))


def test_what_is_made_at_once_is_all_but_sheets_and_gallery(graph):
    at_once = {spec.key.to_user_string() for spec in graph.resolve_all_asset_specs() if spec.automation_condition}
    assert at_once == {
        *("content_image", "style_image", "depth_map", "edge_map", "style_grams"),
        *(f"{kind}/{recipe}" for kind in ("pastiche", "metrics") for recipe in ("structure", "gatys")),
    }


def unmade(name, **how):
    @dg.asset(name=name, **how)
    def asset():
        pass

    return asset


@pytest.fixture
def small():
    """Pictures on two sides and cells between them, under the condition."""
    content = unmade("content_image", partitions_def=CONTENT, automation_condition=AT_ONCE)
    style = unmade("style_image", partitions_def=STYLE, automation_condition=AT_ONCE)
    cell = unmade("cell", partitions_def=GRID, automation_condition=AT_ONCE, deps=[content, style])
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("content", ["boat", "cat"])
        instance.add_dynamic_partitions("style", ["wave"])
        yield Automation(dg.Definitions(assets=[content, style, cell]), instance)


class Automation:
    def __init__(self, definitions, instance):
        self.definitions, self.instance, self.cursor = definitions, instance, None

    def tick(self):
        """What one evaluation asks for, as asset → partitions."""
        result = dg.evaluate_automation_conditions(defs=self.definitions, instance=self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        keys = [dg.AssetKey(name) for name in ("content_image", "style_image", "cell")]
        asked = {key.to_user_string(): result.get_requested_partitions(key) for key in keys}
        return {name: {str(p) for p in partitions} for name, partitions in asked.items() if partitions}

    def make(self, asset, *partitions):
        for partition in partitions:
            self.instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition))


@pytest.mark.heavy
def test_what_was_missing_before_it_was_switched_on_is_asked_for_once(small):
    small.make("style_image", "wave")
    assert small.tick() == {"content_image": {"boat", "cat"}}
    assert small.tick() == {}
    small.make("content_image", "boat")
    assert small.tick() == {"cell": {"boat|wave"}}
    assert small.tick() == {}


def test_cells_missing_from_the_start_are_asked_for(small):
    """Here `AutomationCondition.eager` asks for nothing."""
    small.make("style_image", "wave")
    small.make("content_image", "boat", "cat")
    assert small.tick() == {"cell": {"boat|wave", "cat|wave"}}
    assert small.tick() == {}


@pytest.mark.heavy
def test_a_new_picture_is_asked_for_and_then_its_cells(small):
    small.make("style_image", "wave")
    small.make("content_image", "boat", "cat")
    small.make("cell", "boat|wave", "cat|wave")
    assert small.tick() == {}
    small.instance.add_dynamic_partitions("style", ["dots"])
    assert small.tick() == {"style_image": {"dots"}}
    small.make("style_image", "dots")
    assert small.tick() == {"cell": {"boat|dots", "cat|dots"}}
