"""Two shards in one DAGSTER_HOME and on one store: nothing collides, and what was made stays."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest
from daemon import Bench
from instances import make_databases
from small_project import CONTENTS, STYLES, draw

from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.cli.execution import open_home
from spnst_pipeline.defs.jobs import OUTCOME
from spnst_pipeline.shard import Shard

SHARDS = Shard.parse("1/2").all
FOUR = {SHARDS[0]: ["cat", "dog"], SHARDS[1]: ["boat", "sea"]}


class Shards:
    """The code locations of two shards of a place, with the records of both in its DAGSTER_HOME."""

    def __init__(self, settings, instance, monkeypatch):
        self.instance = instance
        monkeypatch.setenv("SPNST_CONFIG", str(settings.dagster_home / "spnst.yaml"))
        self.benches = {}
        for shard in SHARDS:
            monkeypatch.setenv("SPNST_SHARD", str(shard))
            self.benches[shard] = Bench(self.instance)

    def contents(self):
        return {shard: list(self.instance.get_dynamic_partitions(shard.contents)) for shard in SHARDS}

    def cells(self, asset, recipe):
        """The partitions of an asset that Dagster has an event of, by shard."""
        keys = {shard: ArtefactId(asset, recipe).key_in(shard) for shard in SHARDS}
        return {shard: set(self.instance.get_materialized_partitions(key)) for shard, key in keys.items()}


@pytest.fixture
def shards(monkeypatch):
    with ExitStack() as stack:

        def of(place, **changes):
            settings = place.settings(**changes)
            if not settings.dagster_home.exists():
                make_databases(settings.dagster_home)
            return Shards(settings, stack.enter_context(open_home(settings)), monkeypatch)

        yield of


def four(place):
    """Two more contents, so that each shard has two."""
    for number, name in enumerate(("dog", "sea")):
        draw(30 + number).save(place.root / "contents" / f"{name}.png")
    return place


def grown(place):
    draw(40).save(place.root / "contents/moon.png")


def files(folder: Path):
    return {
        path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and ".dagster" not in str(path)
    }


@pytest.mark.project
@pytest.mark.slow(20)
def test_two_shards_paint_every_cell_once_into_one_store(fresh, shards):
    """And the first of them makes what is of all contents, when the other has painted too."""
    both = shards(four(fresh), recipes=(str(fresh.root / "gatys.yaml"),))
    requests = {}
    for shard, bench in reversed(both.benches.items()):
        asked = bench.ask("stylize_missing")
        assert asked.success
        requests[shard] = bench.drive()
        assert both.instance.get_run_by_id(asked.run_id).tags[OUTCOME].startswith("done ")
    assert both.contents() == FOUR
    assert both.instance.get_dynamic_partitions("content") == []
    for asset in ("pastiche", "metrics"):
        cells = {shard: {f"{c}|{s}" for c in contents for s in STYLES} for shard, contents in FOUR.items()}
        assert both.cells(asset, "gatys") == cells
    assert len(list((fresh.out / "pastiche/gatys").rglob("*.png"))) == 8

    made = {shard: {key.path[0] for r in found for key in r.asset_selection} for shard, found in requests.items()}
    assert made == {shard: set(shard.prefix) for shard in SHARDS}
    crossing = {"metric_table", "comparison", "gallery"}
    named = {shard: {key.path[1] for r in found for key in r.asset_selection} for shard, found in requests.items()}
    assert crossing <= named[SHARDS[0]]
    assert not crossing & named[SHARDS[1]]
    shown = (fresh.out / "gallery/data.js").read_text()
    assert all(f'"{name}"' in shown for contents in FOUR.values() for name in contents)
    assert len((fresh.out / "metric_table/metrics.csv").read_text().splitlines()) == 1 + 8


def test_moving_from_one_shard_to_two_makes_nothing_again(made, shards):
    before, both = files(made.out), shards(made)
    for bench in both.benches.values():
        assert bench.ask("stylize_missing").success
        assert bench.drive() == []
    assert files(made.out) == before
    assert both.contents() == {SHARDS[0]: ["cat"], SHARDS[1]: ["boat"]}
    assert set(both.instance.get_dynamic_partitions("content")) == set(CONTENTS)  # of the project as it was


@pytest.mark.heavy
def test_a_partition_that_is_up_to_date_is_recorded_under_its_shards_key(made, shards):
    before, both = files(made.out), shards(made)
    bench = both.benches[SHARDS[1]]
    bench.ask("stylize_missing")
    pastiches = ArtefactId("pastiche", "gatys").key_in(SHARDS[1])
    tags = {"dagster/asset_partition_range_start": "boat|dots", "dagster/asset_partition_range_end": "boat|wave"}
    assert bench.execute(dg.RunRequest(asset_selection=[pastiches], tags=tags)).success
    assert both.cells("pastiche", "gatys") == {SHARDS[0]: set(), SHARDS[1]: {"boat|dots", "boat|wave"}}
    assert files(made.out) == before
    asked = dg.AssetRecordsFilter(pastiches, asset_partitions=["boat|wave"])
    [record] = both.instance.fetch_materializations(asked, limit=1).records
    versions = {name for name in record.asset_materialization.tags if name.startswith("dagster/input_data_version/")}
    assert {name.split("/")[2] for name in versions} == {"shard_2_of_2"}


def test_a_new_content_goes_to_one_shard_alone(made, shards):
    both = shards(made)
    for bench in both.benches.values():
        bench.ask("precompute")
        bench.drive()
    grown(made)
    added = {}
    for shard, bench in both.benches.items():
        bench.cursor = None
        added[shard] = [request for _ in range(3) for request in bench.tick("catalogue").dynamic_partitions_requests]
    [shard] = [shard for shard in SHARDS if added[shard]]
    assert shard == Shard(1, 2).having("moon")
    assert added[shard] == [dg.AddDynamicPartitionsRequest(shard.contents, ["moon"])]


def test_each_launcher_serves_the_requests_of_its_own_shard(made, shards):
    both = shards(made)
    first, second = both.benches.values()
    shutil.rmtree(made.out / "pastiche/gatys")
    second.ask("stylize_missing")
    assert first.tick().skip_message == "nothing is asked for"
    request, *_ = second.tick().run_requests
    assert request.asset_selection == [ArtefactId("pastiche", "gatys").key_in(SHARDS[1])]
    assert request.partition_key is None
    assert request.tags["dagster/asset_partition_range_start"] == "boat|dots"


def test_a_content_of_another_shard_cannot_be_asked_for(made, shards):
    both = shards(made)
    asked = both.benches[SHARDS[0]].ask("stylize_missing", contents=["boat"])
    [failure] = [event for event in asked.all_events if event.is_step_failure]
    assert 'content "boat" is in shard 2/2, not in 1/2: launch it there' in str(failure.step_failure_data.error)


def test_a_shard_without_a_content_makes_what_is_of_the_styles(fresh, shards):
    (fresh.root / "contents/boat.png").unlink()
    both = shards(fresh)
    assert both.benches[SHARDS[1]].ask("precompute").success
    assert both.contents() == {SHARDS[0]: [], SHARDS[1]: []}
    assert set(both.instance.get_dynamic_partitions("style")) == set(STYLES)


def test_the_last_content_of_a_shard_can_go(made, shards):
    both = shards(made)
    bench = both.benches[SHARDS[1]]
    bench.ask("precompute")
    bench.drive()
    bench.cursor = None
    bench.tick("catalogue")
    (made.root / "contents/boat.png").unlink()
    gone = [request for _ in range(3) for request in bench.tick("catalogue").dynamic_partitions_requests]
    assert gone == [dg.DeleteDynamicPartitionsRequest(SHARDS[1].contents, ["boat"])] * len(gone) != []
