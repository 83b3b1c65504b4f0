"""Private API of Dagster: each use is one function here, with what happens when a version of Dagster lacks it.

Dagster's public API is what carries its ``@public`` mark, and the documented constructors and fields. Everything else
may change in a minor release, which is why `pyproject.toml` admits only `SUPPORTED`. What the pipeline can do without
has a fallback; for the rest, the error names the installed version and the supported ones. Nothing else in this package
touches a private name; a test holds that.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

SUPPORTED = ">=1.13,<1.14"
"""Versions of Dagster whose private API is known."""

NO_COMPUTE_LOGS = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
"""Setting ``compute_logs`` of an instance that doesn't capture what steps print."""

_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_MAX_RETRIES, _PRIORITY = "dagster/max_retries", "dagster/priority"
_DATA_VERSION, _VERSION_IS_OURS = "dagster/data_version", "dagster/data_version_is_user_provided"
_DIMENSION = "dagster/partition/"
_CODE_VERSION = "dagster/code_version"
_INPUT_VERSION, _INPUT_EVENT = "dagster/input_data_version", "dagster/input_event_pointer"


# ------------------------------------------------------------------------------------------------------------ tags


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags that make a run cover a range of partitions; of the grid, a rectangle between opposite corners.

    A `dagster.RunRequest` has a field for one partition, but none for a range.
    """
    return dict(zip(_RANGE, (first, last), strict=True))


def no_retries() -> dict[str, str]:
    """Tags of a run that the daemon mustn't retry."""
    return {_MAX_RETRIES: "0"}


def priority_tags(priority: int) -> dict[str, str]:
    """Tags of a run that the run queue takes before those of a lower priority; 0 is that of a run without them."""
    return {_PRIORITY: str(priority)}


def version_tags(version: str) -> dict[str, str]:
    """Tags by which an event tells the data version of its partition.

    In a run of several partitions, `dagster.MaterializeResult` takes one data version for all of them.
    """
    return {_DATA_VERSION: version}


def own_version_tags(version: str, provenance: Mapping[str, str]) -> dict[str, str]:
    """The same once Dagster has written its events, with the provenance from one of them: see `provenance_tags`."""
    return {**provenance, **version_tags(version), _VERSION_IS_OURS: "true"}


def provenance_tags(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> dict[str, str]:
    """The tags that Dagster gave the partition's latest materialization, except those that name the partition.

    They hold the code version and the versions of the inputs. Without this, the provenance is empty, and Dagster's UI
    can't tell why a partition is stale.
    """
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset, asset_partitions=[partition]), limit=1
    ).records
    latest = getattr(records[0], "asset_materialization", None) if records else None
    given: Mapping[str, str] = (latest.tags if latest else None) or {}
    return {name: value for name, value in given.items() if not name.startswith(_DIMENSION)}


def input_tags(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str, code_version: str) -> dict[str, str]:
    """The provenance of what was made with a code version from the latest materialization of one input's partition.

    Dagster sets these tags on the assets of a step, but not on an asset that a step makes for its own sake. Empty if
    the input has no materialization; then Dagster compares times instead of versions.
    """
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset, asset_partitions=[partition]), limit=1
    ).records
    latest = getattr(records[0], "asset_materialization", None) if records else None
    version = ((latest.tags if latest else None) or {}).get(_DATA_VERSION)
    if not version:
        return {}
    name = "/".join(asset.path)
    return {
        _CODE_VERSION: code_version,
        f"{_INPUT_VERSION}/{name}": version,
        f"{_INPUT_EVENT}/{name}": str(records[0].storage_id),
    }


def forget_input_version(context: dg.AssetExecutionContext, asset: dg.AssetKey) -> None:
    """Have Dagster look up again which version of an input the running step's assets are made of.

    It looks all inputs up before the step begins. If the step then makes one of them itself, its assets would count as
    made of the version before, and be stale at once. In a version of Dagster that can't do this, that is what happens.
    """
    step = getattr(context, "get_step_execution_context", None)
    forget = getattr(step(), "wipe_input_asset_version_info", None) if step else None
    if forget:
        forget(asset)


# -------------------------------------------------------------------------------------------------------- the graph


