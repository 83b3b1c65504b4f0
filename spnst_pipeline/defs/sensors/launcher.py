"""The launcher: a sensor that starts the runs which the jobs ask for, phase by phase.

A successful run of one of the jobs is a request. Requests are served one after the other, so that nothing is
launched twice. When no run of a phase is left unfinished, the next phase is planned, by what is in the store then, and
launched. Each phase is launched once: what fails is tried again by the next request, not for ever. Cancelling a
launched run ends its request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
from pydantic import BaseModel

from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.jobs import Job
from spnst_pipeline.planning.grid import known_grid
from spnst_pipeline.project import Project
from spnst_pipeline.stale_runs import fail_stale_runs

REQUEST = "spnst/request"
"""Tag of launched runs: the id of the run that asked for them."""

PHASE = "spnst/phase"
"""Tag of launched runs: what their phase is called."""

PATIENCE = timedelta(days=1)
"""Requests made longer ago, while the sensor was off, aren't served."""


UNFINISHED = [status for status in dg.DagsterRunStatus if status.name not in ("SUCCESS", "FAILURE", "CANCELED")]
"""Statuses of runs that wait or work."""


class Cursor(BaseModel):
    """What the sensor remembers.

    Attributes:
        since: when the newest request known ended.
        queue: ids of requests that aren't over; the first is being served.
        launched: how many of its phases have been launched.
    """

    since: datetime
    queue: list[str] = []
    launched: int = 0


def launcher_sensor(open_project: Callable[[], Project], jobs: Sequence[Job]) -> dg.SensorDefinition:
    """The sensor, given how to open the project with its sources as they are now, and the jobs that it serves."""
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
        cursor = _with_new_requests(context.cursor, by_name, instance)
        runs: list[dg.RunRequest] = []
        while cursor.queue and not runs:
            request = cursor.queue[0]
            launched = instance.get_runs(dg.RunsFilter(tags={REQUEST: request}))
            if not all(map(_over, launched)):
                break
            asked = instance.get_run_by_id(request)
            cancelled = any(run.status == dg.DagsterRunStatus.CANCELED for run in launched)
            job = by_name.get(asked.job_name) if asked and not cancelled else None
            if asked and job and cursor.launched < len(job.phases):
                runs = _launch(asked, job, cursor.launched, open_project(), instance)
                context.log.info(f"{job.name} {request}: {len(runs)} runs for phase {cursor.launched + 1}")
                cursor.launched += 1
            else:
                context.log.info(f"{request} is over")
                cursor = Cursor(since=cursor.since, queue=cursor.queue[1:])
        waiting = f"waiting for runs of request {cursor.queue[0]}" if cursor.queue else "nothing is asked for"
        return dg.SensorResult(
            run_requests=runs, skip_reason=None if runs else waiting, cursor=cursor.model_dump_json()
        )

    return launcher


def _with_new_requests(text: str | None, jobs: Iterable[str], instance: dg.DagsterInstance) -> Cursor:
    cursor = Cursor.model_validate_json(text) if text else Cursor(since=datetime.now(timezone.utc) - PATIENCE)
    done = [
        record
        for job in jobs
        for record in instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS], updated_after=cursor.since)
        )
    ]
    for record in sorted(done, key=lambda record: record.update_timestamp):
        if record.dagster_run.run_id not in cursor.queue:
            cursor.queue.append(record.dagster_run.run_id)
        cursor.since = record.update_timestamp
    return cursor


def _over(run: dg.DagsterRun) -> bool:
    return run.is_finished and not run.is_complete_and_waiting_to_retry


def _launch(
    asked: dg.DagsterRun, job: Job, phase: int, project: Project, instance: dg.DagsterInstance
) -> list[dg.RunRequest]:
    """What starts the runs of one phase of a request."""
    ops: Any = asked.run_config.get("ops", {})
    config = job.config(**ops.get(job.op, {}).get("config", {}))
    grid = job.grid(project, known_grid(instance, project), config)
    plan = job.phases[phase](Lineage(project, force=config.force), grid)
    return [
        dg.RunRequest(
            run_key=" ".join((asked.run_id, str(phase), *map(str, launch.assets), *(launch.span or ()))),
            asset_selection=launch.keys,
            run_config=launch.config,
            tags={**launch.tags, REQUEST: asked.run_id, PHASE: plan.phase},
        )
        for launch in plan.launches
    ]
