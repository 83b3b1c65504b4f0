"""The sensor that tells a webhook of failed runs. There is one only where the settings name a webhook."""

from __future__ import annotations

from typing import Any

import dagster as dg
import requests

from spnst_pipeline.dagster_private import run_failure, step_failures, waits_for_retry
from spnst_pipeline.storage.patience import attempts

MOST_LINES = 20
"""Most failed partitions that a message names; it counts them all."""

SECONDS = 5.0
"""How long a message is tried to be delivered. A tick, which may have several, has a minute."""


class Undelivered(Exception):
    """The webhook didn't take a message. Its address, which is a secret, isn't said."""


def failure_sensor(webhook: str) -> dg.SensorDefinition:
    """The sensor, given the address that takes messages as JSON."""

    @dg.run_failure_sensor(
        name="failed_runs",
        description="Tells the webhook of the settings of every failed run: what failed, and why.",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        told = message(context.instance, context.dagster_run, context.failure_event)
        for attempt in attempts(Undelivered, most=SECONDS):
            with attempt:
                deliver(webhook, told)
        context.log.info(f"the webhook was told of run {context.dagster_run.run_id}")

    return failed_runs


def message(instance: dg.DagsterInstance, run: dg.DagsterRun, event: dg.DagsterEvent) -> dict[str, Any]:
    """What the webhook is told of a failed run.

    Returns:
        ``run`` and ``job``; ``text``, a line for people; ``error``, the first line of what went wrong; ``failed``, how
        many partitions failed by name, and ``lines``, the first of them, each with its reason; ``retried``, whether
        the daemon starts the run again.
    """
    failures = list(step_failures(instance, run.run_id))
    lines = [line for failure in failures for line in failure.description.splitlines()]
    reasons = (*lines, *(failure.message for failure in failures), run_failure(event).message, event.message or "")
    error = next(filter(None, reasons), "unknown")
    return {
        "text": f"run {run.run_id} of {run.job_name} failed: {error}",
        "run": run.run_id,
        "job": run.job_name,
        "error": error,
        "failed": len(lines),
        "lines": lines[:MOST_LINES],
        "retried": waits_for_retry(run),
    }


def deliver(webhook: str, told: dict[str, Any]) -> None:
    """Post a message.

    Raises:
        Undelivered: nobody answered, or not with a status that means success.
    """
    try:
        answer = requests.post(webhook, json=told, timeout=SECONDS, allow_redirects=False)
        trouble = "" if 200 <= answer.status_code < 300 else f"answered with status {answer.status_code}"
    except requests.RequestException as error:
        trouble = f"can't be reached: {type(error).__name__}"
    if trouble:  # out here, because the exception of `requests`, which holds the address, would be this one's context
        raise Undelivered(f"the webhook {trouble}")
