"""The launcher: a sensor that starts the runs which the jobs ask for, phase by phase.

A successful run of one of the jobs is a request. Requests are served one after the other, so that nothing is
launched twice. When no run of a phase is left unfinished, the next phase is planned, by what is in the store then, and
launched. Each phase is launched once: what fails is tried again by the next request, not for ever. Cancelling a
launched run ends its request. The run that asked is tagged with the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
from pydantic import BaseModel

from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.dagster_private import priority_tags, step_failures, tag_run, waits_for_retry
from spnst_pipeline.defs.jobs import OUTCOME, Job
from spnst_pipeline.planning.grid import known_grid
from spnst_pipeline.planning.plan import Launch, Plan
from spnst_pipeline.project import Project
from spnst_pipeline.settings import Settings
from spnst_pipeline.shard import TAG, WHOLE, Shard
from spnst_pipeline.stale_runs import fail_stale_runs
from spnst_pipeline.wording import counted

REQUEST = "spnst/request"
"""Tag of launched runs: the id of the run that asked for them."""

PHASE = "spnst/phase"
"""Tag of launched runs: what their phase is called."""

PATIENCE = timedelta(days=1)
"""Requests made longer ago, while the sensor was off, aren't served."""


UNFINISHED = [status for status in dg.DagsterRunStatus if status.name not in ("SUCCESS", "FAILURE", "CANCELED")]
"""Statuses of runs that are waiting or running."""


class Cursor(BaseModel):
    """What the sensor remembers.

    Attributes:
        since: when the newest request known ended.
        queue: ids of requests that aren't over; the first is being served.
        launched: how many of its phases have been launched.
        wanted: how many artefacts these were to make.
    """

    since: datetime
    queue: list[str] = []
    launched: int = 0
    wanted: int = 0


def launcher_sensor(
    open_project: Callable[[], Project], jobs: Sequence[Job], shard: Shard = WHOLE
) -> dg.SensorDefinition:
    """The sensor, given how to open the project with its sources as they are now, and the jobs that it serves.

    It serves those of its own shard.
    """
    by_name = {job.name: job for job in jobs}

    @dg.sensor(
        name="launcher",
        description="Starts the runs that the jobs ask for, phase by phase.",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def launcher(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        instance = context.instance
        fail_stale_runs(instance)
        cursor = _with_new_requests(context.cursor, by_name, shard, instance)
        runs: list[dg.RunRequest] = []
        while cursor.queue and not runs:
            request = cursor.queue[0]
            launched = _launched(request, instance)
            if not all(map(_over, launched)):
                break
            asked = instance.get_run_by_id(request)
            cancelled = any(run.status == dg.DagsterRunStatus.CANCELED for run in launched)
            job = by_name.get(asked.job_name) if asked and not cancelled else None
            if asked and job and cursor.launched < len(job.phases):
                project = open_project()
                plan = _plan(asked, job, cursor.launched, project, instance)
                runs = [
                    _request(asked, cursor.launched, plan, launch, shard, _placed(project.settings, launch, number))
                    for number, launch in enumerate(plan.launches)
                ]
                context.log.info(f"{job.name} {request}: {counted(len(runs), 'run')} for phase {cursor.launched + 1}")
                cursor.launched += 1
                cursor.wanted += sum(plan.wanted.values())
            else:
                outcome = "cancelled" if cancelled else _outcome(launched, cursor.wanted, instance)
                context.log.info(f"{request} is over: {outcome}")
                if asked:
                    tag_run(instance, request, {OUTCOME: outcome})
                cursor = Cursor(since=cursor.since, queue=cursor.queue[1:])
        waiting = f"waiting for runs of request {cursor.queue[0]}" if cursor.queue else "nothing is asked for"
        return dg.SensorResult(
            run_requests=runs, skip_reason=None if runs else waiting, cursor=cursor.model_dump_json()
        )

    return launcher


def _with_new_requests(text: str | None, jobs: Iterable[str], shard: Shard, instance: dg.DagsterInstance) -> Cursor:
    cursor = Cursor.model_validate_json(text) if text else Cursor(since=datetime.now(timezone.utc) - PATIENCE)
    done = [
        record
        for job in jobs
        for record in instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS], updated_after=cursor.since)
        )
        if record.dagster_run.tags.get(TAG) == shard.tags.get(TAG)
    ]
    for record in sorted(done, key=lambda record: record.update_timestamp):
        if record.dagster_run.run_id not in cursor.queue and OUTCOME not in record.dagster_run.tags:
            cursor.queue.append(record.dagster_run.run_id)
        cursor.since = record.update_timestamp
    return cursor


def _launched(request: str, instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The runs that were launched for a request, the newest first."""
    return [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(tags={REQUEST: request}))]


def _over(run: dg.DagsterRun) -> bool:
    return run.is_finished and not waits_for_retry(run)


def _outcome(launched: Sequence[dg.DagsterRun], wanted: int, instance: dg.DagsterInstance) -> str:
    """What the asking run is tagged with, by the runs that were launched for it."""
    retried = {run.parent_run_id for run in launched}
    lost = [run for run in launched if run.status == dg.DagsterRunStatus.FAILURE and run.run_id not in retried]
    failed = sum(_failed(run, instance) for run in lost)
    return f"failed {failed}" if failed else f"done {wanted}/{wanted}"


def _failed(run: dg.DagsterRun, instance: dg.DagsterInstance) -> int:
    """How many partitions a failed run names; one that was killed names none, and counts as one."""
    named = 0
    for failure in step_failures(instance, run.run_id):
        named += len(failure.description.splitlines()) or 1
    return named or 1


def _plan(asked: dg.DagsterRun, job: Job, phase: int, project: Project, instance: dg.DagsterInstance) -> Plan:
    """One phase of a request."""
    ops: Any = asked.run_config.get("ops", {})
    config = job.config(**ops.get(job.op, {}).get("config", {}))
    grid = job.grid(project, known_grid(instance, project), config)
    return job.phases[phase](Lineage(project, force=config.force), grid)


def _placed(settings: Settings, launch: Launch, number: int) -> dict[str, Any]:
    """Tags that say where and when the launch of this number in its phase is to run.

    Several workers take launches in their order. One that the daemon starts again has the tags of the run that was
    lost, and so is the next: at the end of the queue, it would keep one worker busy when all others are done.
    """
    where = {} if launch.uses_networks else settings.cpu_run_tags or {}
    when = priority_tags(-number) if settings.workers > 1 else {}
    return {**where, **when}


def _request(
    asked: dg.DagsterRun, phase: int, plan: Plan, launch: Launch, shard: Shard, placed: Mapping[str, Any]
) -> dg.RunRequest:
    """What starts one run of a phase, with ``placed`` among its tags."""
    return dg.RunRequest(
        run_key=" ".join((asked.run_id, str(phase), *map(str, launch.assets), *(launch.span or ()))),
        asset_selection=launch.keys_in(shard),
        run_config=launch.config,
        tags={**placed, **launch.tags, REQUEST: asked.run_id, PHASE: plan.phase},
    )
