"""Runs are given up when their process is really gone, and only then."""

import socket
import subprocess
import sys

import dagster as dg
import psutil
import pytest
from instances import new_instance

from spnst_pipeline.stale_runs import PROCESS, fail_stale_runs, process_tags

POOLS = {"concurrency": {"pools": {"granularity": "op"}}}


@dg.asset(pool="gpu")
def picture():
    """Never made."""


JOB = dg.Definitions(assets=[picture]).resolve_implicit_global_asset_job_def()


@pytest.fixture
def instance():
    with new_instance(overrides=POOLS) as instance:
        yield instance


@pytest.fixture
def process():
    """A real one, which waits until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def run_of(instance, pid, host=None, status=dg.DagsterRunStatus.STARTED):
    tags = {**process_tags(), PROCESS: f"{host or socket.gethostname()} {pid}"}
    return instance.create_run_for_job(JOB, tags=tags, status=status)


def status_of(instance, run):
    return instance.get_run_by_id(run.run_id).status


def test_a_run_is_given_up_when_its_process_was_killed(instance, process):
    run = run_of(instance, process.pid)
    assert fail_stale_runs(instance) == []
    assert status_of(instance, run) == dg.DagsterRunStatus.STARTED

    process.kill()
    process.wait()
    assert fail_stale_runs(instance) == [run.run_id]
    assert status_of(instance, run) == dg.DagsterRunStatus.FAILURE
    [failure] = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    told = f"The process that carried it out ({socket.gethostname()} {process.pid}) is gone."
    assert failure.dagster_event.message == told
    assert fail_stale_runs(instance) == []


def test_its_place_in_the_pool_is_free_again(instance, process):
    storage = instance.event_log_storage
    storage.set_concurrency_slots("gpu", 1)
    run = run_of(instance, process.pid)
    assert storage.claim_concurrency_slot("gpu", run.run_id, "picture").is_claimed
    process.kill()
    process.wait()
    fail_stale_runs(instance)
    assert storage.claim_concurrency_slot("gpu", "another run", "picture").is_claimed


def test_the_daemon_does_not_try_it_again(process):
    retries = {"run_retries": {"enabled": True, "max_retries": 2}}
    with new_instance(overrides=retries) as instance:
        run = run_of(instance, process.pid)
        process.kill()
        process.wait()
        fail_stale_runs(instance)
        assert instance.get_run_by_id(run.run_id).tags["dagster/will_retry"] == "false"


def test_an_earlier_process_of_the_same_number_is_gone(instance):
    """In a container every program is number 1."""
    run = instance.create_run_for_job(JOB, tags=process_tags(), status=dg.DagsterRunStatus.STARTED)
    assert fail_stale_runs(instance) == [run.run_id]


def test_a_later_process_that_got_the_same_number_is_another(instance, process):
    began = psutil.Process(process.pid).create_time()
    own = run_of(instance, f"{process.pid} {began:.2f}")
    assert fail_stale_runs(instance) == []
    earlier = run_of(instance, f"{process.pid} {began - 3600:.2f}")
    assert fail_stale_runs(instance) == [earlier.run_id]
    assert status_of(instance, own) == dg.DagsterRunStatus.STARTED


def test_runs_of_other_machines_of_the_daemon_and_of_the_past_are_left_alone(instance, process):
    process.kill()
    process.wait()
    elsewhere = run_of(instance, process.pid, host="elsewhere")
    queued = instance.create_run_for_job(JOB, status=dg.DagsterRunStatus.STARTED)
    done = run_of(instance, process.pid, status=dg.DagsterRunStatus.SUCCESS)
    assert fail_stale_runs(instance) == []
    started = dg.DagsterRunStatus.STARTED
    assert [status_of(instance, r) for r in (elsewhere, queued)] == [started, started]
    assert status_of(instance, done) == dg.DagsterRunStatus.SUCCESS


def test_another_users_process_is_a_process(instance, monkeypatch):
    run = run_of(instance, 1)

    def denied(process):
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "create_time", denied)
    assert fail_stale_runs(instance) == []
    assert status_of(instance, run) == dg.DagsterRunStatus.STARTED