def with_backfill_policy(assets: dg.AssetsDefinition, policy: dg.BackfillPolicy) -> dg.AssetsDefinition:
    """The same assets with another backfill policy.

    The public way is an argument of ``@dagster.asset``, but the policy depends on a setting, which the assets that are
    defined in modules don't know.

    Raises:
        RuntimeError: this version of Dagster can't.
    """
    changed: dg.AssetsDefinition = _required(assets, "with_attributes")(backfill_policy=policy)
    return changed


def with_keys(assets: dg.AssetsDefinition, keys: Mapping[dg.AssetKey, dg.AssetKey]) -> dg.AssetsDefinition:
    """The same assets under other keys, and made of what has other keys; the names of their steps stay.

    The public `dagster.map_asset_specs` refuses to change keys.

    Raises:
        RuntimeError: this version of Dagster can't.
    """
    changed: dg.AssetsDefinition = _required(assets, "with_attributes")(asset_key_replacements=keys)
    return changed


def job_of_all_assets(definitions: dg.Definitions) -> dg.JobDefinition:
    """The job that the UI, too, takes for materializing any selection of assets.

    The public `dagster.materialize` makes a new job for each run, under a name from which the UI can't run it again.

    Raises:
        RuntimeError: this version of Dagster can't.
    """
    job: dg.JobDefinition = _required(definitions, "resolve_implicit_global_asset_job_def")()
    return job


# ------------------------------------------------------------------------------------------------------------- runs


@dataclass(frozen=True)
class StepFailure:
    """Why a step failed.

    Attributes:
        description: that of a `dagster.Failure`; empty for other exceptions.
        error: the exception's class, which is Dagster's own for what the step's code raised; empty if none is known.
        message: what the step's code raised, or else the exception's message, in one line.
    """

    description: str
    error: str
    message: str


def step_failure(event: dg.DagsterEvent) -> StepFailure:
    """Why a step failed, from the event that says so. The classes of an event's data aren't public.

    Fields that this version of Dagster lacks are empty.
    """
    data = event.event_specific_data
    told, error = getattr(data, "user_failure_data", None), getattr(data, "error", None)
    raised = getattr(error, "cause", None) or error  # what the step's own code raised is wrapped
    return StepFailure(
        getattr(told, "description", None) or "", getattr(error, "cls_name", None) or "", _message(raised)
    )


@dataclass(frozen=True)
class RunFailure:
    """Why a run failed.

    Attributes:
        message: of the exception that ended it, in one line; empty if it was reported as failed from outside.
        interrupted: whether it was terminated between two steps, such as by Ctrl-C.
    """

    message: str
    interrupted: bool


def run_failure(event: dg.DagsterEvent) -> RunFailure:
    """Why a run failed, from the event that says so. The classes of an event's data aren't public.

    Fields that this version of Dagster lacks are empty.
    """
    data = event.event_specific_data
    error, reason = getattr(data, "error", None), getattr(data, "failure_reason", None)
    interrupted = getattr(reason, "name", "") == "UNEXPECTED_TERMINATION"
    return RunFailure(_message(getattr(error, "cause", None) or error), interrupted)


