"""Private API of Dagster: what each function does in this version, and without the private name that it stands on."""

import re

import dagster as dg
import pytest
from dagster._core.definitions import data_version
from dagster._core.storage import tags
from instances import new_instance

from spnst_pipeline import dagster_private as private


@dg.asset(pool="gpu", partitions_def=dg.StaticPartitionsDefinition(["boat", "cat"]))
def picture():
    raise dg.Failure("boat: too small\ncat: too dark")


@dg.asset
def broken():
    raise ValueError("no\nroute")


DEFINITIONS = dg.Definitions(assets=[picture, broken])
PICTURE, BROKEN = dg.AssetKey("picture"), dg.AssetKey("broken")


@pytest.fixture(scope="module")
def instance():
    with new_instance(overrides={"concurrency": {"pools": {"default_limit": 1}}}) as instance:
        yield instance


@pytest.fixture
def unfinished(instance):
    job = private.job_of_all_assets(DEFINITIONS)
    return instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)


@pytest.fixture
def without(monkeypatch):
    """Takes a member away from a class, as if this version of Dagster didn't have it."""

    def forget(kind, name):
        for base in kind.__mro__:
            if name in vars(base):
                monkeypatch.delattr(base, name)

    return forget


def run(instance, key, **more):
    job = private.job_of_all_assets(DEFINITIONS)
    return job.execute_in_process(instance=instance, asset_selection=[key], raise_on_error=False, **more)


def refused(name):
    return pytest.raises(
        RuntimeError,
        match=rf"Dagster {re.escape(dg.__version__)} has no \w+\.{name}: install dagster>=1\.13,<1\.14",
    )


# ------------------------------------------------------------------------------------------------------------ tags


def test_tags_are_dagsters_own():
    assert private.range_tags("a", "b") == {
        tags.ASSET_PARTITION_RANGE_START_TAG: "a",
        tags.ASSET_PARTITION_RANGE_END_TAG: "b",
    }
    assert private.no_retries() == {tags.MAX_RETRIES_TAG: "0"}
    assert private.version_tags("v") == {data_version.DATA_VERSION_TAG: "v"}
    assert private.own_version_tags("v", {"more": "tags"}) == {
        "more": "tags",
        data_version.DATA_VERSION_TAG: "v",
        data_version.DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
    }


def test_provenance_is_what_dagster_gave_an_event_without_its_partition(instance):
    grid = dg.MultiPartitionKey({"content": "cat", "style": "wave"})
    given = {data_version.CODE_VERSION_TAG: "3"}
    instance.report_runless_asset_event(dg.AssetMaterialization(PICTURE, partition=grid, tags=given))
    found = private.provenance_tags(instance, PICTURE, str(grid))
    assert found[data_version.CODE_VERSION_TAG] == "3"
    assert not [name for name in found if name.startswith(tags.MULTIDIMENSIONAL_PARTITION_PREFIX)]


def test_provenance_is_empty_where_there_is_none_or_dagster_does_not_tell(instance, without):
    assert private.provenance_tags(instance, PICTURE, "boat") == {}
    instance.report_runless_asset_event(dg.AssetMaterialization(PICTURE, partition="boat", tags={"a": "b"}))
    assert private.provenance_tags(instance, PICTURE, "boat")["a"] == "b"
    without(dg.EventLogRecord, "asset_materialization")
    assert private.provenance_tags(instance, PICTURE, "boat") == {}


# -------------------------------------------------------------------------------------------------------- the graph


def test_a_backfill_policy_is_set(without):
    policy = dg.BackfillPolicy.multi_run(7)
    assert private.with_backfill_policy(picture, policy).backfill_policy == policy
    without(dg.AssetsDefinition, "with_attributes")
    with refused("with_attributes"):
        private.with_backfill_policy(picture, policy)


def test_the_job_of_all_assets_is_the_one_that_the_ui_takes(without):
    assert private.job_of_all_assets(DEFINITIONS).name == "__ASSET_JOB"
    without(dg.Definitions, "resolve_implicit_global_asset_job_def")
    with refused("resolve_implicit_global_asset_job_def"):
        private.job_of_all_assets(DEFINITIONS)


# ------------------------------------------------------------------------------------------------------------- runs


def test_a_failure_tells_its_description(instance):
    result = run(instance, PICTURE, partition_key="boat")
    [failure] = private.step_failures(instance, result.run_id)
    assert failure.description == "boat: too small\ncat: too dark"


def test_another_exception_tells_its_message_in_one_line(instance):
    result = run(instance, BROKEN)
    [failure] = private.step_failures(instance, result.run_id)
    assert failure.description == ""
    assert failure.error == "DagsterExecutionStepExecutionError"
    assert failure.message == "ValueError: no route"
    [event] = (event for event in result.all_events if event.event_type == dg.DagsterEventType.RUN_FAILURE)
    assert private.run_failure(event) == private.RunFailure("ValueError: no route", interrupted=False)


