"""The launcher: requests turn into runs, phase by phase, on a real instance with the runs really made."""

import dagster as dg
import pytest
from daemon import opened

from spnst_pipeline.defs.jobs import OUTCOME, ROLE
from spnst_pipeline.defs.sensors.launcher import PHASE, REQUEST

PHASES = ["decoding pictures", "preparing photographs and paintings", "painting", "measuring", "drawing sheets"]


@pytest.fixture
def bench(fresh, monkeypatch):
    """On a project of which nothing was made."""
    with opened(fresh, monkeypatch) as bench:
        yield bench


@pytest.fixture
def stamped_bench(stamped, monkeypatch):
    """On a project in which everything is up to date."""
    with opened(stamped, monkeypatch) as bench:
        yield bench


def outcome(bench, asked):
    return bench.instance.get_run_by_id(asked.run_id).tags.get(OUTCOME)


def test_an_idle_tick_asks_for_nothing(stamped_bench):
    data = stamped_bench.tick()
    assert (data.run_requests, data.skip_message) == ([], "nothing is asked for")


@pytest.mark.project
def test_stylize_missing_makes_a_whole_project_phase_by_phase(bench, fresh):
    (fresh.root / "photos/boat.png").unlink()
    asked = bench.ask("stylize_missing")
    assert asked.success
    assert bench.instance.get_dynamic_partitions("content") == ["cat"]
    requests = bench.drive()
    phases = [request.tags[PHASE] for request in requests]
    assert list(dict.fromkeys(phases)) == [*PHASES, "drawing the gallery"]
    assert {request.tags[REQUEST] for request in requests} == {asked.run_id}
    assert len({request.run_key for request in requests}) == len(requests)
    assert (fresh.out / "gallery/index.html").exists()
    assert len(list((fresh.out / "pastiche").rglob("*.png"))) == 4

    assert outcome(bench, asked) == "done 34/34"  # 4 pictures, 6 targets, 8 pastiches, 8 scores, 4 sheets, 4 at the end

    again = bench.ask("stylize_missing")
    assert again.success
    assert bench.drive() == []
    assert outcome(bench, again) == "done 0/0"


def test_the_request_tells_what_it_will_make(stamped, stamped_bench):
    (stamped.out / "pastiche/gatys/cat/wave.png").unlink()
    result = stamped_bench.ask("stylize_missing")
    [event] = [e for e in result.all_events if e.is_successful_output]
    told = {name: value.value for name, value in event.step_output_data.metadata.items()}
    assert told["painting"] == "painting: 1 pastiche/gatys in 1 runs"
    assert told["decoding pictures"] == "decoding pictures: nothing to make"


@pytest.mark.project
def test_precompute_stops_before_painting(bench, fresh):
    bench.ask("precompute")
    assert [request.tags[PHASE] for request in bench.drive()] == [PHASES[0]] * 2 + [PHASES[1]] * 2
    assert (fresh.out / "edge_map/cat.safetensors").exists()
    assert not (fresh.out / "pastiche").exists()


def test_recipes_can_be_chosen_and_a_misspelt_one_is_refused(stamped, stamped_bench):
    for path in (stamped.out / "pastiche").rglob("*.png"):
        path.unlink()
    assert not stamped_bench.ask("stylize_missing", recipes=["gatis"]).success
    assert stamped_bench.tick().run_requests == []
    stamped_bench.ask("stylize_missing", recipes=["gatys"])
    requests = stamped_bench.tick().run_requests
    assert [[key.to_user_string() for key in r.asset_selection] for r in requests] == [["pastiche/gatys"]]


def test_force_reaches_the_runs(stamped, stamped_bench):
    before = (stamped.out / "content_image/cat.png").stat().st_mtime_ns
    stamped_bench.ask("precompute", force=True)
    for request in stamped_bench.tick().run_requests:
        assert stamped_bench.execute(request).success
    assert (stamped.out / "content_image/cat.png").stat().st_mtime_ns > before


def test_while_runs_of_a_phase_are_unfinished_the_next_one_waits(stamped, stamped_bench):
    (stamped.out / "pastiche/gatys/cat/wave.png").unlink()
    stamped_bench.ask("stylize_missing")
    [request] = stamped_bench.tick().run_requests
    run = stamped_bench.record(request, dg.DagsterRunStatus.STARTED)
    data = stamped_bench.tick()
    assert data.run_requests == []
    assert data.skip_message.startswith("waiting for runs of")
    stamped_bench.instance.delete_run(run.run_id)
    later = stamped_bench.tick().run_requests
    assert {request.tags[PHASE] for request in later} == {"drawing sheets"}  # without the cell, which wasn't made


@pytest.mark.project
def test_what_fails_is_launched_once_and_again_only_by_the_next_request(stamped, stamped_bench):
    """The style's targets look complete from outside, but their tensors are cut off."""
    targets = stamped.out / "style_grams/wave.safetensors"
    targets.write_bytes(targets.read_bytes()[:-1000])
    for content in ("boat", "cat"):
        (stamped.out / f"pastiche/gatys/{content}/wave.png").unlink()
    asked = stamped_bench.ask("stylize_missing", recipes=["gatys"])
    assert [r.tags[PHASE] for r in stamped_bench.drive()].count("painting") == 1
    assert outcome(stamped_bench, asked) == "failed 2"
    assert not (stamped.out / "pastiche/gatys/cat/wave.png").exists()
    assert stamped_bench.tick().run_requests == []
    stamped_bench.ask("stylize_missing", recipes=["gatys"])
    assert [r.tags[PHASE] for r in stamped_bench.tick().run_requests] == ["painting"]


def test_cancelling_a_run_ends_its_request(stamped, stamped_bench):
    for path in (stamped.out / "pastiche").rglob("*.png"):
        path.unlink()
    asked = stamped_bench.ask("stylize_missing")
    [request, *_] = stamped_bench.tick().run_requests
    assert outcome(stamped_bench, asked) is None
    stamped_bench.record(request, dg.DagsterRunStatus.CANCELED)
    assert stamped_bench.tick().skip_message == "nothing is asked for"
    assert outcome(stamped_bench, asked) == "cancelled"


def test_the_request_says_that_it_only_asks(stamped_bench):
    asked = stamped_bench.ask("stylize_missing")
    job = stamped_bench.defs.resolve_job_def("stylize_missing")
    assert job.description.startswith("Asks for ")
    assert "makes nothing itself" in job.description
    assert stamped_bench.instance.get_run_by_id(asked.run_id).tags[ROLE] == "request"
    log = [entry.message for entry in stamped_bench.instance.all_logs(asked.run_id)]
    assert any("this run only asks: the sensor launcher starts the runs" in line for line in log)


def test_a_killed_run_which_names_no_partitions_counts_as_one_failure(stamped, stamped_bench):
    (stamped.out / "pastiche/gatys/cat/wave.png").unlink()
    asked = stamped_bench.ask("stylize_missing")
    [painting] = stamped_bench.tick().run_requests
    stamped_bench.record(painting, dg.DagsterRunStatus.FAILURE)
    stamped_bench.drive()
    assert outcome(stamped_bench, asked) == "failed 1"


@pytest.mark.project
def test_requests_are_served_one_after_the_other(stamped, stamped_bench):
    (stamped.out / "pastiche/gatys/cat/wave.png").unlink()
    first, second = stamped_bench.ask("stylize_missing"), stamped_bench.ask("precompute", force=True)
    served = [request.tags[REQUEST] for request in stamped_bench.drive()]
    assert list(dict.fromkeys(served)) == [first.run_id, second.run_id]
