"""The gallery's sensor: cells that land make it ask for a refresh, once, when it is calm."""

import dagster as dg
import pytest
from instances import new_instance

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.definitions import defs
from spnst_pipeline.defs.sensors.gallery import CALM, gallery_sensor
from spnst_pipeline.project import Project


class Clock:
    ahead = 0.0

    def __init__(self, instance):
        self._instance = instance

    def __call__(self):
        """So many seconds after the newest cell."""
        record = self._instance.fetch_materializations(dg.AssetKey(["pastiche", "gatys"]), limit=1).records[0]
        return record.timestamp + self.ahead


@pytest.fixture
def bench(made, monkeypatch):
    (made.root / "spnst.yaml").write_text(made.settings().to_yaml(made.root))
    monkeypatch.setenv("SPNST_CONFIG", str(made.root / "spnst.yaml"))
    repository = defs().get_repository_def()
    with new_instance() as instance:
        instance.add_dynamic_partitions("content", ["boat", "cat"])
        instance.add_dynamic_partitions("style", ["dots", "wave"])
        clock = Clock(instance)
        sensor = gallery_sensor(("structure", "gatys"), lambda: Project.open(made.settings()), clock)

        def tick(cursor=None):
            context = dg.build_sensor_context(
                instance=instance, cursor=cursor, repository_def=repository, sensor_name="new_cells"
            )
            return sensor.evaluate_tick(context)

        def land():
            cell = ArtefactId("pastiche", "gatys", "cat", "wave")
            instance.report_runless_asset_event(dg.AssetMaterialization(cell.asset_key, partition=str(cell.partition)))

        yield instance, tick, land, clock


def test_without_cells_nothing_is_asked_for(bench):
    assert bench[1]().skip_message == "no new cells"


def test_it_waits_until_it_is_calm(bench, made):
    _, tick, land, clock = bench
    (made.out / "metrics/gatys/cat/wave.json").unlink()
    land()
    clock.ahead = CALM / 2
    data = tick()
    assert (data.run_requests, data.cursor) == ([], None)
    clock.ahead = CALM * 2
    data = tick()
    assert len(data.run_requests) == 1
    assert tick(data.cursor).skip_message == "no new cells"
    land()
    again = tick(data.cursor)
    assert again.run_requests[0].run_key != data.run_requests[0].run_key


def test_a_gallery_that_shows_the_cells_already_is_left_alone(bench):
    _, tick, land, clock = bench
    land()
    clock.ahead = CALM * 2
    data = tick()
    assert data.skip_message == "the gallery shows them already"
    assert tick(data.cursor).skip_message == "no new cells"


def test_it_waits_for_runs_that_make_cells(bench):
    instance, tick, land, clock = bench
    land()
    clock.ahead = CALM * 2
    job = defs().resolve_implicit_global_asset_job_def()
    key = dg.AssetKey(["pastiche", "gatys"])
    instance.create_run_for_job(
        job.get_subset(asset_selection={key}),
        asset_selection=frozenset({key}),
        status=dg.DagsterRunStatus.STARTED,
        tags={
            "dagster/asset_partition_range_start": "boat|dots",
            "dagster/asset_partition_range_end": "boat|dots",
        },
    )
    assert tick().skip_message == "cells are being made"