def test_an_event_without_data_tells_nothing(instance, unfinished):
    private.fail_run(instance, unfinished, "gone")
    [entry] = instance.all_logs(unfinished.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert private.run_failure(entry.dagster_event) == private.RunFailure("", interrupted=False)
    assert private.step_failure(entry.dagster_event) == private.StepFailure("", "", "")


def test_without_a_runs_log_its_failed_steps_are_not_known(instance, without):
    without(dg.DagsterInstance, "all_logs")
    with refused("all_logs"):
        list(private.step_failures(instance, "some run"))


def test_a_failed_run_waits_for_its_retry_until_that_is_launched(instance, unfinished, without):
    private.fail_run(instance, unfinished, "gone")
    failed = instance.get_run_by_id(unfinished.run_id)
    assert not private.waits_for_retry(failed)
    private.tag_run(instance, failed.run_id, {tags.WILL_RETRY_TAG: "true"})
    assert private.waits_for_retry(instance.get_run_by_id(failed.run_id))
    without(dg.DagsterRun, "is_complete_and_waiting_to_retry")
    with refused("is_complete_and_waiting_to_retry"):
        private.waits_for_retry(failed)


def test_a_run_is_failed_with_the_reason_and_its_places_are_free(instance, unfinished):
    private.make_pool(instance, "gpu")
    storage = instance.event_log_storage
    assert storage.claim_concurrency_slot("gpu", unfinished.run_id, "picture").is_claimed
    private.fail_run(instance, unfinished, "its process is gone")
    assert instance.get_run_by_id(unfinished.run_id).status == dg.DagsterRunStatus.FAILURE
    assert storage.claim_concurrency_slot("gpu", "another run", "picture").is_claimed


def test_a_run_is_failed_even_if_its_places_must_wait_for_the_daemon(instance, unfinished, without):
    without(type(instance.event_log_storage), "free_concurrency_slots_for_run")
    private.fail_run(instance, unfinished, "its process is gone")
    assert instance.get_run_by_id(unfinished.run_id).status == dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("report_run_failed", lambda instance, run: private.fail_run(instance, run, "gone")),
        ("add_run_tags", lambda instance, run: private.tag_run(instance, run.run_id, {"a": "b"})),
    ],
)
def test_without_the_means_to_change_a_run_the_versions_are_told(name, act, instance, unfinished, without):
    without(dg.DagsterInstance, name)
    with refused(name):
        act(instance, unfinished)


def test_a_pool_gets_its_default_limit_and_keeps_another(instance):
    def limits():
        return {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}

    private.make_pool(instance, "press")
    assert limits()["press"] == 1
    instance.event_log_storage.set_concurrency_slots("press", 3)
    private.make_pool(instance, "press")
    assert limits()["press"] == 3


@pytest.mark.parametrize("name", ["get_pool_limits", "initialize_concurrency_limit_to_default"])
def test_without_pool_limits_none_is_made(name, instance, monkeypatch, without):
    without(type(instance.event_log_storage), name)
    private.make_pool(instance, "kiln")
    monkeypatch.undo()
    assert "kiln" not in {pool.name for pool in instance.event_log_storage.get_pool_limits()}


def test_without_an_event_log_no_pool_is_made_and_a_run_still_fails(instance, unfinished, without):
    without(dg.DagsterInstance, "event_log_storage")
    private.make_pool(instance, "kiln")
    private.fail_run(instance, unfinished, "its process is gone")
    assert instance.get_run_by_id(unfinished.run_id).status == dg.DagsterRunStatus.FAILURE


def test_provenance_from_an_input_is_in_the_tags_that_dagster_reads(instance):
    raw = dg.AssetKey(["raw", "picture"])
    told = {data_version.DATA_VERSION_TAG: "v1"}
    instance.report_runless_asset_event(dg.AssetMaterialization(raw, partition="cat", tags=told))
    found = data_version.DataProvenance.from_tags(private.input_tags(instance, raw, "cat", "3"))
    assert (found.code_version, found.input_data_versions) == ("3", {raw: dg.DataVersion("v1")})
    assert found.has_input_asset(raw)
    assert private.input_tags(instance, raw, "boat", "3") == {}


def test_a_context_that_cannot_forget_an_input_is_left_alone():
    private.forget_input_version(object(), PICTURE)


def test_the_schema_of_every_database_is_that_of_the_installed_dagster(instance):
    revisions = private.schema_revisions(instance)
    assert list(revisions) == ["runs", "events", "schedules"]
    assert all(found == newest for found, newest in revisions.values())


def test_the_schema_of_databases_that_cannot_tell_is_left_out(instance, without):
    without(type(instance.run_storage), "alembic_version")
    assert "runs" not in private.schema_revisions(instance)
