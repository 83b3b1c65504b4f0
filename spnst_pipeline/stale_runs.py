"""Stale runs: those of killed command-line processes, which Dagster would show as running for a day."""

import os
import socket

import dagster as dg
import psutil

from spnst_pipeline.dagster_private import fail_run, no_retries

PROCESS = "spnst/process"
"""Tag of runs that a command line carries out: the machine, the process ID, and when the process began."""

CLOCK_DRIFT = 5.0
"""Seconds by which the time when a process began may seem to change while the machine's clock is set right."""

_WORKING = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED)


def process_tags() -> dict[str, str]:
    """Tags of a run that this process carries out by itself. The daemon, which didn't launch it, can't retry it."""
    return {
        PROCESS: f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}",
        **no_retries(),
    }


def fail_stale_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report as failed the unfinished runs whose process on this machine is gone, so that none waits for them.

    Call it before this process carries out a run: a run with the same process ID then belongs to an earlier process.

    Returns:
        Ids of those runs.
    """
    unfinished = [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(statuses=[*_WORKING]))]
    stale = [run for run in unfinished if PROCESS in run.tags and _is_gone(run.tags[PROCESS])]
    for run in stale:
        fail_run(instance, run, f"The process that carried it out ({run.tags[PROCESS]}) is gone.")
    return [run.run_id for run in stale]


def _is_gone(process: str) -> bool:
    """Whether a process was one of this machine and isn't there any more; another may have its number by now."""
    host, number, *began = process.split()
    if host != socket.gethostname():
        return False
    try:
        began_now = psutil.Process(int(number)).create_time()
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:  # it is somebody else's
        return False
    return int(number) == os.getpid() or any(abs(began_now - float(then)) > CLOCK_DRIFT for then in began)
