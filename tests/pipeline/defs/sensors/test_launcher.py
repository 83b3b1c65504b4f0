"""The launcher: requests turn into runs, phase by phase, on a real instance with the runs really made."""

import dagster as dg
import pytest
from daemon import opened

from spnst_pipeline.defs.jobs import OUTCOME, ROLE
from spnst_pipeline.defs.sensors.launcher import PHASE, REQUEST

PHASES = ["decoding pictures", "preparing contents and styles", "painting", "measuring", "drawing sheets"]


@pytest.fixture
def bench(fresh, monkeypatch):
    """On a project of which nothing was made."""
    with opened(fresh, monkeypatch) as bench:
        yield bench


@pytest.fixture
def made_bench(made, monkeypatch):
    """On a project in which everything is up to date."""
    with opened(made, monkeypatch) as bench:
        yield bench


def outcome(bench, asked):
    return bench.instance.get_run_by_id(asked.run_id).tags.get(OUTCOME)


def test_an_idle_tick_asks_for_nothing(made_bench):
    data = made_bench.tick()
    assert (data.run_requests, data.skip_message) == ([], "nothing is asked for")


@pytest.mark.project
@pytest.mark.slow(22)
def test_stylize_missing_makes_a_whole_project_phase_by_phase(bench, fresh):
    (fresh.root / "contents/boat.png").unlink()
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

    assert outcome(bench, asked) == "done 22/22"  # 3 pictures, 4 targets, 4 pastiches, 4 scores, 3 sheets, 4 at the end

    again = bench.ask("stylize_missing")
    assert again.success
    assert bench.drive() == []
    assert outcome(bench, again) == "done 0/0"


def test_the_request_tells_what_it_will_make(made, made_bench):
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    result = made_bench.ask("stylize_missing")
    [event] = [e for e in result.all_events if e.is_successful_output]
    told = {name: value.value for name, value in event.step_output_data.metadata.items()}
    assert told["painting"] == "painting: 1 pastiche/gatys in 1 run"
    assert told["decoding pictures"] == "decoding pictures: nothing to make"


@pytest.mark.project
def test_precompute_stops_before_painting(bench, fresh):
    bench.ask("precompute")
    assert [request.tags[PHASE] for request in bench.drive()] == [PHASES[0]] * 2 + [PHASES[1]] * 2
    assert (fresh.out / "edge_map/cat.safetensors").exists()
    assert not (fresh.out / "pastiche").exists()


def test_recipes_can_be_chosen_and_a_misspelt_one_is_refused(made, made_bench):
    for path in (made.out / "pastiche").rglob("*.png"):
        path.unlink()
    assert not made_bench.ask("stylize_missing", recipes=["gatis"]).success
    assert made_bench.tick().run_requests == []
    made_bench.ask("stylize_missing", recipes=["gatys"])
    requests = made_bench.tick().run_requests
    assert [[key.to_user_string() for key in r.asset_selection] for r in requests] == [["pastiche/gatys"]]


def test_force_reaches_the_runs(made, made_bench):
    before = (made.out / "content_image/cat.png").stat().st_mtime_ns
    made_bench.ask("precompute", force=True)
    for request in made_bench.tick().run_requests:
        assert made_bench.execute(request).success
    assert (made.out / "content_image/cat.png").stat().st_mtime_ns > before


def test_while_runs_of_a_phase_are_unfinished_the_next_one_waits(made, made_bench):
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    made_bench.ask("stylize_missing")
    [request] = made_bench.tick().run_requests
    run = made_bench.record(request, dg.DagsterRunStatus.STARTED)
    data = made_bench.tick()
    assert data.run_requests == []
    assert data.skip_message.startswith("waiting for runs of")
    made_bench.instance.delete_run(run.run_id)
    later = made_bench.tick().run_requests
    assert {request.tags[PHASE] for request in later} == {"drawing sheets"}  # without the cell, which wasn't made


