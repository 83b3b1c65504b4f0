"""The pool on a real Ray cluster of two painters: the same grid as in one process, and nothing lost with a painter."""

import os
import time
from collections import Counter

import dagster as dg
import numpy as np
import pytest
from otlp import collector
from PIL import Image
from ray_cluster import ray_cluster
from small_project import PREPARATION, Recorder, draw, furnish, painting

from spnst_core.errors import InputError
from spnst_pipeline.artefacts.fingerprints import metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.defs import tracing
from spnst_pipeline.defs.prometheus import PAINTING, CountingListener, read

pytestmark = [pytest.mark.ray, pytest.mark.slow(60)]

CONTENTS, STYLES = ("boat", "cat"), ("dots", "ink", "wave")
CELLS = [ArtefactId("pastiche", "gatys", content, style) for content in CONTENTS for style in STYLES]
TIMES = ("seconds", "began", "batch_seconds")
"""What differs between two runs that make the same."""


class Watch(Recorder):
    """Counts the cells that were sent and haven't come back, and may do something when so many were sent."""

    def __init__(self, at=0, act=lambda: None):
        super().__init__()
        self.away, self.most, self.at, self.act = 0, 0, at, act

    def batch(self, recipe, content, styles):
        super().batch(recipe, content, styles)
        self.away += len(styles)
        self.most = max(self.most, self.away)
        if len(self.batches) == self.at:
            self.act()

    def made(self, artefact):
        super().made(artefact)
        self.away -= 1


class Counted(Watch):
    """Counts as a run that the daemon starts, and keeps what painters log."""

    def __init__(self, folder, **when):
        super().__init__(**when)
        self.counting, self.lines = CountingListener(folder), []

    def made(self, artefact):
        super().made(artefact)
        self.counting.made(artefact)

    def spent(self, recipe, spent):
        self.counting.spent(recipe, spent)

    def said(self, said):
        super().said(said)
        self.lines.append(said)