def step_failures(instance: dg.DagsterInstance, run_id: str) -> Iterator[StepFailure]:
    """Why steps of a run failed. The public queries find events of assets, but not of steps.

    Raises:
        RuntimeError: this version of Dagster can't.
    """
    for entry in _required(instance, "all_logs")(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        yield step_failure(entry.get_dagster_event())


def waits_for_retry(run: dg.DagsterRun) -> bool:
    """Whether the daemon will retry a failed run and hasn't done so yet.

    Raises:
        RuntimeError: this version of Dagster can't tell.
    """
    return bool(_required(run, "is_complete_and_waiting_to_retry"))


def fail_run(instance: dg.DagsterInstance, run: dg.DagsterRun, reason: str) -> None:
    """Report an unfinished run as failed, and free its places in pools. No public API ends a run from outside.

    In a version of Dagster that can't free the places, they stay taken. That matters only where an instance's pools
    count steps; by this project's own `dagster.yaml`, they count runs.

    Raises:
        RuntimeError: this version of Dagster can't end it.
    """
    _required(instance, "report_run_failed")(run, reason)
    free = getattr(_event_log(instance), "free_concurrency_slots_for_run", None)
    if free:
        free(run.run_id)


def tag_run(instance: dg.DagsterInstance, run_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a run that is there already. Public API tags runs only when they start.

    Raises:
        RuntimeError: this version of Dagster can't.
    """
    _required(instance, "add_run_tags")(run_id, dict(tags))


def make_pool(instance: dg.DagsterInstance, name: str) -> None:
    """Give a pool its default limit, if it has none yet. The public ways are the UI and the command line.

    Otherwise the daemon's queue only learns of the limit after it has let the first runs through. In a version of
    Dagster that can't do this, that is what happens.
    """
    storage = _event_log(instance)
    limits = getattr(storage, "get_pool_limits", None)
    initialize = getattr(storage, "initialize_concurrency_limit_to_default", None)
    if limits and initialize and name not in {pool.name for pool in limits()}:
        initialize(name)


# ------------------------------------------------------------------------------------------------------------- logs


@dataclass(frozen=True)
class LogContext:
    """Where a log record comes from.

    Attributes:
        message: as it was logged, without what Dagster puts before it.
        run, job, step: the run's id, and the names of its job and of the step; empty outside of runs.
        event: the kind of Dagster's event that the record tells of; empty if it tells of none.
        made: the asset's key and the partition of an event about a partition that was made.
    """

    message: str
    run: str = ""
    job: str = ""
    step: str = ""
    event: str = ""
    made: tuple[dg.AssetKey, str] | None = None


def log_context(record: logging.LogRecord) -> LogContext:
    """Where a log record comes from. What Dagster adds to records isn't public.

    In a version of Dagster that adds something else, everything but the message is empty.
    """
    told: Mapping[str, Any] = getattr(record, "dagster_meta", None) or {}
    event = told.get("dagster_event")
    made = event if isinstance(event, dg.DagsterEvent) and event.is_step_materialization else None
    return LogContext(
        told.get("orig_message") or record.getMessage(),
        told.get("run_id") or "",
        told.get("job_name") or "",
        told.get("step_key") or "",
        getattr(event, "event_type_value", ""),
        (made.asset_key, made.partition or "") if made and made.asset_key else None,
    )


# ---------------------------------------------------------------------------------------------------------- records


def open_records(home: Path) -> dg.DagsterInstance:
    """The instance whose records are in a folder, as its ``dagster.yaml`` says.

    Nothing about it is temporary: it is what DAGSTER_HOME gives, without an environment variable. Capturing the output
    of steps, which print nothing, takes two processes for each, and Ctrl-C makes them print tracebacks.
    """
    return dg.DagsterInstance.local_temp(str(home), overrides={"compute_logs": NO_COMPUTE_LOGS})


def schema_revisions(instance: dg.DagsterInstance) -> dict[str, tuple[str, str]]:
    """Revisions of the schema of Dagster's databases: those that they have, and those that this Dagster expects.

    A database of which this version of Dagster can't tell is left out.
    """
    revisions = {}
    for name, owner in (
        ("runs", "run_storage"),
        ("events", "event_log_storage"),
        ("schedules", "schedule_storage"),
    ):
        tell = getattr(getattr(instance, owner, None), "alembic_version", None)
        if tell and (told := tell()):
            found, newest = told
            revisions[name] = (found or "none", newest if isinstance(newest, str) else ", ".join(newest or ()))
    return revisions


# ------------------------------------------------------------------------------------------------------------ guards


def _required(owner: object, name: str) -> Any:
    """A private attribute that the pipeline can't do without.

    Raises:
        RuntimeError: this version of Dagster lacks it.
    """
    if not hasattr(owner, name):
        raise RuntimeError(
            f"Dagster {dg.__version__} has no {type(owner).__name__}.{name}: install dagster{SUPPORTED}, "
            "the versions that this pipeline is made for"
        )
    return getattr(owner, name)


def _event_log(instance: dg.DagsterInstance) -> object:
    return getattr(instance, "event_log_storage", None)


def _message(error: object) -> str:
    return " ".join((getattr(error, "message", None) or "").split())