def test_runs_without_networks_have_the_tags_that_the_settings_ask_for(made, monkeypatch):
    monkeypatch.setenv("SPNST_CPU_RUN_TAGS", '{"dagster-k8s/config": {"pod_spec_config": {}}, "place": "anywhere"}')
    tags = {"dagster-k8s/config": '{"pod_spec_config": {}}', "place": "anywhere"}.items()
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    with opened(made, monkeypatch) as bench:
        asked = bench.ask("stylize_missing")
        assert tags <= bench.instance.get_run_by_id(asked.run_id).tags.items()
        [painting] = bench.tick().run_requests
        assert not painting.tags.keys() & dict(tags).keys()
        sheets = bench.tick().run_requests
        assert sheets
        assert all(tags <= request.tags.items() for request in sheets)


@pytest.mark.project
@pytest.mark.slow(9)
def test_what_fails_is_launched_once_and_again_only_by_the_next_request(made, made_bench):
    """Folders lie where the pastiches in a style should."""
    for content in ("boat", "cat"):
        (made.out / f"pastiche/gatys/{content}/wave.png").unlink()
        (made.out / f"pastiche/gatys/{content}/wave.png").mkdir()
    asked = made_bench.ask("stylize_missing", recipes=["gatys"])
    assert [r.tags[PHASE] for r in made_bench.drive()].count("painting") == 1
    assert outcome(made_bench, asked) == "failed 2"
    assert not (made.out / "pastiche/gatys/cat/wave.png").is_file()
    assert made_bench.tick().run_requests == []
    made_bench.ask("stylize_missing", recipes=["gatys"])
    assert [r.tags[PHASE] for r in made_bench.tick().run_requests] == ["painting"]


def test_many_workers_take_launches_in_their_order_and_those_of_lost_runs_first(made, monkeypatch):
    """The daemon's retries have the tags of the run that was lost."""
    monkeypatch.setenv("SPNST_WORKERS", "2")
    monkeypatch.setenv("SPNST_BATCH", "2")
    for path in (made.out / "pastiche/gatys").rglob("*.png"):
        path.unlink()
    with opened(made, monkeypatch) as bench:
        bench.ask("stylize_missing")
        of_two_one_and_one_cell = bench.tick().run_requests
        assert [request.tags["dagster/priority"] for request in of_two_one_and_one_cell] == ["0", "-1", "-2"]


def test_cancelling_a_run_ends_its_request(made, made_bench):
    for path in (made.out / "pastiche").rglob("*.png"):
        path.unlink()
    asked = made_bench.ask("stylize_missing")
    [request, *_] = made_bench.tick().run_requests
    assert outcome(made_bench, asked) is None
    made_bench.record(request, dg.DagsterRunStatus.CANCELED)
    assert made_bench.tick().skip_message == "nothing is asked for"
    assert outcome(made_bench, asked) == "cancelled"


def test_the_request_says_that_it_only_asks(made_bench):
    asked = made_bench.ask("stylize_missing")
    job = made_bench.defs.resolve_job_def("stylize_missing")
    assert job.description.startswith("Asks for ")
    assert "makes nothing itself" in job.description
    assert made_bench.instance.get_run_by_id(asked.run_id).tags[ROLE] == "request"
    log = [entry.message for entry in made_bench.instance.all_logs(asked.run_id)]
    assert any("this run only asks: the sensor launcher starts the runs" in line for line in log)


def test_a_killed_run_which_names_no_partitions_counts_as_one_failure(made, made_bench):
    (made.out / "edge_map/cat.safetensors").unlink()
    asked = made_bench.ask("precompute")
    [preparing] = made_bench.tick().run_requests
    made_bench.record(preparing, dg.DagsterRunStatus.FAILURE)
    assert made_bench.drive() == []
    assert outcome(made_bench, asked) == "failed 1"


@pytest.mark.project
@pytest.mark.slow(6)
def test_requests_are_served_one_after_the_other(made, made_bench):
    (made.out / "pastiche/gatys/cat/wave.png").unlink()
    first, second = made_bench.ask("stylize_missing"), made_bench.ask("precompute", force=True)
    served = [request.tags[REQUEST] for request in made_bench.drive()]
    assert list(dict.fromkeys(served)) == [first.run_id, second.run_id]
