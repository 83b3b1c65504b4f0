"""The sensor that writes the length of the queue for Prometheus. There is one only where the settings name a folder."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from spnst_pipeline.defs.prometheus import write_queue

STATUSES = {
    dg.DagsterRunStatus.QUEUED: "queued",
    dg.DagsterRunStatus.STARTING: "running",
    dg.DagsterRunStatus.STARTED: "running",
}
"""What the statuses of runs that are counted are called in the figures."""


def queue_sensor(folder: Path) -> dg.SensorDefinition:
    """The sensor, given the folder that node_exporter reads."""

    @dg.sensor(
        name="queue_length",
        description="Writes for Prometheus how many runs wait and how many paint.",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def queue_length(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        records = context.instance.get_run_records(dg.RunsFilter(statuses=[*STATUSES]))
        runs = dict.fromkeys(STATUSES.values(), 0)
        for record in records:
            runs[STATUSES[record.dagster_run.status]] += 1
        write_queue(folder, runs)
        return dg.SkipReason(", ".join(f"{count} {name}" for name, count in runs.items()))

    return queue_length