@pytest.fixture(scope="module", autouse=True)
def traces():
    """The collector of traces that run and painters find in their environment."""
    with collector() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        tracing._tracer.cache_clear()
        yield server
        tracing._tracer.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def cluster(traces):
    with ray_cluster(3):  # of which two painters leave one
        yield


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A grid of 2 × 3 of which nothing is painted."""
    place = furnish(tmp_path_factory.mktemp("pool") / "project")
    draw(31).save(place.root / "styles/ink.png")
    (place.root / "gatys.yaml").write_text("weights: {tv: 0.05}\nstages: [{steps: 12}]\n")
    place.run(phases=PREPARATION, recipes=(str(place.root / "gatys.yaml"),))
    return place


def paint(place, recorder=None, **settings):
    settings = {"ray_painters": 2, "recipes": (str(place.root / "gatys.yaml"),), **settings}
    return place.run(recorder or Recorder(), phases=(painting,), **settings)


def told(place, cell):
    """What Dagster was told of a cell, without times: its events, and its checks in the end."""
    with place.instance() as instance:
        found = instance.fetch_materializations(
            dg.AssetRecordsFilter(cell.asset_key, asset_partitions=[cell.partition]), limit=10
        ).records
        events = [record.asset_materialization for record in found]
    hidden = (*TIMES, "path")
    shown = [{name: value.value for name, value in e.metadata.items() if name not in hidden} for e in events]
    versions = [{k: v for k, v in event.tags.items() if "data_version" in k} for event in events]
    return shown, versions


def painters():
    import ray

    return [actor["name"] for actor in ray.util.list_named_actors(all_namespaces=True)]


def lose(number):
    """Kill the process of a painter, which Ray then starts again."""
    import ray

    [name] = [name for name in painters() if name.endswith(f"-{number}")]
    ray.kill(ray.get_actor(name, namespace="spnst"), no_restart=False)


def test_a_grid_is_the_same_as_painted_in_one_process(prepared, tmp_path):
    near, far = prepared.copied(tmp_path / "near"), prepared.copied(tmp_path / "far")
    here, there = paint(near), paint(far, pool="ray")
    assert (here.failed, there.failed) == ([], [])
    assert sorted(there.recorder.keys) == sorted(here.recorder.keys)
    for cell in CELLS:
        files = [(place.out / cell.path).read_bytes() for place in (near, far)]
        pictures = [np.array(Image.open(place.out / cell.path)) for place in (near, far)]
        carried = [metadata(cell.path, file) for file in files]
        assert np.array_equal(*pictures)
        assert carried[0]["fingerprint"] == carried[1]["fingerprint"]
        assert carried[0]["checks"] == carried[1]["checks"]
        assert told(near, cell) == told(far, cell)


def test_painters_stay_for_the_next_run_and_no_more_is_away_than_twice_as_much_as_they_paint(prepared, tmp_path):
    place = prepared.copied(tmp_path / "project")
    paint(place, pool="ray", ray_batch=1)
    before, watch = painters(), Watch()
    run = paint(place, watch, pool="ray", ray_batch=1, force=True)
    assert painters() == before
    assert run.failed == []
    assert sorted(watch.keys) == sorted(cell.path for cell in CELLS)
    assert watch.most == 4


def test_a_painter_that_is_lost_costs_nothing_in_the_end_and_nothing_counts_twice(prepared, tmp_path):
    place = prepared.copied(tmp_path / "project")
    watch = Counted(tmp_path, at=4, act=lambda: lose(0))
    run = paint(place, watch, pool="ray", ray_batch=1)
    assert run.failed == []
    assert sorted(watch.keys) == sorted(cell.path for cell in CELLS)
    assert "painter 0 was lost; its batch goes to another" in watch.notes
    sent = Counter(watch.batches)
    assert set(sent) == {("gatys", cell.content, (cell.style,)) for cell in CELLS}
    assert 1 <= sum(sent.values()) - len(CELLS) <= 2
    figures = read(tmp_path / PAINTING)
    assert figures["spnst_cells", ("gatys", "done")] == len(CELLS)
    assert figures["spnst_stage_seconds", ("gatys", "1")] > 0
    begun = {(said.fields["content"], *said.fields["styles"]) for said in watch.lines if said.fields.get("painter")}
    assert begun == {cell.cell for cell in CELLS}
    again = paint(place, pool="ray", ray_batch=1)
    assert again.runs == []  # everything is up to date


def test_the_spans_of_painters_are_inside_that_of_the_run(prepared, tmp_path, traces):
    place = prepared.copied(tmp_path / "project")
    run = paint(place, pool="ray")

    def arrived(name, **attributes):
        wanted = {f"spnst.{key}": value for key, value in attributes.items()}.items()
        return [span for span in traces.spans if span.name == name and wanted <= span.attributes.items()]

    end = time.monotonic() + 60
    while True:  # each process sends its own
        steps = arrived("paint", run=run.runs[-1], cells_done=len(CELLS))
        inside = [span for span in arrived("painter") if steps and span.parent == steps[0].id]
        if {span.attributes["spnst.content"] for span in inside} == set(CONTENTS):
            break
        assert time.monotonic() < end, traces.spans
        time.sleep(0.1)
    assert {span.trace for span in inside} == {steps[0].trace}


def test_painters_without_work_end(prepared, tmp_path):
    place, others = prepared.copied(tmp_path / "project"), set(painters())
    paint(place, pool="ray", ray_painters=1, ray_idle_seconds=2)
    end = time.monotonic() + 60
    while set(painters()) > others:
        assert time.monotonic() < end
        time.sleep(0.2)


def deadly():
    """A painter that dies of every row. Its class is of no module that workers would have to find."""
    import ray

    class Deadly:
        @ray.method(max_task_retries=-1)
        def prepare(self, row):
            return None

        def paint(self, row):
            os._exit(1)

    return Deadly


def stillborn():
    """A painter of code that a node lacks."""

    class Stillborn:
        def __init__(self):
            raise ModuleNotFoundError("No module named 'spnst_pipeline'")

        def prepare(self, row):
            return None

    return Stillborn


def dispatched(place, kind):
    """What becomes of one row."""
    import ray

    from spnst_pipeline.artefacts.lineage import Lineage
    from spnst_pipeline.defs.config import Paint
    from spnst_pipeline.defs.pool.dispatch import Dispatch
    from spnst_pipeline.defs.rows import look_up
    from spnst_pipeline.project import Project

    project = Project.open(place.settings(recipes=(str(place.root / "gatys.yaml"),)))
    work = look_up(Lineage(project), project.recipes[0], "cat", ["dots", "wave"], Paint(), ["pastiche"])
    hire = ray.remote(kind).options(num_cpus=0, max_restarts=-1)
    return list(Dispatch(lambda number: hire.remote(), 1, 8, Recorder()).paint(work))


def test_cells_of_which_painters_die_fail_in_the_end(prepared):
    failed = dispatched(prepared, deadly())
    assert [landed.artefact.style for landed in failed] == ["dots", "wave"]
    assert {str(landed.error) for landed in failed} == {
        "3 painters were lost while they painted it: does their memory suffice?"
    }


def test_a_painter_that_cannot_start_is_told_in_one_line(prepared):
    with pytest.raises(InputError, match="painter 0 on Ray can't start: have all nodes the same spnst"):
        dispatched(prepared, stillborn())
